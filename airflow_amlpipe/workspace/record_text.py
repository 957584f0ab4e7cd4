"""How is a record of the workspace written, and read back?"""

from __future__ import annotations

import json
from typing import TypeVar

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.model import SpecModel

__all__ = ["parse_record", "record_body"]

RecordT = TypeVar("RecordT", bound=SpecModel)


def record_body(record: SpecModel) -> bytes:
    """Return what is stored for ``record``."""
    return json.dumps(record.model_dump(mode="json"), sort_keys=True).encode()


def parse_record(model: type[RecordT], body: bytes, what: str) -> RecordT:
    """Return the record that is stored as ``body``.

    :raises ProtocolError: this version cannot read it
    """
    try:
        return parse_model(model, body, what)
    except DefinitionError as error:
        raise ProtocolError(f"a record in the workspace cannot be read: {error}") from error
