"""How is a frozen source folder kept, and unpacked for a step?

As one zip file that anybody can open: the files, links and empty folders, in order, without times, and the snapshot's own list under
``.amlpipe/snapshot.json``, a name no source file can have.
"""

from __future__ import annotations

import hashlib
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path

from airflow_amlpipe.exceptions import DatastoreUnavailableError, ProtocolError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.source import SourceEntry, SourceSnapshot
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import Store

__all__ = ["extract_snapshot", "put_snapshot"]

_LIST = ".amlpipe/snapshot.json"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20
_LONGEST_LIST = 256 << 20


def put_snapshot(store: Store, path: str, directory: Path, snapshot: SourceSnapshot) -> None:
    """Store the files of ``directory`` that ``snapshot`` lists at ``path``; nothing is done if something is there already.

    :raises SourceChangedError: the folder is not what the snapshot says any more; nothing was stored
    :raises DatastoreUnavailableError: it could not be stored
    """
    if store.freshen(path):
        return
    with tempfile.TemporaryDirectory(prefix="amlpipe-snapshot-") as folder:
        packed = Path(folder) / "snapshot.zip"
        try:
            with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                _add(archive, _LIST, snapshot.encode(), stat.S_IFREG | 0o644)
                for entry in snapshot.entries:
                    _add_entry(archive, directory, entry)
        except OSError as error:
            raise DatastoreUnavailableError(
                f"the source folder {shorten(repr(str(directory)))} could not be packed: {error.strerror} ({shorten(str(error.filename))}); "
                "nothing was stored, run again"
            ) from error
        crash_point("snapshot-packed")
        try:
            store.ingest(packed, path, durable=True)
        except FileExistsError:
            return  # somebody stored the same content meanwhile


def extract_snapshot(store: Store, path: str, target: Path) -> SourceSnapshot:
    """Unpack the snapshot at ``path`` into the folder ``target``, compare every byte with its list, and return the list.

    :raises FileNotFoundError: nothing is at ``path``
    :raises ProtocolError: it is damaged
    :raises DatastoreUnavailableError: it could not be read or unpacked
    """
    with tempfile.TemporaryDirectory(prefix="amlpipe-snapshot-") as folder:
        packed = store.local_path(path)
        if packed is None:
            packed = Path(folder) / "snapshot.zip"
            store.fetch(path, packed)
        try:
            with zipfile.ZipFile(packed) as archive:
                listed = archive.getinfo(_LIST)
                if listed.file_size > _LONGEST_LIST:
                    raise zipfile.BadZipFile("its list is too long")
                snapshot = SourceSnapshot.decode(archive.read(listed))
                target.mkdir(parents=True, exist_ok=True)
                # Links last: nothing is ever written through one.
                for entry in sorted(snapshot.entries, key=lambda entry: entry.kind == "link"):
                    _extract_entry(archive, target, entry)
                    crash_point("snapshot-entry-unpacked")
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError) as error:
            raise ProtocolError(
                f"datastore {shorten(store.url)}: the source snapshot {shorten(repr(path))} is damaged ({shorten(str(error))}); "
                "delete it, and submit the pipeline again from its source"
            ) from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DatastoreUnavailableError(
                f"datastore {shorten(store.url)}: the source snapshot {shorten(repr(path))} could not be unpacked to {shorten(str(target))}: "
                f"{error.strerror}; make room there and run again"
            ) from error
    return snapshot


def _add(archive: zipfile.ZipFile, name: str, body: bytes, mode: int) -> None:
    archive.writestr(_info(name, mode), body)


def _info(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.create_system = 3  # Unix, on every machine: the same folder gives the same file
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _add_entry(archive: zipfile.ZipFile, directory: Path, entry: SourceEntry) -> None:
    if entry.kind == "folder":
        _add(archive, f"{entry.path}/", b"", stat.S_IFDIR | 0o755)
        return
    if entry.kind == "link":
        _add(archive, entry.path, entry.target.encode(), stat.S_IFLNK | 0o777)
        return
    found = hashlib.sha256()
    info = _info(entry.path, stat.S_IFREG | (0o755 if entry.executable else 0o644))
    try:
        with (directory / entry.path).open("rb") as file, archive.open(info, "w", force_zip64=entry.size > 1 << 31) as packed:
            while block := file.read(_BLOCK):
                found.update(block)
                packed.write(block)
    except FileNotFoundError as error:
        raise _changed(directory, entry) from error
    if found.hexdigest() != entry.sha256:
        raise _changed(directory, entry)


def _changed(directory: Path, entry: SourceEntry) -> SourceChangedError:
    return SourceChangedError(
        f"source folder {shorten(repr(str(directory)))}: {shorten(repr(entry.path))} changed while the folder was being stored; "
        "nothing was stored, run again when nobody writes to it"
    )


def _extract_entry(archive: zipfile.ZipFile, target: Path, entry: SourceEntry) -> None:
    place = target / entry.path
    if entry.kind == "folder":
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "link":
        place.symlink_to(entry.target)
        return
    found, size = hashlib.sha256(), 0
    with archive.open(entry.path) as packed, place.open("xb") as file:
        # No more is unpacked than the list says, whatever the zip claims.
        while size <= entry.size and (block := packed.read(min(_BLOCK, entry.size - size + 1))):
            size += len(block)
            found.update(block)
            file.write(block)
    if size != entry.size or found.hexdigest() != entry.sha256:
        place.unlink()
        raise zipfile.BadZipFile(f"{shorten(repr(entry.path))} is not what the list says")
    if entry.executable:
        place.chmod(place.stat().st_mode | ((place.stat().st_mode & 0o444) >> 2))
