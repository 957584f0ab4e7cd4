"""Where are the rows of a query between the moment in which they are identified and the step that reads them?

In a file without a name, on the disk that private folders of tries are on: whatever ends the process, nothing of it is left, and no other
process finds it. A step gets a copy of its own.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from airflow_amlpipe.exceptions import InfrastructureError, shorten
from airflow_amlpipe.runtime.rows import RowWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_amlpipe.storage.database import Answer

__all__ = ["Spool", "spool_rows"]

# So much is asked of the database at once, and held in memory.
_BATCH_BYTES: Final = 4 << 20
_MOST_ROWS: Final = 10_000
_FIRST_ROWS: Final = 100


@dataclass(frozen=True)
class Spool:
    """The rows of one answer; closed when nobody refers to it any more.

    :ivar sha256: of the file, 64 hex characters: equal for the same rows in the same order, and for no others
    :ivar count: how many rows there are
    """

    columns: Sequence[str]
    sha256: str
    count: int
    size_bytes: int
    _file: IO[bytes] = field(repr=False, compare=False)

    def put(self, target: Path) -> Path:
        """Write the rows to the new file ``target``, which is returned.

        :raises InfrastructureError: there is no room for it; nothing is left of it
        """
        with _room_for(f"{self.count:,} rows", target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file.seek(0)
            try:
                with target.open("xb") as copied:
                    shutil.copyfileobj(self._file, copied, 1 << 20)
            except OSError:
                target.unlink(missing_ok=True)
                raise
        return target


def spool_rows(answer: Answer, folder: Path, what: str) -> Spool:
    """Keep the rows of ``answer``, as many of them in memory as a few megabytes hold.

    :param folder: its disk has the room
    :raises DefinitionError: a value is of a type that cannot be kept
    :raises InfrastructureError: there is no room for them, or the database failed
    """
    with _room_for(what, folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # it lives as long as the spool does
        writer = RowWriter(file, answer.columns)
        count = _FIRST_ROWS
        while rows := answer.fetch(count):
            writer.write(rows)
            count = max(1, min(_MOST_ROWS, _BATCH_BYTES * writer.count // writer.size_bytes))
        return Spool(tuple(answer.columns), writer.finish(), writer.count, writer.size_bytes, file)


@contextmanager
def _room_for(what: str, place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        trouble = "there is no room" if error.errno in {errno.ENOSPC, errno.EDQUOT} else os.strerror(error.errno or 0)
        raise InfrastructureError(
            f"{what}: could not be kept at {shorten(str(place))}, {trouble}; free some space there, or set AMLPIPE_HOME to a folder with more"
        ) from error
