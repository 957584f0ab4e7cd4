"""What values does a pipeline take when it is submitted?"""

from __future__ import annotations

import math
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.spec.names import check_parameter_name
from airflow_amlpipe.spec.parameter_value import DATA_TYPES, DataType, ParameterValue, read_data, shown

__all__ = ["ParameterSpec", "ParameterType", "ScalarType", "parameter_type_of"]

# JSON Schema's words, because they become the types of Airflow's trigger form.
ScalarType = Literal["boolean", "integer", "number", "string"]
ParameterType = ScalarType | DataType


def parameter_type_of(value: object) -> ScalarType:
    """Return the type of a parameter whose default is ``value``, text, a number or a truth value.

    :raises DefinitionError: ``value`` is no str, int, float or bool
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    raise DefinitionError(
        f"a pipeline parameter cannot be of type {type(value).__name__} ({shorten(repr(value))}); use a str, int, float or bool"
    )


class ParameterSpec(SpecModel):
    """One value given at submission, with the default that is used when it is not.

    :ivar volatile: scripts get it, but another value is no reason to run a step again; whoever reads it says so too (``LiteralArgument``)
    """

    name: str
    type: ParameterType
    default: ParameterValue
    volatile: bool = added_later(False)

    @property
    def is_data(self) -> bool:
        """Whether it stands for data, which a step reads as an input, and not for a value that a script is given as text."""
        return self.type in DATA_TYPES

    def check(self) -> None:
        """:raises DefinitionError: the name cannot be used, or the default is not of the type."""
        check_parameter_name("pipeline parameter", self.name)
        if self.is_data and self.volatile:
            raise DefinitionError(f"parameter {self.name!r} is data, which cannot be volatile: what a step reads always counts")
        self.bind(self.default)

    def _check_storable(self, value: object) -> None:
        """Refuse what no record can hold, so that no script or reader could be given it."""
        if isinstance(value, float) and not math.isfinite(value):
            raise DefinitionError(f"parameter {self.name!r} was given {value!r}, which is no number; use a finite one, or text")
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise DefinitionError(
                    f"parameter {self.name!r} was given {shorten(repr(value))}, of which character {error.start + 1} is half of one; leave it out"
                ) from error
            if "\0" in value:
                raise DefinitionError(
                    f"parameter {self.name!r} was given {shorten(repr(value))}, which holds a NUL character; no script can be given that"
                )

    def bind(self, value: object) -> ParameterValue:
        """Return ``value`` as this parameter takes it; a whole number given for a ``number`` becomes a float, an object the data it names.

        SDK v1 refused ``1`` for a default of ``0.5`` (``PipelineParameter``); JSON and the trigger form cannot tell the two apart, so we take it.

        :raises DefinitionError: ``value`` is of another type
        """
        if self.type in DATA_TYPES:
            return read_data(self.name, self.type, value)
        given = parameter_type_of(value)
        self._check_storable(value)
        if given == self.type:
            return value  # type: ignore[return-value]  # parameter_type_of let only scalars pass
        if self.type == "number" and given == "integer":
            return float(value)  # type: ignore[arg-type]
        raise DefinitionError(
            f"parameter {self.name!r} takes a value of type {self.type} (its default is {shown(self.default)}), "
            f"but was given {shorten(repr(value))} of type {given}"
        )

    def whole_or_truth(self, value: object) -> object:
        """Return a whole number or truth value as the one of them that the parameter takes, for SDK v1 took both as int; others as they are."""
        if not isinstance(value, int):
            return value
        if self.type == "integer":
            return int(value)
        return bool(value) if self.type == "boolean" and value in {0, 1} else value
