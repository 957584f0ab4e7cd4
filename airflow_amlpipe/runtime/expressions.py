"""Which rows, or files, does an expression like ``dataset["age"] > 30`` choose?

An expression is built on the host or in a step, travels as JSON (``spec/dataset.py`` describes it), and is evaluated where the data is: over
the columns of a table, or over what is known of one file. What is missing is never chosen.
"""

from __future__ import annotations

import operator

from airflow_amlpipe.runtime.columns import as_moment
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping

__all__ = ["RecordFieldExpression", "evaluate", "expression_json", "file_matches"]


class RecordFieldExpression:
    """A column's value, or something computed of such; compare it, and join conditions with ``&``, ``|`` and ``~``."""

    __hash__ = None  # type: ignore[assignment]  # == builds an expression

    def __init__(self, document: Dict[str, Any]) -> None:
        self._document = document

    def is_null(self) -> RecordFieldExpression:
        """True where there is no value."""
        return self._call("is_null")

    def contains(self, text: str) -> RecordFieldExpression:
        """True where the text has this text in it."""
        return self._call("contains", text)

    def starts_with(self, text: str) -> RecordFieldExpression:
        """True where the text begins with this one."""
        return self._call("starts_with", text)

    def ends_with(self, text: str) -> RecordFieldExpression:
        """True where the text ends with this one."""
        return self._call("ends_with", text)

    def to_lower(self) -> RecordFieldExpression:
        """The text in lower case."""
        return self._call("lower")

    def to_upper(self) -> RecordFieldExpression:
        """The text in upper case."""
        return self._call("upper")

    def length(self) -> RecordFieldExpression:
        """The number of characters of the text."""
        return self._call("length")

    def _call(self, name: str, *others: Any) -> RecordFieldExpression:
        return RecordFieldExpression({"kind": "call", "name": name, "arguments": [self._document] + [expression_json(it) for it in others]})

    def __eq__(self, other: object) -> RecordFieldExpression:  # type: ignore[override]
        return self._call("==", other)

    def __ne__(self, other: object) -> RecordFieldExpression:  # type: ignore[override]
        return self._call("!=", other)

    def __lt__(self, other: Any) -> RecordFieldExpression:
        return self._call("<", other)

    def __le__(self, other: Any) -> RecordFieldExpression:
        return self._call("<=", other)

    def __gt__(self, other: Any) -> RecordFieldExpression:
        return self._call(">", other)

    def __ge__(self, other: Any) -> RecordFieldExpression:
        return self._call(">=", other)

    def __and__(self, other: Any) -> RecordFieldExpression:
        return self._call("and", other)

    def __or__(self, other: Any) -> RecordFieldExpression:
        return self._call("or", other)

    def __invert__(self) -> RecordFieldExpression:
        return self._call("not")

    def __add__(self, other: Any) -> RecordFieldExpression:
        return self._call("+", other)

    def __sub__(self, other: Any) -> RecordFieldExpression:
        return self._call("-", other)

    def __mul__(self, other: Any) -> RecordFieldExpression:
        return self._call("*", other)

    def __truediv__(self, other: Any) -> RecordFieldExpression:
        return self._call("/", other)

    def __bool__(self) -> bool:
        raise UserErrorException(
            "a filter expression is neither true nor false before there is data; join conditions with & | ~ instead of and, or, not, "
            'and put each in parentheses: (dataset["a"] > 1) & (dataset["b"] == "x")'
        )

    def __repr__(self) -> str:
        return _shown(self._document)


def expression_json(value: Any) -> Dict[str, Any]:
    """Return an operand, or a whole expression, as the JSON that stands for it.

    :raises UserErrorException: it is nothing that can be compared
    """
    if isinstance(value, RecordFieldExpression):
        return value._document
    if hasattr(value, "isoformat"):
        return {"kind": "time", "value": value.isoformat()}
    if hasattr(value, "item"):
        value = value.item()  # a number of NumPy's
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"kind": "literal", "value": value}
    raise UserErrorException(
        "a filter compares with numbers, texts, times and None, not with %.80r of type %s" % (value, type(value).__name__)
    )


def evaluate(document: Mapping[str, Any], frame: Any) -> Any:
    """Return, for each row of a pandas DataFrame, whether the expression is true.

    :raises UserErrorException: the table has no such column, or what it holds cannot be compared so
    """
    import pandas as pd

    try:
        found = _of_frame(document, frame)
    except TypeError as error:
        raise UserErrorException("the filter %s cannot be applied to this table: %s" % (_shown(document), error)) from error
    if not isinstance(found, pd.Series):
        found = pd.Series(found, index=frame.index)
    return found.astype("boolean").fillna(False).astype(bool)


def file_matches(document: Mapping[str, Any], facts: Mapping[Any, Any]) -> bool:
    """Return whether the expression is true of one file.

    :param facts: what is known of it: parts of its path by their names, and ``("file", "Size")``
    :raises UserErrorException: it asks for something that is not known
    """
    return bool(_of_file(document, facts))


def _of_frame(document: Mapping[str, Any], frame: Any) -> Any:
    kind = document["kind"]
    if kind == "call":
        return _call_on_columns(document["name"], [_of_frame(argument, frame) for argument in document["arguments"]])
    if kind == "column":
        if document["name"] not in frame.columns:
            raise UserErrorException(
                "the filter asks for column %r, which the table does not have; its columns are: %s"
                % (document["name"], ", ".join(map(str, frame.columns)))
            )
        return frame[document["name"]]
    if kind == "file":
        raise UserErrorException("file_metadata(%r) is of files; a table has columns only" % (document["name"],))
    if kind == "time":
        return as_moment(document["value"])
    return document["value"]


def _call_on_columns(name: str, values: List[Any]) -> Any:
    if name in ("and", "or", "not"):
        # What is neither true nor false, because a value is missing, stays so: its contrary is not true either.
        values = [value.astype("boolean") if hasattr(value, "astype") else bool(value) for value in values]
    elif name in ("==", "!=") and values[1] is None:
        return values[0].isna() if name == "==" else values[0].notna()
    if name in _COMPARISONS:
        found = _OPERATORS[name](*values)
        for value in values:
            if hasattr(value, "isna"):
                found = found.astype("boolean").mask(value.isna())
        return found
    if name in _OPERATORS:
        return _OPERATORS[name](*values)
    if name == "is_null":
        return values[0].isna()
    text = values[0].astype("string").str
    if name == "contains":
        return text.contains(values[1], regex=False)
    if name in _EDGES:
        return getattr(text, _EDGES[name])(values[1])
    return {"lower": text.lower, "upper": text.upper, "length": text.len}[_known(name)]()


def _of_file(document: Mapping[str, Any], facts: Mapping[Any, Any]) -> Any:
    kind = document["kind"]
    if kind == "call":
        try:
            return _call_on_facts(document["name"], [_of_file(argument, facts) for argument in document["arguments"]])
        except TypeError as error:
            raise UserErrorException("the filter of files %s cannot be applied: %s" % (_shown(document), error)) from error
    if kind in ("column", "file"):
        key = document["name"] if kind == "column" else ("file", document["name"])
        if key not in facts:
            known = ", ".join(sorted("file_metadata(%r)" % (name[1],) if isinstance(name, tuple) else str(name) for name in facts))
            raise UserErrorException(
                "the filter of files asks for %r, which is not known of a file; known is: %s" % (document["name"], known)
            )
        return facts[key]
    if kind == "time":
        from datetime import datetime, timezone

        moment = datetime.fromisoformat(document["value"])
        return moment if moment.tzinfo is None else moment.astimezone(timezone.utc).replace(tzinfo=None)
    return document["value"]


def _call_on_facts(name: str, values: List[Any]) -> Any:
    if name == "is_null":
        return values[0] is None
    if name in ("==", "!=") and (values[1] is None or None not in values):
        return (values[0] == values[1]) is (name == "==")
    # A part that decides does so whatever else is missing; all else about what is missing is neither true nor false.
    if name in _DECIDED_BY and any(value is _DECIDED_BY[name] for value in values):
        return _DECIDED_BY[name]
    if None in values:
        return None
    if name == "not":
        return not values[0]
    if name in _OPERATORS:
        return _OPERATORS[name](*values)
    text = str(values[0])
    if name == "contains":
        return str(values[1]) in text
    if name in _EDGES:
        return getattr(text, _EDGES[name])(values[1])
    return {"lower": text.lower, "upper": text.upper, "length": text.__len__}[_known(name)]()


def _known(name: str) -> str:
    if name not in ("lower", "upper", "length"):
        raise UserErrorException("a filter has the function %.80r, which this version does not know" % (name,))
    return name


def _shown(document: Mapping[str, Any]) -> str:
    kind = document["kind"]
    if kind == "column":
        return "dataset[%r]" % (document["name"],)
    if kind == "file":
        return "file_metadata(%r)" % (document["name"],)
    if kind != "call":
        return repr(document["value"])
    shown = [_shown(argument) for argument in document["arguments"]]
    return "(%s %s %s)" % (shown[0], document["name"], shown[1]) if len(shown) == 2 else "%s(%s)" % (document["name"], shown[0])


_EDGES = {"starts_with": "startswith", "ends_with": "endswith"}
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_DECIDED_BY = {"and": False, "or": True}
_OPERATORS: Dict[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": operator.and_,
    "or": operator.or_,
    "not": operator.invert,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
