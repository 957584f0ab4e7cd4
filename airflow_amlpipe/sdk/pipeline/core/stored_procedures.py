"""What is a stored procedure given?"""

from __future__ import annotations

from enum import Enum
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["StoredProcedureParameter", "StoredProcedureParameterType"]


class StoredProcedureParameterType(Enum):
    """As what a value is given."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"

    @staticmethod
    def from_str(string: str) -> StoredProcedureParameterType:
        """Return the type of this name, however its letters are written.

        :raises UserErrorException: there is none
        """
        for kind in StoredProcedureParameterType:
            if str(string).lower() == kind.value.lower():
                return kind
        raise UserErrorException(
            f"StoredProcedureParameterType: {shorten(repr(string))} is not known; use one of: {', '.join(kind.value for kind in StoredProcedureParameterType)}"
        )


_BOUND_AS = {"String": "string", "Int": "integer", "Decimal": "decimal", "Guid": "guid", "Boolean": "boolean", "Date": "datetime"}


class StoredProcedureParameter:
    """One value, by the name of the procedure's parameter.

    :param type: a ``StoredProcedureParameterType``; without it, the value is given as what it is
    """

    def __init__(self, name: str, value: Any, type: Any = None) -> None:
        self._name = check_text("StoredProcedureParameter: name", name)
        self._value = value
        is_known = type is None or isinstance(type, StoredProcedureParameterType)
        self._type: StoredProcedureParameterType | None = type if is_known else StoredProcedureParameterType.from_str(type)

    @property
    def name(self) -> str:
        return self._name

    @property
    def value(self) -> Any:
        return self._value

    @property
    def type(self) -> StoredProcedureParameterType | None:
        return self._type

    @property
    def _bound_as(self) -> str | None:
        return None if self._type is None else _BOUND_AS[self._type.value]

    def __repr__(self) -> str:
        return f"StoredProcedureParameter(name={self._name!r}, type={self._type and self._type.value})"
