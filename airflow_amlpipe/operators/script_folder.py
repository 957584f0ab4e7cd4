"""How does the host write below a folder that belongs to a script, wherever the script lets its names lead?

Every folder on the way is opened without following a link, and used by its descriptor: what a name is made to mean later plays no part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["move_in", "opened_folder", "touch_file"]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened_folder(folder: StepFolder, name: str = "") -> Iterator[Path]:
    """Yield a path of the run folder, or of the folder ``name`` in it, that stays that very folder for the block.

    :raises FileNotFoundError: it is not there
    :raises DefinitionError: the script has put something else in its place
    """
    descriptor = os.open(folder.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in filter(None, (folder.run.name, name)):
            above = descriptor
            try:
                descriptor = os.open(part, _FOLDER, dir_fd=above)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise DefinitionError(f"{shorten(repr(part))} in the folder of the step has to be a folder, not a link") from error
            os.close(above)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def move_in(folder: StepFolder, source: Path, parent: str, name: str) -> None:
    """Move ``source`` into the folder ``parent`` of the run folder, which is made if it is missing, as ``name``.

    :raises DefinitionError: the script has put something else in the folder's place
    """
    with opened_folder(folder) as run, suppress(FileExistsError):
        (run / parent).mkdir()
    with opened_folder(folder, parent) as place:
        source.rename(place / name)


def touch_file(folder: StepFolder, name: str) -> None:
    """Set the time of a file of the run folder to now, making it if it is missing.

    :raises DefinitionError: the script has put something else in the folder's place
    :raises OSError: it cannot be done, or the file is a link
    """
    with opened_folder(folder) as run:
        descriptor = os.open(run / name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)
