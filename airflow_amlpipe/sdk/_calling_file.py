"""Which file of the author's called into this package?"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["folder_of_calling_file"]

_OURS = "airflow_amlpipe"


def folder_of_calling_file() -> Path:
    """Return the folder of the innermost caller outside of this package; the current folder in a notebook or at a prompt."""
    frame = sys._getframe()
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if name != _OURS and not name.startswith(f"{_OURS}."):
            break
        frame = frame.f_back
    file = frame.f_globals.get("__file__")
    return Path(file).absolute().parent if file else Path.cwd()
