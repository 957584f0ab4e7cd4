"""How is a pipeline written down, and what is refused when it is read back?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.spec.json_text import read_json
from airflow_amlpipe.spec.pipeline import PIPELINE_FORMAT, PipelineSpec

__all__ = ["dump_pipeline", "explain_validation", "load_pipeline", "parse_model", "validation_explained"]

ModelT = TypeVar("ModelT", bound=BaseModel)
_MOST_COMPLAINTS = 5


def dump_pipeline(spec: PipelineSpec) -> str:
    """Return ``spec`` as JSON text that :func:`load_pipeline` reads back as an equal spec; the same spec gives the same text."""
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def load_pipeline(text: str | bytes) -> PipelineSpec:
    """Return the pipeline that ``text`` describes.

    :raises ProtocolError: it was written by another version of airflow-amlpipe
    :raises DefinitionError: it is no pipeline: not JSON, unknown or missing fields, values of a wrong type, unsound references
    """
    document = read_json(text, "a pipeline specification")
    written_as = document.get("format") if isinstance(document, dict) else None
    if written_as != PIPELINE_FORMAT:
        raise ProtocolError(f"a pipeline specification has the format {shorten(repr(written_as))}; this version reads {PIPELINE_FORMAT!r}")
    return parse_model(PipelineSpec, text, "pipeline specification").check()


def parse_model(model: type[ModelT], text: str | bytes, what: str) -> ModelT:
    """Return ``text`` as a ``model``.

    :raises DefinitionError: it is not one; the message names up to five places
    """
    with validation_explained(what):
        return model.model_validate_json(text)


@contextmanager
def validation_explained(what: str) -> Iterator[None]:
    """Turn what pydantic refuses inside into an error that names ``what`` and up to five places.

    :raises DefinitionError: a value is of the wrong type
    """
    try:
        yield
    except ValidationError as error:
        raise DefinitionError(f"{what}: {explain_validation(error)}") from error


def explain_validation(error: ValidationError) -> str:
    """Return what pydantic found in one bounded line: each place, what is wrong there and what was given."""
    found = error.errors(include_url=False)
    complaints = [
        f"{'.'.join(str(part) for part in item['loc']) or 'the whole'}: {item['msg']} (given: {shorten(repr(item['input']), 80)})"
        for item in found[:_MOST_COMPLAINTS]
    ]
    more = f"; and {len(found) - _MOST_COMPLAINTS} more" if len(found) > _MOST_COMPLAINTS else ""
    return "; ".join(complaints) + more
