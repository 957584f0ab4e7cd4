"""What does a user have to do when an object store refuses, or does not answer? By obstore's own words for it."""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.storage.object_engine import engine
from airflow_amlpipe.storage.object_errors import answered, refusal_of

ASKED = "Error performing PUT https://host/bucket/a?sig=c2VjcmV0 in 5ms"


def error_of(text: str) -> Exception:
    found: Exception = engine().exceptions.GenericError(text)
    return found


@pytest.mark.parametrize(
    ("text", "reason", "is_definite", "is_passing"),
    [
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 409 Conflict: <Code>OperationAborted</Code>", "HTTP 409 OperationAborted", True, True),
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 400 Bad Request: ", "HTTP 400", True, False),
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 429 Too Many Requests: ", "HTTP 429", True, True),
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 503 Slow Down: <Code>SlowDown</Code>", "HTTP 503 SlowDown", True, True),
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 500 Oops: ", "HTTP 500", False, True),
        (f"Generic S3 error: {ASKED} - Server returned non-2xx status code: 408 Timeout: ", "HTTP 408", False, True),
        (f"Generic S3 error: {ASKED} - HTTP error: error sending request: operation timed out", "operation timed out", False, True),
        ("Generic GCS error: Error performing token request: Error performing GET http://169.254.169.254/x - Server returned non-2xx status code: 403 Forbidden: ", "no credentials were found", True, False),
    ],
)  # fmt: skip
def test_what_a_store_said_tells_whether_it_was_done_and_whether_it_will_be_better(
    text: str, reason: str, is_definite: bool, is_passing: bool
) -> None:
    """R20, R21."""
    found = refusal_of(error_of(text))
    assert (found.reason, found.is_definite, found.is_passing) == (reason, is_definite, is_passing)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (f"{ASKED} - Server returned non-2xx status code: 403 Forbidden: ", "the credentials do not allow it: renew them"),
        (f"{ASKED} - Server returned non-2xx status code: 507 Full: ", "the store is full: free some space there"),
        (f"{ASKED} - operation timed out", "run again when the store answers"),
        ("Error performing token request: GET http://169.254.169.254 - refused", "name an Airflow connection for the datastore"),
        (f"{ASKED} - 404: <Code>NoSuchBucket</Code>", "there is no bucket or container 'bucket'; make it"),
    ],
)
def test_the_message_says_what_to_do_and_holds_no_signed_url(text: str, advice: str) -> None:
    """R23, R25, S11."""
    with (
        pytest.raises(DatastoreUnavailableError, match=f"^datastore s3://bucket: could not write 'a'.*{advice}") as caught,
        answered("s3://bucket", "bucket", "write", "a"),
    ):
        raise error_of(text)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__suppress_context__
