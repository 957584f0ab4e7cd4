"""How do files of separated fields become columns?

pandas parses them and finds the types of columns, each file by itself; where two files do not agree, the column is read again as texts and decided over
all of them. What pandas would not read as SDK v1 did (rows of unequal length, quotes that must not cross lines, separators of several letters) is
brought into a form that it does.
"""

from __future__ import annotations

import csv
import io
import re

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Dict, List, Mapping, Optional, Set, Tuple

__all__ = ["ENCODINGS", "read_delimited"]

# SDK v1's names.
ENCODINGS = {
    "utf8": "utf-8-sig",
    "utf8bom": "utf-8-sig",
    "iso88591": "iso-8859-1",
    "latin1": "iso-8859-1",
    "ascii": "ascii",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "windows1252": "cp1252",
}
_LINE_ENDS = re.compile("\r\n|\n|\r")


def read_delimited(
    reading: Mapping[str, Any], paths: List[str], shown: List[str], as_text: Collection[str] = ()
) -> Tuple[List[Any], Collection[str]]:
    """Return one DataFrame for each file, and the names of columns that are texts because their type was not looked for.

    :param reading: ``Delimited`` of ``spec/dataset.py``
    :param shown: the files' names for people
    :param as_text: columns whose texts are needed as they are
    :raises UserErrorException: a file is not of that encoding
    """
    parts, names = [], None
    for index, path in enumerate(paths):
        has_header = reading["header"] in ("same", "combine") or (reading["header"] == "first_file" and index == 0)
        part = _Part(reading, _text(reading, path, shown[index]), has_header)
        if part.header is not None and (names is None or reading["header"] == "combine"):
            names = _unique(part.header)
        part.names = names or []
        parts.append(part)
    if not reading["infer_column_types"]:
        return [part.read(None) for part in parts], ()
    frames = [part.read(as_text) for part in parts]
    undecided = _undecided(frames) - set(as_text)
    if undecided:
        frames = [part.read(set(as_text) | undecided) for part in parts]
    return frames, undecided


class _Part:
    """One file.

    :ivar header: the fields of its first line, if that is one
    :ivar names: what its columns are called, as far as anybody said
    """

    def __init__(self, reading: Mapping[str, Any], text: str, has_header: bool) -> None:
        self._separator = reading["separator"]
        self._crosses_lines = reading["support_multi_line"]
        self._has_header = has_header
        self._text = text.lstrip("\r\n")
        self.names: List[str] = []
        self._is_plain = len(self._separator) == 1
        first = _LINE_ENDS.split(self._text, maxsplit=1)[0]
        if self._is_plain and (first.count('"') % 2 and self._crosses_lines):
            self._normalize()
            first = next(iter(_split(self._text, ",", crosses_lines=True)), [])
            self.header = first if has_header else None
        else:
            self.header = _fields(first, self._separator) if has_header and self._text else None

    def read(self, as_text: Optional[Collection[str]]) -> Any:
        """Return the rows.

        :param as_text: columns that are not to be anything else; ``None`` is all
        """
        import pandas as pd

        try:
            frame = self._parsed(as_text) if self._is_plain else None
        except pd.errors.ParserError:
            frame = None
        if frame is None:
            self._normalize()
            frame = self._parsed(as_text)
        return frame

    def _parsed(self, as_text: Optional[Collection[str]]) -> Any:
        """Return what pandas reads, ``None`` if it took several lines for one row that must not be."""
        import pandas as pd

        body = self._text
        if self._has_header:
            body = body[_end_of_first_row(body, self._separator) :]
        if not body.strip("\r\n"):
            return pd.DataFrame({name: pd.Series([], dtype="object") for name in self.names})
        kinds: Any = str
        if as_text is not None:
            kinds = {index: str for index, name in enumerate(self.names) if name in as_text}
        frame = pd.read_csv(
            io.StringIO(body),
            sep=self._separator,
            header=None,
            dtype=kinds,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
            engine="c",
        )
        if '"' in body and not self._crosses_lines and len(frame) != _line_count(body):
            return None
        width = max(frame.shape[1], len(self.names))
        frame = frame.reindex(columns=range(width)) if width > frame.shape[1] else frame
        frame.columns = [self.names[index] if index < len(self.names) else "Column%d" % (index + 1) for index in range(width)]
        # A column without any value is of no type.
        empty = [name for name in frame.columns if frame[name].isna().all()]
        return frame.astype(dict.fromkeys(empty, "object")) if empty else frame

    def _normalize(self) -> None:
        """Write the rows anew, all of one length, with commas and with quotes where they are needed."""
        rows = _split(self._text, self._separator, self._crosses_lines)
        width = max([len(row) for row in rows] or [0])
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([row + [""] * (width - len(row)) for row in rows])
        self._text, self._separator, self._crosses_lines, self._is_plain = text.getvalue(), ",", True, True


def _text(reading: Mapping[str, Any], path: str, shown: str) -> str:
    with open(path, "rb") as file:
        content = file.read()
    try:
        return content.decode(ENCODINGS[reading["encoding"]])
    except UnicodeError as error:
        raise UserErrorException(
            "the file %.200r is not encoded in %s (%s); give from_delimited_files(encoding=...) another one of: %s"
            % (shown, reading["encoding"], error, ", ".join(ENCODINGS))
        ) from error


def _split(text: str, separator: str, crosses_lines: bool) -> List[List[str]]:
    if crosses_lines and len(separator) == 1:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    # Each line is a row of its own: a quote that is not closed ends with it.
    return [_fields(line, separator) for line in _LINE_ENDS.split(text) if line]


def _line_count(text: str) -> int:
    """Return how many lines are not empty."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return text.count("\n") + 1 if "\n\n" not in text else sum(1 for line in text.split("\n") if line)


def _fields(line: str, separator: str) -> List[str]:
    return list(next(csv.reader([line], delimiter=separator))) if len(separator) == 1 else line.split(separator)


def _end_of_first_row(text: str, separator: str) -> int:
    """Return where the second row begins; a quoted field of the first may hold line ends."""
    position = 0
    for end in _LINE_ENDS.finditer(text):
        position = end.end()
        if text.count('"', 0, position) % 2 == 0 or len(separator) > 1:
            return position
    return len(text)


def _undecided(frames: List[Any]) -> Set[str]:
    """Return the columns that some files have as one type, and some as another."""
    kinds: Dict[str, Set[str]] = {}
    for frame in frames:
        for name in frame.columns:
            column = frame[name]
            if not (column.isna().all()):
                kind = column.dtype.kind
                kinds.setdefault(name, set()).add("number" if kind in "iuf" else kind if kind == "b" else "text")
    return {name for name, found in kinds.items() if len(found) > 1}


def _unique(header: List[str]) -> List[str]:
    names: List[str] = []
    for index, title in enumerate(header):
        name = wanted = title or "Column%d" % (index + 1)
        count = 1
        while name in names:
            name, count = "%s_%d" % (wanted, count), count + 1
        names.append(name)
    return names
