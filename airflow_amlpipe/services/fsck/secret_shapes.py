"""Does this look like a secret? (a password in a URL, a shared access signature, an account key)

Looked for in records, which must hold none; the secret itself is never repeated.
"""

from __future__ import annotations

import re

__all__ = ["secret_shape"]

_SHAPES = (
    (re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/\s\"'@:<>\\]*:(?!\*)[^/\s\"'@<>\\]+@[^/\s\"'@]"), "a URL with a user and a password"),
    (re.compile(rb"[?&]sig=[A-Za-z0-9%+/=_-]{16,}", re.IGNORECASE), "a URL with a shared access signature (sig=)"),
    (re.compile(rb"SharedAccessSignature=\S{8,}", re.IGNORECASE), "a shared access signature"),
    (re.compile(rb"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{16,}", re.IGNORECASE), "an account key"),
    (re.compile(rb"[?&]X-(?:Amz|Goog)-Signature=[0-9a-f]{16,}", re.IGNORECASE), "a signed URL"),
    (re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"), "a private key"),
)


def secret_shape(body: bytes) -> str | None:
    """Return what kind of secret ``body`` seems to hold, ``None`` for none.

    >>> secret_shape(b'{"url": "sftp://ann:hunter2@example.com/data"}')
    'a URL with a user and a password'
    >>> secret_shape(b'{"url": "sftp://ann@example.com/data"}')
    """
    return next((name for shape, name in _SHAPES if shape.search(body)), None)
