"""How is one entry of a log of published things written, and read back?"""

from __future__ import annotations

import json
import uuid
from typing import TypeVar

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.model import SpecModel

__all__ = ["entry_body", "is_uuid", "parse_entry"]

EntryT = TypeVar("EntryT", bound=SpecModel)


def entry_body(entry: SpecModel) -> bytes:
    """Return what is stored for ``entry``."""
    return json.dumps(entry.model_dump(mode="json"), sort_keys=True).encode()


def parse_entry(model: type[EntryT], body: bytes, what: str) -> EntryT:
    """Return the entry that is stored as ``body``.

    :raises ProtocolError: this version cannot read it
    """
    try:
        return parse_model(model, body, what)
    except DefinitionError as error:
        raise ProtocolError(f"a record in the workspace cannot be read: {error}") from error


def is_uuid(text: object) -> bool:
    """Whether ``text`` is an id as published things have them, and so the name of a folder and nothing else."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text
    except ValueError:
        return False
