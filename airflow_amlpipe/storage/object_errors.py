"""What does a user have to do when an object store refuses, or does not answer?

obstore's own words are not repeated and not kept as the cause: they quote whole requests, and a URL may be signed.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError, DefinitionError, shorten

__all__ = ["Refusal", "answered", "refusal_of"]

_STATUS = re.compile(r"status code: (\d{3})(?: ([A-Za-z -]+))?")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|FilesystemNotFound|specified (?:bucket|container|filesystem) does not exist", re.IGNORECASE
)
_ODD_NAME = re.compile(r"""[Pp]ath "(.*?)"(?::| contained) ?(Encountered illegal character|empty path segment)""", re.DOTALL)
# Where machines of a cloud are given credentials: it is asked when nothing else named any.
_NO_LOGIN = re.compile(r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google|token request", re.IGNORECASE)
_URL = re.compile(r"\w+://\S+")
_ADVICE = {
    401: "the credentials were not accepted: renew them, or correct the connection",
    403: "the credentials do not allow it: renew them if they have expired, or give them the right to do it",
    429: "the store is being asked too often: run again later",
    503: "the store is being asked too often or is down: run again later",
    507: "the store is full: free some space there and run again",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store said.

    :ivar kind: the name of obstore's error
    :ivar status: of HTTP, ``None`` when no answer came
    :ivar code: the service's own word for it
    :ivar no_bucket: it is the bucket that is not there
    :ivar no_login: it was not even asked: nobody said as whom
    """

    kind: str
    status: int | None
    code: str | None
    no_bucket: bool
    no_login: bool
    reason: str

    @property
    def is_definite(self) -> bool:
        """Whether what was asked for was certainly not done."""
        return self.status is not None and (self.status < 500 or self.status == 503) and self.status != 408

    @property
    def is_passing(self) -> bool:
        """Whether the same may well succeed a moment later."""
        return self.status is None or self.status in {408, 409, 425, 429} or self.status >= 500


def refusal_of(error: Exception) -> Refusal:
    """Return what is known of an error of obstore's."""
    text = str(error).partition("\n\nDebug source")[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    kind = type(error).__name__
    number = int(status.group(1)) if status else {"PermissionDeniedError": 403, "UnauthenticatedError": 401}.get(kind)
    if number:
        said = f"HTTP {number}" + (f" {code.group(1)}" if code else "")
    else:
        # The last part is the innermost cause: "connection refused", "operation timed out".
        said = _URL.sub("...", text.splitlines()[0].rpartition(" - ")[2].rpartition(": ")[2] or kind)
    no_login = bool(_NO_LOGIN.search(text))
    said = "no credentials were found" if no_login else shorten(said, 160)
    return Refusal(kind, number, code.group(1) if code else None, bool(_NO_BUCKET.search(text)), no_login, said)


@contextmanager
def answered(url: str, bucket: str, doing: str, path: str, *, needs_only_bucket: bool = False) -> Iterator[None]:
    """Turn an error of obstore inside into one that says what to do.

    "Nothing is there" passes as it is, unless it is the bucket that is not there.

    :param doing: completes "could not ...", such as ``"write"``
    :param needs_only_bucket: for writing: if something is not there, it is the bucket
    :raises FileNotFoundError: no such object
    :raises DefinitionError: an object there has a name that no file can have
    :raises DatastoreUnavailableError: anything else that the store refused
    """
    from airflow_amlpipe.storage.object_engine import engine

    try:
        yield
    except (AmlPipeError, FileExistsError):
        raise
    except FileNotFoundError as error:
        if needs_only_bucket or refusal_of(error).no_bucket:
            raise _no_bucket(url, bucket, doing, path) from None
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{url}/{path}") from None
    except engine().exceptions.BaseError as error:
        refusal = refusal_of(error)
        if refusal.no_bucket:
            raise _no_bucket(url, bucket, doing, path) from None
        odd = _ODD_NAME.search(str(error))
        if odd:
            raise DefinitionError(
                f"datastore {shorten(url)}: could not {doing} {shorten(repr(path))}: there is an object {shorten(repr(odd.group(1)))}, whose name has "
                "an empty, '.' or '..' part or a control character, and can be no file's; rename or delete it"
            ) from None
        advice = _ADVICE.get(refusal.status or 0, "run again when the store answers")
        if refusal.no_login:
            advice = "name an Airflow connection for the datastore (conn_id; for a workspace AMLPIPE_WORKSPACE_CONN_ID), or set the service's environment variables"
        raise DatastoreUnavailableError(
            f"datastore {shorten(url)}: could not {doing} {shorten(repr(path))}: {refusal.reason}; nothing was recorded as done; {advice}"
        ) from None


def _no_bucket(url: str, bucket: str, doing: str, path: str) -> DatastoreUnavailableError:
    return DatastoreUnavailableError(
        f"datastore {shorten(url)}: could not {doing} {shorten(repr(path))}: there is no bucket or container {shorten(repr(bucket))}; "
        "make it, or correct the URL of the datastore"
    )
