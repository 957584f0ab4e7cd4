"""Which choices are there where a dataset is made?"""

from __future__ import annotations

from enum import Enum

__all__ = ["FileEncoding", "HistogramCompareMethod", "PromoteHeadersBehavior", "SkipLinesBehavior"]


class PromoteHeadersBehavior(Enum):
    """Which lines of delimited files are headers."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3


class SkipLinesBehavior(Enum):
    """Kept for scripts that name it; no method takes one."""

    NO_ROWS = 0
    FROM_FIRST_FILE_ONLY = 1
    FROM_ALL_FILES = 2


class FileEncoding(Enum):
    """Kept for scripts that name it; ``from_delimited_files`` takes the encoding as text."""

    UTF8 = 0
    ISO88591 = 1
    LATIN1 = 2
    ASCII = 3
    UTF16 = 4
    UTF32 = 5
    UTF8BOM = 6
    WINDOWS1252 = 7


class HistogramCompareMethod(Enum):
    """Kept for scripts that name it; no method takes one."""

    WASSERSTEIN = 0
    ENERGY = 1
