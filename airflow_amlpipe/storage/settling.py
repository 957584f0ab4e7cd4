"""What must be changed in a folder that a script wrote before it may become part of a store?

Links become the content they lead to (they would lead elsewhere from the new place), a file with a second name becomes a file of its
own (whoever has the other name could change it), and our own unfinished writes go.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace

from airflow_amlpipe.fingerprint.content import size_of
from airflow_amlpipe.fingerprint.scan import TreeScan, scan_tree
from airflow_amlpipe.storage.exclusive import temporary_name
from airflow_amlpipe.storage.transfer import FileCopy, copies_of_scan, copy_files

__all__ = ["settle_tree"]


def settle_tree(root: str) -> None:
    """Make the files below ``root`` (or the file ``root``) plain files that only this folder holds; nothing to do is the usual case.

    :raises DefinitionError: a link that leaves ``root``, dangles or loops; a FIFO, socket or device
    :raises OSError: something could not be read or written
    """
    odd = _odd_names(root if os.path.islink(root) else os.path.realpath(root))
    if not odd:
        return
    scan = scan_tree(root)  # refuses what cannot be data, before anything is touched
    # Copy all, then swap all: a link may lead to another.
    copied = []
    for path in odd:
        aside = temporary_name(path)
        copy_files(*(copies_of_scan(scan, aside) if scan.is_file or path == root else _copies(scan, path, aside)))
        copied.append((aside, path))
    for aside, path in copied:
        os.unlink(path)
        os.rename(aside, path)


def _copies(scan: TreeScan, path: str, aside: str) -> tuple[list[FileCopy], list[str]]:
    # The walk of the whole tree has seen what is behind every link in it.
    shown = os.path.relpath(path, scan.root)
    behind = [replace(part, path=part.path[len(shown) + 1 :]) for part in scan.folders if f"{part.path}/".startswith(f"{shown}/")]
    if behind:
        return copies_of_scan(TreeScan(scan.root, tuple(behind)), aside)
    above, name = os.path.split(shown)
    (folder,) = (part for part in scan.folders if part.path == above)
    return [FileCopy(real, aside, size_of(token), token=token) for found, real, token in folder.files() if found == name], []


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
