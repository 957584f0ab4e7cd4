"""As what is a column of texts read, and what does pandas hold of it?

As SDK v1 gave it: whole numbers as ``int64`` (``float64`` where some are missing), truth values as ``bool``, times as ``datetime64[ns]`` without a
zone (a zone is told in UTC), texts as ``object`` with ``None`` for what is missing.
"""

from __future__ import annotations

import re

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

__all__ = ["as_moment", "as_shown", "convert", "infer", "infer_times"]

_TRUTHS = {"true": True, "false": False}
# Written year first: any other order is ambiguous, and has to be said (DataType.to_datetime(formats)).
_TIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?")


def infer(column: Any) -> Any:
    """Return a column of texts as the narrowest type that every text fits, ``NaN`` or ``None`` being none."""
    import pandas as pd

    texts = column.dropna()
    if texts.empty:
        return column
    stripped = texts.str.strip()
    if stripped.str.lower().isin(list(_TRUTHS)).all():
        return _truths(column)
    numbers = pd.to_numeric(stripped, errors="coerce")
    if numbers.notna().all() and not stripped.str.contains("_", regex=False).any():
        return numbers if len(texts) == len(column) else numbers.astype("float64").reindex(column.index)
    return infer_times(column)


def infer_times(column: Any) -> Any:
    """Return a column of texts as times, if every text is one."""
    texts = column.dropna()
    if texts.empty or not isinstance(texts.iloc[0], str) or not _TIME.fullmatch(texts.iloc[0].strip()):
        return column
    stripped = texts.str.strip()
    if all(_TIME.fullmatch(text) for text in stripped.unique()):
        times = _times(stripped)
        if times.notna().all():
            return times.reindex(column.index)
    return column


def convert(column: Any, wanted: Mapping[str, Any], *, on_error: str, out_of_range: str) -> Any:
    """Return a column as the type that its dataset says.

    :param wanted: ``ColumnType`` of ``spec/dataset.py``
    :param on_error: ``"null"`` or ``"fail"``: what becomes of a value that is not of the type
    :param out_of_range: the same, of a time that ``datetime64[ns]`` cannot hold
    :raises UserErrorException: a value is not of the type, and this was to fail
    """
    import pandas as pd

    kind = wanted["type"]
    if kind in ("string", "stream"):
        return as_shown(column.map(_text, na_action="ignore").astype("object"))
    texts = column.map(_text, na_action="ignore").astype("object").map(str.strip, na_action="ignore")
    given = texts.notna() & (texts != "")
    if kind == "bool":
        found = texts.where(given).str.lower().map({**_TRUTHS, "1": True, "0": False})
    elif kind == "datetime":
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return as_shown(column, out_of_range=out_of_range)
        found = _times(texts.where(given), wanted["formats"])
    else:
        if wanted["decimal_mark"] != ".":
            # Only what was written as text has a mark: a number that was read as one has its value.
            is_text = column.map(lambda value: isinstance(value, str)).astype("bool")
            texts = texts.mask(is_text, texts.map(lambda text: _with_point(text, wanted["decimal_mark"]), na_action="ignore"))
        found = pd.to_numeric(texts.where(given), errors="coerce").astype("float64")
        if kind == "integer":
            found = found.where(found.isna() | (found % 1 == 0))
            large = found.abs() >= 2.0**63
            found = found.mask(large & ~texts.where(large).map(_fits, na_action="ignore").eq(True))
    wrong = given & found.isna()
    if kind == "datetime" and wrong.any():
        beyond = wrong & texts.where(given).map(lambda text: _is_beyond(text, wanted["formats"]), na_action="ignore").eq(True)
        _refuse(column, beyond, "a time between 1677 and 2262", out_of_range, "out_of_range_datetime")
        wrong &= ~beyond
    if kind in ("float", "integer"):
        wrong &= texts.str.lower() != "nan"
    _refuse(column, wrong, kind, on_error, "on_error")
    if kind == "bool":
        return found.astype("object") if found.isna().any() else found.astype("bool")
    if kind == "integer" and not found.isna().any():
        exact = pd.to_numeric(texts, errors="coerce")
        return exact if exact.dtype == "int64" else texts.map(_whole).astype("int64")
    return found


def as_moment(text: str) -> Any:
    """Return a time that is written in ISO 8601 as columns hold times: without a zone, which is UTC if the text names one."""
    import pandas as pd

    moment = pd.Timestamp(text)
    return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)


def as_shown(column: Any, out_of_range: str = "null") -> Any:
    """Return a column that was read with its types in the form that SDK v1 gave.

    :raises UserErrorException: a time cannot be held, and ``out_of_range`` is ``"fail"``
    """
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        kind = column.dtype
    if pd.api.types.is_datetime64_dtype(kind):
        if str(kind) == "datetime64[ns]":
            return column
        lost = column.notna() & ~column.between(pd.Timestamp("1677-09-22"), pd.Timestamp("2262-04-11"))
        _refuse(column, lost, "a time between 1677 and 2262", out_of_range, "out_of_range_datetime")
        return column.where(~lost).astype("datetime64[ns]")
    if isinstance(kind, pd.StringDtype) or kind == "object":
        column = column.astype("object")
        missing = column.isna()
        return column.where(~missing, None) if missing.any() else column
    return column


def _truths(column: Any) -> Any:
    found = column.str.strip().str.lower().map(_TRUTHS)
    return found.astype("bool") if found.notna().all() else found.astype("object").where(found.notna(), None)


def _times(texts: Any, formats: Any = ()) -> Any:
    import pandas as pd

    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    anything = "ISO8601" if int(pd.__version__.split(".")[0]) > 1 else None  # without a format, older ones read each value by itself
    for form in formats or (anything,):
        missing = found.isna() & texts.notna()
        if missing.any():
            told = texts[missing] if formats else texts[missing].str.replace("/", "-", regex=False)
            parsed = pd.to_datetime(told, format=form, errors="coerce", utc=True).dt.tz_localize(None)
            found[missing] = as_shown(parsed)
    return found


def _is_beyond(text: str, formats: Any) -> bool:
    """Whether a text is a time, though none that pandas' nanoseconds can hold."""
    from datetime import datetime

    for form in formats or ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007  only its year is looked at
        except ValueError:
            continue
        return not 1677 < found.year < 2262
    return False


def _with_point(text: str, mark: str) -> str:
    """Return a number written with another decimal mark as Python writes it; what is none so is returned as what no number is."""
    if text.lower() == "nan":
        return text
    if not re.fullmatch(r"[+-]?(\d*|\d{1,3}(\.\d{3})+)(%s\d*)?([eE][+-]?\d+)?" % re.escape(mark), text):
        return "not a number"
    return text.replace(".", "").replace(mark, ".")


def _whole(text: str) -> int:
    from decimal import Decimal

    return int(Decimal(text))


def _fits(text: str) -> bool:
    """Whether ``int64`` can hold a whole number, which ``float64`` cannot tell at its edges."""
    return -(2**63) <= _whole(text) < 2**63


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _refuse(column: Any, wrong: Any, kind: str, action: str, option: str) -> None:
    if action == "fail" and wrong.any():
        raise UserErrorException(
            "column %r: %d values are not %s, the first is %.80r in row %d; correct them, or use %s='null', which leaves them out"
            % (column.name, int(wrong.sum()), kind, column[wrong].iloc[0], int(wrong.to_numpy().argmax()) + 1, option)
        )
