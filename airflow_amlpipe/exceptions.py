"""Which errors can airflow-amlpipe raise, and who has to act on them?

::

    AmlPipeError
      DefinitionError            the author must change something; a retry cannot help
        UnknownNameError           a name that is not registered or not declared
          UnknownConnectionError     a datastore logs in with an Airflow connection that is not on this machine
        NoDataError                nothing lies where a definition points
        CycleError                 steps that wait for each other
        UnsupportedFeatureError    SDK v1 had it, airflow-amlpipe has not
        EnvironmentBuildError      the step's environment cannot be installed as it is written
        ReuseRequiredError         the policy 'require' met a step that would have to run
      StepFailedError            the user's script failed; carries ``exit_code`` and ``log_tail``
      InfrastructureError        ours or the platform's; a retry may help
        DatastoreUnavailableError  bytes could not be read or written
        SourceChangedError         files changed while they were being read
        BackendUnavailableError    a back end could not start, watch or stop a job
          ViewRefusedError         a job cannot be shown data where it lies; it is copied instead
        CommitUnknownError         nobody can say whether a record was stored; nothing was deleted
        ProtocolError              a record or message that this version cannot read
      AzureMLException           SDK v1's names (``sdk/exceptions``); those that are raised are in one of the other branches too

``AmlPipeError``, ``DefinitionError`` and what of SDK v1's the runtime raises are defined in ``runtime/errors.py``: scripts inside a step meet them.
``DefinitionError`` is a ``ValueError`` too, because that is what SDK v1 raised for most wrong definitions and what scripts catch.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow_amlpipe.runtime.errors import AmlPipeError, DefinitionError

__all__ = [
    "AmlPipeError",
    "BackendUnavailableError",
    "CommitUnknownError",
    "CycleError",
    "DatastoreUnavailableError",
    "DefinitionError",
    "EnvironmentBuildError",
    "InfrastructureError",
    "NoDataError",
    "ProtocolError",
    "ReuseRequiredError",
    "SourceChangedError",
    "StepFailedError",
    "UnknownConnectionError",
    "UnknownNameError",
    "UnsupportedFeatureError",
    "ViewRefusedError",
    "did_you_mean",
    "exit_code_for",
    "shorten",
]


# How alike two names are of which one is a slip for the other: 'score' and 'scroe' are, 'cpu' and 'gpu' are not.
_NEAR = 0.75


def shorten(text: str, limit: int = 200) -> str:
    """Return ``text`` in one line of at most ``limit`` characters, what cannot be printed escaped, the middle left out if need be."""
    line = text
    if not text.isprintable():
        line = "".join(character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text)
    if len(line) <= limit:
        return line
    head = (limit - 5) * 2 // 3
    return f"{line[:head]} ... {line[-(limit - 5 - head) :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what a message that lists ``known`` ends with when one of them is probably what ``name`` was meant to be, else ``""``."""
    from difflib import get_close_matches

    near = get_close_matches(name, [*known], n=1, cutoff=_NEAR)
    return f"; did you mean {shorten(repr(near[0]))}?" if near else ""


def exit_code_for(error: AmlPipeError) -> int:
    """Return what a program that ``error`` ends exits with: 2 a definition is wrong, 1 a step failed, 3 a retry may help."""
    return 2 if isinstance(error, DefinitionError) else 1 if isinstance(error, StepFailedError) else 3


class UnknownNameError(DefinitionError):
    """A name that is not registered or not declared; the message lists those that are."""


class UnknownConnectionError(UnknownNameError):
    """A datastore logs in with an Airflow connection that is not on this machine."""


class NoDataError(DefinitionError):
    """Nothing lies where a definition points."""


class CycleError(DefinitionError):
    """Steps that wait for each other."""


class UnsupportedFeatureError(DefinitionError):
    """SDK v1 had it, airflow-amlpipe has not; the message says what to use instead."""


class EnvironmentBuildError(DefinitionError):
    """The environment of a step cannot be installed as it is written; carries the resolver's own words."""


class ReuseRequiredError(DefinitionError):
    """The policy ``require`` met a step that would have to run."""


class StepFailedError(AmlPipeError):
    """The user's script failed.

    :ivar exit_code: what the process returned; negative for a signal, ``None`` when it was stopped before it could return
    :ivar log_tail: the last lines it wrote
    """

    def __init__(self, message: str, *, exit_code: int | None, log_tail: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.log_tail = log_tail


class InfrastructureError(AmlPipeError):
    """Ours or the platform's; a retry may help."""


class DatastoreUnavailableError(InfrastructureError):
    """Bytes could not be read or written; nothing was recorded as done."""


class SourceChangedError(InfrastructureError):
    """Files changed while they were being read; run again when they are at rest."""


class BackendUnavailableError(InfrastructureError):
    """A back end could not start, watch or stop a job."""


class ViewRefusedError(BackendUnavailableError):
    """A job cannot be shown data where it lies; whoever launches it copies the data and launches it again."""


class CommitUnknownError(InfrastructureError):
    """Nobody can say whether a record was stored; nothing was deleted, a retry finds out."""


class ProtocolError(InfrastructureError):
    """A record or message that this version cannot read; upgrade, or ask who wrote it."""
