"""What did the script of a try ask of its host while it ran, beside the inputs that its step declares?

What a script reads so is not in the step's key, so people have to be able to see it. Kept with the try in ``asked.json``; a reused step shows
what the try asked that produced its result. What the answers were known by is kept with the result, too (``StepResult.told``): before it is
reused, the questions are asked again. Values of secrets are never written down, only their names.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["AskedThing", "answers_of", "fold_asked", "keep_asked", "read_asked"]


class AskedThing(SpecModel):
    """One thing that was asked for, however often.

    :ivar verb: of ``runtime.questions.VERBS``
    :ivar what: the thing as people read it, such as ``dataset 'irises' version 3``
    :ivar digest: identity of the data or model that was handed over, if any was
    :ivar changes: whether the script changed something outside its step: registered, uploaded
    :ivar is_keyed: whether it is an input of the step, or its own, and so in the key all the same
    :ivar told: the question and what identifies the answer; ``None`` of what is not asked again: secrets, and what the script changed
    """

    verb: str
    what: str
    digest: str | None = None
    changes: bool = False
    is_keyed: bool = False
    first_at: str = ""
    times: int = 1
    told: Told | None = added_later(None)


class _AskedRecord(SpecModel):
    asked: tuple[AskedThing, ...] = ()


def fold_asked(things: Iterable[AskedThing]) -> tuple[AskedThing, ...]:
    """Return each thing once, in the order they were first asked for, with how often that was."""
    folded: dict[tuple[str, str, str | None, str | None], AskedThing] = {}
    for thing in things:
        place = (thing.verb, thing.what, thing.digest, thing.told.digest if thing.told else None)
        known = folded.get(place)
        folded[place] = thing if known is None else known.model_copy(update={"times": known.times + thing.times})
    return tuple(folded.values())


def answers_of(things: Iterable[AskedThing]) -> tuple[Told, ...]:
    """Return what identifies the answers, each once, in the order of the questions."""
    return tuple(thing.told for thing in fold_asked(things) if thing.told is not None)


def keep_asked(workspace: WorkspaceStore, folder: str, things: Iterable[AskedThing]) -> None:
    """Store what the script of the try in ``folder`` asked for; nothing is written for nothing."""
    folded = fold_asked(things)
    if folded:
        body = record_body(_AskedRecord(asked=folded))
        workspace.store.put(f"{folder}/asked.json", body, durable=False)


def read_asked(workspace: WorkspaceStore, folder: str) -> tuple[AskedThing, ...]:
    """Return what the script of the try in ``folder`` asked for.

    :raises ProtocolError: the record cannot be read
    """
    path = f"{folder}/asked.json"
    try:
        return parse_record(_AskedRecord, workspace.store.read(path), f"record {path}").asked
    except FileNotFoundError:
        return ()
