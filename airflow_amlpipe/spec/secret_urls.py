"""Which part of a package's URL is a secret, and what is written in its place?

Private indexes are named as ``https://user:token@host/simple``, private wheels as ``https://host/a.whl?sig=...``, conda channels as
``https://host/t/token/channel``. What is stored of a definition has ``***`` there; the line as its author wrote it stays on the machines
that know it (``workspace/package_logins.py``).
"""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "given_url", "hidden_urls", "hide_secrets", "redact", "without_login"]

HIDDEN = "***"

_USER = re.compile(r"(\w+://)[^/\s@]+@")
_QUERY = re.compile(r"(\w+://[^\s?]+)\?[^\s#]+")
# The names under which Azure, AWS, Google, GitLab and package indexes put what lets one in.
_SECRET_QUERY = re.compile(
    r"(\w+://[^\s?]+)\?(?=(?:[^\s#]*&)?(?:sig|signature|x-amz-signature|x-goog-signature|sas|se|token|access_token|auth_token|private_token|"
    r"api_?key|key|password|secret)=)[^\s#]+",
    re.IGNORECASE,
)
_SECRET_USER = re.compile(r"((?P<scheme>[\w+]+)://)(?P<user>[^/\s@]+)@")
_CHANNEL_TOKEN = re.compile(r"(\w+://[^\s]*/t/)[^/\s]+(?=/)")
# pip's own way to keep a secret out of a file: the name of a variable.
_VARIABLES = re.compile(r"(?:\$\{\w+\}:?)+")

_URL = re.compile(r"[\w+]+://[^\s;]+")

# What this process has hidden, by what is written in its place. All that a worker has, which parses the DAG file with the URL in it.
_given: dict[str, str] = {}


def redact(text: str) -> str:
    """Return ``text`` as messages may show it: without the user names, passwords, query strings and channel tokens of URLs."""
    return _CHANNEL_TOKEN.sub(rf"\1{HIDDEN}", _QUERY.sub(rf"\1?{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", text)))


def hide_secrets(line: str) -> str:
    """Return a requirement, option or channel as it may be stored: as it is, if no URL in it lets anybody in. This process remembers the rest.

    ``git+ssh://git@host`` and ``https://${TOKEN}@host`` hold no secret, nor does a query string that only chooses a file.

    >>> hide_secrets("--index-url https://me:token@host/simple")
    '--index-url https://***@host/simple'
    """
    return _URL.sub(lambda found: _hidden(found[0]), line)


def hidden_urls(line: str) -> list[str]:
    """Return the URLs in ``line`` that :func:`hide_secrets` took something out of."""
    marks = (f"://{HIDDEN}@", f"?{HIDDEN}", f"/t/{HIDDEN}/")
    return [url for url in _URL.findall(line) if any(mark in url for mark in marks)]


def given_url(hidden: str) -> str | None:
    """Return the URL that this process last wrote down as ``hidden``, ``None`` if it never did."""
    return _given.get(hidden)


def without_login(hidden: str) -> str:
    """Return a hidden URL for an installer that has logins of its own (``~/.netrc``, a keyring)."""
    return hidden.replace(f"://{HIDDEN}@", "://").replace(f"?{HIDDEN}", "").replace(f"/t/{HIDDEN}/", "/")


def _hidden(url: str) -> str:
    hidden = _SECRET_QUERY.sub(rf"\1?{HIDDEN}", _SECRET_USER.sub(_hidden_user, url))
    hidden = _CHANNEL_TOKEN.sub(rf"\1{HIDDEN}", hidden)
    if hidden != url:
        _given[hidden] = url
    return hidden


def _hidden_user(found: re.Match[str]) -> str:
    is_plain = _VARIABLES.fullmatch(found["user"]) or (found["scheme"].endswith("ssh") and ":" not in found["user"])
    return found[0] if is_plain else f"{found[1]}{HIDDEN}@"
