"""How is an object created so that it is there whole or not at all, and only once, whatever becomes of the answer?

The store is asked to refuse if the name is taken, and a nonce of this attempt is written down beside the object (in its metadata: the body
is the caller's). An answer can be lost, and obstore then asks again by itself: so "it exists" is no verdict before the nonce was read
back. The same reading settles time-outs, conflicts and errors of the server.
"""

from __future__ import annotations

import uuid

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random_exponential

from airflow_amlpipe.exceptions import CommitUnknownError, DatastoreUnavailableError, shorten
from airflow_amlpipe.storage.object_client import ObjectClient
from airflow_amlpipe.storage.object_engine import engine
from airflow_amlpipe.storage.object_errors import Refusal, refusal_of

__all__ = ["create_once"]

# Azure takes only letters, digits and "_" in such a name.
_NONCE = "amlpipenonce"


def create_once(client: ObjectClient, key: str, body: bytes) -> bool:
    """Create the object ``key`` unless it exists; see ``Store.create_exclusive``."""
    attempt = _Attempt(client, key, body)
    retrying = Retrying(
        retry=retry_if_result(lambda answer: answer is None),
        stop=stop_after_delay(client.place.patience_seconds),
        wait=wait_random_exponential(multiplier=0.1, max=8),
    )
    try:
        return bool(retrying(attempt))
    except RetryError:
        raise attempt.given_up() from None


class _Attempt:
    """One creation, tried again until somebody's object is there; ``None``: not yet."""

    def __init__(self, client: ObjectClient, key: str, body: bytes) -> None:
        self._client = client
        self._key = key
        self._body = body
        self._nonce = uuid.uuid4().hex
        self._may_be_stored = False
        self._last: Refusal | None = None

    def __call__(self) -> bool | None:
        try:
            engine().put(
                self._client.store("records"), self._key, self._body, mode="create", attributes={_NONCE: self._nonce}, use_multipart=False
            )
            return True
        except engine().exceptions.AlreadyExistsError:
            pass
        except (engine().exceptions.BaseError, FileNotFoundError) as error:
            self._last = refusal = refusal_of(error)
            self._may_be_stored = self._may_be_stored or not refusal.is_definite
            if not refusal.is_passing and not self._may_be_stored:
                # It will not be better in a moment, and nothing is stored.
                with self._client.writing("create", self._key):
                    raise
        return self._read_back()

    def _read_back(self) -> bool | None:
        try:
            found = self._client.attributes(self._key).get(_NONCE)
        except FileNotFoundError:
            return None  # a conflict of two of which neither landed, or a write that is still under way
        except DatastoreUnavailableError:
            self._may_be_stored = True
            return None
        return found == self._nonce

    def given_up(self) -> CommitUnknownError | DatastoreUnavailableError:
        url, shown = shorten(self._client.place.url), shorten(repr(self._client.shown(self._key)))
        reason = f"; the last answer was {self._last.reason}" if self._last else ""
        if self._may_be_stored:
            return CommitUnknownError(
                f"datastore {url}: nobody can say whether {shown} was created{reason}; nothing was deleted, run again to find out"
            )
        return DatastoreUnavailableError(
            f"datastore {url}: could not create {shown} in {self._client.place.patience_seconds:g} s{reason}; nothing was recorded as done; run again later"
        )
