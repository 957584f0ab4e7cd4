"""What is data that a script is shown where it lies, instead of a copy of its own?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """A file or folder of this machine that a job finds, read-only, at another path; everybody else finds there what stands in for it.

    :ivar name: the input it belongs to
    :ivar source: where the data lies
    :ivar target: an empty file or folder in the private folder of the try, over which the data is mounted for the job alone
    :ivar is_folder: whether the data is a folder
    :ivar is_pinned: whether what is read through it can be nothing but what was identified
    """

    name: str
    source: Path
    target: Path
    is_folder: bool
    is_pinned: bool = False

    def make_target(self) -> None:
        """Make what stands in for the data."""
        if self.is_folder:
            self.target.mkdir(parents=True, exist_ok=True)
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.target.touch(exist_ok=True)

    def remove_target(self) -> None:
        """Take away what stands in for the data, so that a copy can take its place."""
        if self.is_folder:
            self.target.rmdir()
        else:
            self.target.unlink()
