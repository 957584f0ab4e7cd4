"""How are the rows of a query kept in a file, each value with its type?

Lines of JSON, so that a million rows are read one at a time with the standard library:

- the first says which columns there are: ``{"format": "amlpipe/rows/v1", "columns": ["id", "price"]}``
- then one array a row. What JSON has stands for itself: ``null``, ``true``, whole numbers of any size, finite floats, text, and arrays of values.
  Everything else is an object of one key: ``{"decimal": "1.10"}``, ``{"date": "2024-02-29"}``, ``{"time": ...}``, ``{"datetime": ...}``,
  ``{"instant": ...}`` (a time with its zone, told in UTC), ``{"interval": [days, seconds, microseconds]}``, ``{"bytes": base64}``,
  ``{"uuid": ...}``, ``{"float": "nan"}`` (or ``"inf"``, ``"-inf"``), ``{"json": the text}``
- the last says how many rows there are: ``{"rows": 2}``. Without it, the file was cut.

One value has one encoding, so equal rows in the same order are equal bytes: their digest is what the data is known by.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import hashlib
import ipaddress
import json
import uuid

from airflow_amlpipe.runtime.errors import AmlPipeError, DefinitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

__all__ = ["ROWS_FORMAT", "JsonText", "RowFile", "RowWriter", "decode_row", "encode_row"]

ROWS_FORMAT = "amlpipe/rows/v1"

_FRAMED = frozenset({dict, list})
_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
_text = json.encoder.encode_basestring_ascii


class JsonText:
    """A JSON value as the database wrote it: nothing of its numbers is lost by reading them.

    :ivar text: the JSON
    """

    __slots__ = ("text",)

    def __init__(self, text: Any) -> None:
        self.text = text if isinstance(text, str) else bytes(text).decode("utf-8")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonText) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return "JsonText(%r)" % self.text


class RowWriter:
    """Writes rows to a file that is open for writing bytes.

    :ivar count: how many rows there are by now
    :ivar size_bytes: how many bytes were written
    """

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._file = file
        self._columns = list(columns)
        self._hash = hashlib.sha256()
        self.count = self.size_bytes = 0
        self._write(json.dumps({"format": ROWS_FORMAT, "columns": self._columns}, separators=(",", ":")) + "\n")

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows.

        :raises DefinitionError: a value is of a type that cannot be kept; the message says in which column
        """
        lines: List[str] = []
        try:
            for row in rows:
                lines.append(encode_row(row))  # noqa: PERF401  # how many there are by then is told
        except _UnknownTypeError as error:
            raise DefinitionError(
                "column %r, row %d: a value of the type %s cannot be kept; turn it into text in the query (CAST)"
                % (self._columns[error.index], self.count + len(lines) + 1, error.type_name)
            ) from None
        if lines:
            self.count += len(lines)
            lines.append("")
            self._write("\n".join(lines))

    def finish(self) -> str:
        """Write the last line and return the SHA-256 of the file, 64 hex characters; it is the caller who closes the file."""
        self._write('{"rows":%d}\n' % self.count)
        self._file.flush()
        return self._hash.hexdigest()

    def _write(self, text: str) -> None:
        body = text.encode("ascii")
        self._file.write(body)
        self._hash.update(body)
        self.size_bytes += len(body)


class RowFile:
    """A file of rows. Iterating reads it from the beginning, one row at a time.

    :ivar columns: their names, in order
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, encoding="ascii") as file:
            self.columns: List[str] = _header(path, file.readline())

    def __iter__(self) -> Iterator[Tuple[Any, ...]]:
        for cells in self.cells():
            yield tuple([cell if cell.__class__ not in _FRAMED else _value(cell) for cell in cells])

    @staticmethod
    def value(cell: Any) -> Any:
        """Return the value of one of :meth:`cells`."""
        return _value(cell)

    def cells(self) -> Iterator[List[Any]]:
        """Read the rows as the file has them, each value in its encoding.

        :raises AmlPipeError: the file was damaged
        """
        count, width = 0, len(self.columns)
        with open(self.path, encoding="ascii", newline="\n") as file:
            file.readline()
            for line in file:
                if line[:1] == "{":
                    if line.endswith("\n") and _object(self.path, line).get("rows") == count:
                        return
                    break
                row = _cells(line)
                if row is None or len(row) != width:
                    break
                count += 1
                yield row
        raise _damaged(self.path, "it ends in the middle, or a row is not whole (after %d rows)" % count)


def encode_row(row: Sequence[Any]) -> str:
    """Return the line of a row, without its end."""
    cells = []
    for value in row:
        kind = value.__class__
        try:
            cells.append((_KNOWN.get(kind) or _encoder(kind))(value))
        except TypeError:
            raise _UnknownTypeError(len(cells), kind.__name__) from None
    return "[" + ",".join(cells) + "]"


def decode_row(line: str) -> Tuple[Any, ...]:
    """Return the row of a line."""
    return tuple([_value(cell) for cell in json.loads(line)])


class _UnknownTypeError(Exception):
    def __init__(self, index: int, type_name: str) -> None:
        super().__init__(index, type_name)
        self.index = index
        self.type_name = type_name


def _encoder(kind: type) -> Any:
    """Return what encodes values of a class, and remember it."""
    for known, encoded in _ENCODERS:
        if issubclass(kind, known):
            _KNOWN[kind] = encoded
            return encoded
    raise TypeError(kind.__name__)


def _float(value: float) -> str:
    text = float.__repr__(value)
    return text if value - value == 0.0 else '{"float":"' + text + '"}'


def _moment(value: dt.datetime) -> str:
    if value.tzinfo is None:
        return '{"datetime":"' + value.isoformat() + '"}'
    try:
        return '{"instant":"' + value.astimezone(dt.timezone.utc).isoformat() + '"}'
    except OverflowError:  # hours from the first or the last moment there is
        return '{"instant":"' + value.isoformat() + '"}'


def _list(values: Sequence[Any]) -> str:
    return "[" + ",".join([(_KNOWN.get(value.__class__) or _encoder(value.__class__))(value) for value in values]) + "]"


# What each class becomes, as it is written. In this order: a datetime is a date as well.
_ENCODERS: Any = (
    (float, _float),
    (decimal.Decimal, lambda value: '{"decimal":"' + str(value) + '"}'),
    (dt.datetime, _moment),
    (dt.date, lambda value: '{"date":"' + value.isoformat() + '"}'),
    (dt.time, lambda value: '{"time":"' + value.isoformat() + '"}'),
    (dt.timedelta, lambda value: '{"interval":[%d,%d,%d]}' % (value.days, value.seconds, value.microseconds)),
    ((bytes, bytearray, memoryview), lambda value: '{"bytes":"' + base64.b64encode(value).decode("ascii") + '"}'),
    (JsonText, lambda value: '{"json":' + _text(value.text) + "}"),
    (dict, lambda value: '{"json":' + _text(json.dumps(value, sort_keys=True, separators=(",", ":"))) + "}"),
    ((list, tuple), _list),
    (uuid.UUID, lambda value: '{"uuid":"' + str(value) + '"}'),
    (_ADDRESSES, lambda value: _text(str(value))),
)
# A subclass of these is none of them: what it would be, nobody knows.
_KNOWN: Dict[type, Any] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    str: _text,
}


def _value(cell: Any) -> Any:
    if cell.__class__ is list:
        return [_value(item) for item in cell]
    if cell.__class__ is not dict:
        return cell
    ((kind, text),) = cell.items()
    return _DECODERS[kind](text)


def _interval(parts: Sequence[int]) -> dt.timedelta:
    return dt.timedelta(*parts)


_DECODERS: Dict[str, Any] = {
    "bytes": base64.b64decode,
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "decimal": decimal.Decimal,
    "float": float,
    "instant": dt.datetime.fromisoformat,
    "interval": _interval,
    "json": json.loads,
    "time": dt.time.fromisoformat,
    "uuid": uuid.UUID,
}


def _header(path: str, line: str) -> List[str]:
    columns = _object(path, line).get("columns") if line.endswith("\n") else None
    if not isinstance(columns, list) or _object(path, line).get("format") != ROWS_FORMAT:
        raise _damaged(path, "it does not begin as a file of rows (%s) does" % ROWS_FORMAT)
    return columns


def _cells(line: str) -> Optional[List[Any]]:
    """Return the cells of a line; ``None`` if it was cut or altered."""
    try:
        found = json.loads(line) if line.endswith("\n") else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _object(path: str, line: str) -> Dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _damaged(path, "a line of it cannot be read")
    return found


def _damaged(path: str, trouble: str) -> AmlPipeError:
    return AmlPipeError("the file of rows %r was damaged: %s; run the step again" % (path, trouble))
