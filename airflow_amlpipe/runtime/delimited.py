"""How do files of separated fields become columns of texts?

What is missing is ``None``; an empty field is, unless its dataset says that it is an empty text. A row may have fewer fields than the others.
"""

from __future__ import annotations

import csv
import io

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

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


def read_delimited(reading: Mapping[str, Any], paths: List[str], shown: List[str]) -> List[Any]:
    """Return one DataFrame of texts for each file.

    :param reading: ``Delimited`` of ``spec/dataset.py``
    :param shown: the files' names for people
    :raises UserErrorException: a file is not of that encoding
    """
    frames, names = [], None
    for index, path in enumerate(paths):
        has_header = reading["header"] in ("same", "combine") or (reading["header"] == "first_file" and index == 0)
        rows = _rows(reading, path, shown[index])
        header = rows.iloc[0].tolist() if has_header and len(rows) else None
        body = rows.iloc[1:] if has_header else rows
        if header is not None and (names is None or reading["header"] == "combine"):
            names = _unique(header)
        frames.append(_named(body, names if names is not None else []))
    return frames


def _rows(reading: Mapping[str, Any], path: str, shown: str) -> Any:
    """Return every row of a file, the header too, as a DataFrame with numbered columns."""
    import pandas as pd

    with open(path, "rb") as file:
        content = file.read()
    try:
        text = content.decode(ENCODINGS[reading["encoding"]])
    except UnicodeError as error:
        raise UserErrorException(
            "the file %.200r is not encoded in %s (%s); give from_delimited_files(encoding=...) another one of: %s"
            % (shown, reading["encoding"], error, ", ".join(ENCODINGS))
        ) from error
    is_plain = '"' not in text or reading["support_multi_line"]
    separator = reading["separator"]
    try:
        if len(separator) != 1 or not is_plain or not text.strip("\r\n"):
            raise pd.errors.ParserError
        frame = pd.read_csv(io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False, na_values=[], engine="c")
    except pd.errors.ParserError:
        # Rows of unequal length, a separator of several letters, or quotes that must not cross lines.
        frame = pd.DataFrame(_split(text, separator, reading["support_multi_line"]), dtype="object")
    frame = frame.astype("object")
    missing = frame.isna() if reading["empty_as_string"] else frame.isna() | (frame == "")
    return frame.mask(missing, None)


def _split(text: str, separator: str, crosses_lines: bool) -> List[List[Optional[str]]]:
    if crosses_lines and len(separator) == 1:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    lines = [line for line in text.splitlines() if line]
    if len(separator) == 1:
        # Each line is a row of its own: a quote that is not closed ends with it.
        return [list(next(csv.reader([line], delimiter=separator))) for line in lines]
    return [list(line.split(separator)) for line in lines]


def _unique(header: List[Any]) -> List[str]:
    names: List[str] = []
    for index, title in enumerate(header):
        name = wanted = str(title) if title is not None else "Column%d" % (index + 1)
        count = 1
        while name in names:
            name, count = "%s_%d" % (wanted, count), count + 1
        names.append(name)
    return names


def _named(body: Any, names: List[str]) -> Any:
    import pandas as pd

    width = max(body.shape[1], len(names))
    titles: Dict[int, str] = {index: names[index] if index < len(names) else "Column%d" % (index + 1) for index in range(width)}
    frame = pd.DataFrame(body).reindex(columns=range(width))
    frame = frame.astype("object").where(frame.notna(), None)
    frame.columns = [titles[index] for index in range(width)]
    return frame.reset_index(drop=True)
