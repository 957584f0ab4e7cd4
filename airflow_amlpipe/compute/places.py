"""Where does the script find an input, or write an output, whose author named the path on the compute?

* No path named: inputs are where they were fetched to, outputs are ``outputs/<name>`` of the private folder.
* A relative path is relative to the working folder, so that a script which has ``"data/train.csv"`` written into it finds its data.
* An absolute path is taken only below the machine's folders for temporary files, as a link into the private folder. Anything else on a
  worker belongs to somebody else. The link is made exclusively: two steps that want the same path at once cannot read each other's
  data; the later one fails and can be retried.
* A link never leads nowhere, which a script could neither make a folder of nor write to. An input at whose place nothing lies has no link in the
  working folder, and a folder behind an absolute path.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.spec.data import InputSpec, OutputSpec
from airflow_amlpipe.spec.names import check_binding_name, check_relative_path

__all__ = ["output_place", "place_input", "place_output", "remove_outside_links", "written_place"]


def place_input(where: str, item: InputSpec, data: Path, folder: StepFolder) -> Path:
    """Return the path the script is given for an input whose data is at ``data``, and make it lead there, if data is there.

    :raises DefinitionError: ``path_on_compute`` leaves the folders it may name, or there is something else already
    :raises InfrastructureError: another step uses that absolute path
    """
    what = f"{where}: input {item.name!r}: path_on_compute"
    if item.path_on_compute is None:
        return data
    is_there = data.exists()
    if item.path_on_compute.startswith("/"):
        if not is_there:
            data.mkdir(parents=True)
        return _link_outside(what, item.path_on_compute, data)
    relative = check_relative_path(what, item.path_on_compute)
    if not relative or relative.split("/")[0] in {"outputs", "logs"}:
        raise DefinitionError(f"{what} {item.path_on_compute!r} is the working folder, its outputs or its logs; name a folder of its own")
    place = _inside_code(what, folder, relative)
    if not is_there and not os.path.lexists(place):
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(data)
    except (FileExistsError, NotADirectoryError) as error:
        raise DefinitionError(
            f"{what} {shorten(repr(item.path_on_compute))}: the source folder has something there; name another path"
        ) from error
    return place


def written_place(item: InputSpec, data: Path, folder: StepFolder) -> Path:
    """Return where on this machine lies what a script writes to an input at whose place, ``data``, nothing lay."""
    return data if item.path_on_compute is None or item.path_on_compute.startswith("/") else folder.code / item.path_on_compute


def output_place(where: str, output: OutputSpec, folder: StepFolder) -> Path:
    """Return where the bytes of an output lie on this machine, whichever path the script is given.

    :raises DefinitionError: ``source`` leaves the working folder, or is the working folder itself
    """
    if output.source is None or output.source.startswith("/"):
        return folder.outputs / check_binding_name(f"{where}: output", output.name)
    what = f"{where}: output {output.name!r}: source"
    relative = check_relative_path(what, output.source)
    if not relative:
        raise DefinitionError(f"{what} {output.source!r} is the whole working folder; name a folder below it")
    return _inside_code(what, folder, relative)


def place_output(where: str, output: OutputSpec, folder: StepFolder) -> Path:
    """Return the path the script is given for an output; the folder exists then, and is empty unless the snapshot has files there.

    An output that is not made for the script (``OutputSpec.is_made``) has the folder above its place only: the script makes a folder there, or
    writes one file. A link to nowhere could be neither, so behind an absolute path there is a folder in any case.

    :raises DefinitionError: ``source`` leaves the folders it may name, or is a file of the snapshot
    :raises InfrastructureError: another step uses that absolute path
    """
    place = output_place(where, output, folder)
    try:
        is_linked = output.source is not None and output.source.startswith("/")
        (place if output.is_made or is_linked else place.parent).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DefinitionError(
            f"{where}: output {output.name!r}: source {shorten(repr(output.source))} is a file of the source folder; name a folder"
        ) from error
    if output.source is not None and output.source.startswith("/"):
        return _link_outside(f"{where}: output {output.name!r}: source", output.source, place)
    return place


def remove_outside_links(folder: StepFolder, paths: list[str]) -> None:
    """Take away the links that lead from the absolute ``paths`` into ``folder``; what a script put in their place stays."""
    for path in paths:
        with suppress(OSError):  # never made, or no link any more
            if Path(path).readlink().is_relative_to(folder.root):
                Path(path).unlink()


def _inside_code(what: str, folder: StepFolder, relative: str) -> Path:
    place = folder.code / relative
    if not place.resolve().is_relative_to(folder.code.resolve()):
        raise DefinitionError(
            f"{what} {shorten(repr(relative))} is behind a symbolic link that leaves the source folder; name another path"
        )
    return place


def _temporary_roots() -> list[Path]:
    roots = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108  # named to be allowed; what is made there is checked and exclusive
    return [Path(root) for root in dict.fromkeys(roots) if Path(root).is_dir()]


def _link_outside(what: str, path: str, target: Path) -> Path:
    wanted = Path(path)
    root = next((root for root in _temporary_roots() if wanted.is_relative_to(root) and wanted != root), None)
    if root is None or ".." in wanted.parts:
        allowed = ", ".join(str(root) for root in _temporary_roots())
        raise DefinitionError(
            f"{what} {shorten(repr(path))} is an absolute path outside the folders for temporary files ({allowed}); "
            "use a path relative to the working folder, or leave it out and take the path from the arguments"
        )
    _make_parents(what, root, wanted)
    for _ in range(2):
        try:
            wanted.symlink_to(target)
            return wanted
        except FileExistsError:
            if not _is_dangling_link_of_ours(wanted):
                break
            wanted.unlink(missing_ok=True)  # left behind by a try whose worker died, and whose folder is gone
    raise InfrastructureError(
        f"{what} {shorten(repr(path))} exists already on this machine, perhaps because another step is using it; "
        "retry when it has ended, remove it, or use a path relative to the working folder"
    )


def _make_parents(what: str, root: Path, wanted: Path) -> None:
    """Create the folders between ``root`` and ``wanted``; one that is a link or somebody else's is not walked through (S24)."""
    parent = root
    for part in wanted.relative_to(root).parts[:-1]:
        parent = parent / part
        try:
            parent.mkdir(mode=0o700)
        except FileExistsError:
            found = parent.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise DefinitionError(
                    f"{what} {shorten(repr(str(wanted)))}: {shorten(repr(str(parent)))} is no folder of this user; name another path"
                ) from None


def _is_dangling_link_of_ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISLNK(found.st_mode) and found.st_uid == os.getuid() and not path.exists()
