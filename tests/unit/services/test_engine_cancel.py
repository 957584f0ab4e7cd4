"""Is a request to cancel seen in time, and is a store's silence taken for none?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.services.engine_cancel import Cancellation


def watched(answers: list[bool | Exception]) -> Cancellation:
    def is_requested() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Cancellation(is_requested=is_requested, on_deadline=lambda: None, deadline_seconds=1)


def test_a_request_is_seen_at_once_by_whoever_looks() -> None:
    """A step can ask for its own run to be stopped (``run.parent.cancel()``) and end before anybody looks again."""
    cancellation = watched([False, True])
    assert cancellation.look() is False
    assert cancellation.look() is True
    assert cancellation.is_requested, "and is not forgotten"


def test_a_store_that_does_not_answer_asks_for_nothing() -> None:
    cancellation = watched([DatastoreUnavailableError("away"), True])
    assert cancellation.look() is False
    assert cancellation.look() is True
