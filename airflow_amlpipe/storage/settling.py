"""What must be changed in a folder that a script wrote before it may become part of a store?

Links become the content they lead to (they would lead elsewhere from the new place), a file with a second name becomes a file of its
own (whoever has the other name could change it), and our own unfinished writes go.
"""

from __future__ import annotations

import os
import stat

from airflow_amlpipe.fingerprint.scan import scan_tree
from airflow_amlpipe.storage.exclusive import temporary_name
from airflow_amlpipe.storage.transfer import copies_of_scan, copy_files

__all__ = ["settle_tree"]


def settle_tree(root: str) -> None:
    """Make the files below ``root`` (or the file ``root``) plain files that only this folder holds; nothing to do is the usual case.

    :raises DefinitionError: a link that leaves ``root``, dangles or loops; a FIFO, socket or device
    :raises OSError: something could not be read or written
    """
    odd = _odd_names(root)
    if not odd:
        return
    scan_tree(root)  # refuses what cannot be data, before anything is touched
    # Copy all, then swap all: a link may lead to another.
    copied = []
    for path in odd:
        aside = temporary_name(path)
        copy_files(*copies_of_scan(scan_tree(path), aside))
        copied.append((aside, path))
    for aside, path in copied:
        if os.path.isdir(aside):
            os.unlink(path)
        os.replace(aside, path)


def _odd_names(root: str) -> list[str]:
    status = os.lstat(root)
    if not stat.S_ISDIR(status.st_mode):
        return [root] if stat.S_ISLNK(status.st_mode) or status.st_nlink > 1 else []
    odd = []
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_nlink > 1:
                    odd.append(entry.path)
    return odd
