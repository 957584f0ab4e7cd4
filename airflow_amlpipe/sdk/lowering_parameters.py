"""How do the values of a pipeline, and the places where steps read them, become specifications?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk.lowering_values import plain_value
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile
from airflow_amlpipe.spec.parameter import ParameterSpec, parameter_type_of
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument

__all__ = ["ParameterLowering"]


class ParameterLowering:
    """The parameters of one pipeline, gathered from the places where its steps read them."""

    def __init__(self) -> None:
        self.declared: dict[str, ParameterSpec] = {}

    def value(self, where: str, value: Any) -> LiteralArgument | ParameterArgument:
        is_volatile = isinstance(value, Volatile)
        value = value.value if is_volatile else value
        if not isinstance(value, PipelineParameter):
            return LiteralArgument(value=plain_value(where, value), volatile=is_volatile)
        default = plain_value(f"{where}: PipelineParameter {value.name!r}: the default", value.default_value)
        given = ParameterSpec(name=value.name, type=parameter_type_of(default), default=default, volatile=value.volatile)
        known = self.declared.setdefault(value.name, given)
        if known != given:
            differs = (
                f"has the default {shorten(repr(default))}, but {shorten(repr(known.default))} elsewhere in the pipeline"
                if (known.type, known.default) != (given.type, given.default)
                else f"is {'volatile here, but not' if given.volatile else 'not volatile here, but is'} elsewhere in the pipeline"
            )
            raise DefinitionError(
                f"{where}: PipelineParameter {value.name!r} {differs}; make one PipelineParameter and use it in both places, or give them different names"
            )
        return ParameterArgument(parameter=value.name, volatile=is_volatile or value.volatile)
