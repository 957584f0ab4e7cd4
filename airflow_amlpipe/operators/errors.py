"""Which of our errors ends a task for good, and which may Airflow try again?

The core raises the errors of ``exceptions.py`` and never Airflow's; this is the only place where one becomes the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, StepFailedError
from airflow_amlpipe.runtime.errors import AzureMLException
from airflow_amlpipe.version_compat import AirflowException, AirflowFailException

__all__ = ["TRANSLATIONS", "translate", "translated"]

# An error is translated as the first of these that it is. A new branch of the tree needs a line of its own; a test asks for it.
TRANSLATIONS: dict[type[AmlPipeError], type[AirflowException]] = {
    DefinitionError: AirflowFailException,  # no retry: it would fail in the same way
    StepFailedError: AirflowException,  # retried if the DAG allows it: scripts fail for passing reasons too
    InfrastructureError: AirflowException,
    AzureMLException: AirflowException,  # only those of SDK v1's exceptions that are in none of these branches
}


def translate(error: AmlPipeError) -> AirflowException:
    """Return the Airflow exception that stands for ``error``, with the same message."""
    for ours, airflows in TRANSLATIONS.items():
        if isinstance(error, ours):
            return airflows(str(error))
    return AirflowException(str(error))


@contextmanager
def translated() -> Iterator[None]:
    """Raise Airflow's exceptions for ours that leave the block; each keeps ours as its cause."""
    try:
        yield
    except AmlPipeError as error:
        raise translate(error) from error
