"""Which files did a script send along with its question? Plain ones and no others: a link could lead to a file that the script may not read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["sent_files"]


def sent_files(folder: Path) -> list[tuple[Path, str]]:
    """Return the files that came with a question, and their paths below the folder they came in.

    :raises DefinitionError: there is something else among them
    """
    found = []
    if folder.is_symlink():
        raise DefinitionError("what comes with a question has to be a folder, not a link")
    for parent, folders, files in os.walk(folder, followlinks=False):
        for name in (*folders, *files):
            path = Path(parent, name)
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise DefinitionError(f"{shorten(repr(name))} cannot be sent along: it is a link, or neither file nor folder")
        found += [(Path(parent, name), Path(parent, name).relative_to(folder).as_posix()) for name in sorted(files)]
    return sorted(found, key=lambda item: item[1])
