"""Is everything that is named by a digest what its name says? (manifests, specifications, source snapshots)"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.fingerprint.canonical import digest_bytes
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.fingerprint.source import SOURCE_FORMAT, SourceSnapshot
from airflow_amlpipe.fingerprint.tree import TREE_FORMAT, TreeManifest
from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.services.fsck.survey import Survey, Unreadable, read_json
from airflow_amlpipe.spec.document import load_pipeline
from airflow_amlpipe.spec.pipeline import PIPELINE_FORMAT
from airflow_amlpipe.storage.snapshots import extract_snapshot
from airflow_amlpipe.workspace.layout import manifests_folder, model_files_folder, snapshots_folder, specs_folder

__all__ = ["check_contents", "listing_problem"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_contents(survey: Survey, *, quick: bool) -> None:
    """Look at every manifest, specification and snapshot.

    :param quick: do not read manifests and snapshots; their names must do
    """
    for folder, suffix, look in (
        (specs_folder(), ".json", _check_spec),
        (manifests_folder(), ".json", _check_listing),
        (snapshots_folder(), ".zip", _check_snapshot),
        (model_files_folder(), "", _check_model_file),
    ):
        survey.guarded(folder, lambda folder=folder, suffix=suffix, look=look: _check_folder(survey, folder, suffix, look, quick=quick))  # type: ignore[misc]


def listing_problem(body: bytes, digest: str) -> Unreadable | None:
    """Return what is wrong with the manifest or the list of a snapshot that is called ``digest``."""
    if digest_bytes(body) != digest:
        return Unreadable(f"its content is not what its name says ({len(body)} bytes): it was altered or cut")
    document = read_json(body, TREE_FORMAT)
    if not isinstance(document, Unreadable):
        document = read_json(body, SOURCE_FORMAT)
    if isinstance(document, Unreadable):
        return document
    is_source = isinstance(document, dict) and document.get("format") == SOURCE_FORMAT
    try:
        (SourceSnapshot if is_source else TreeManifest).decode(body)
    except ProtocolError as error:
        return Unreadable(str(error))
    return None


def _check_folder(survey: Survey, folder: str, suffix: str, look: Callable[[Survey, str, str], None], *, quick: bool) -> None:
    units = []
    for name in survey.names(folder):
        digest = name.removesuffix(suffix)
        path = f"{folder}/{name}"
        if (suffix and name == digest) or not _DIGEST.fullmatch(digest):
            survey.report(Check.FOREIGN_NAME, path, f"{shorten(repr(name))} is not called after a digest")
        elif not quick or folder == specs_folder():
            units.append((path, (path, digest)))
    survey.count(folder.rpartition("/")[2], len(units))
    survey.each(lambda unit: look(survey, *unit), units, folder.rpartition("/")[2])


def _check_spec(survey: Survey, path: str, digest: str) -> None:
    body = survey.read(path)
    if body is None:
        return  # cleared away meanwhile
    if digest_bytes(body) != digest:
        survey.report(Check.CONTENT_ALTERED, path, f"its content is not what its name says ({len(body)} bytes): it was altered or cut")
        return
    document = read_json(body, PIPELINE_FORMAT)
    if isinstance(document, Unreadable):
        survey.report_unreadable(document, path, Check.CONTENT_ALTERED)
        return
    try:
        load_pipeline(body)
    except (DefinitionError, ProtocolError) as error:
        survey.report(Check.CONTENT_ALTERED, path, str(error))


def _check_listing(survey: Survey, path: str, digest: str) -> None:
    body = survey.read(path)
    problem = None if body is None else listing_problem(body, digest)
    if problem is not None:
        survey.report_unreadable(problem, path, Check.CONTENT_ALTERED)


def _check_snapshot(survey: Survey, path: str, digest: str) -> None:
    with tempfile.TemporaryDirectory(prefix="amlpipe-fsck-") as folder:
        try:
            found = extract_snapshot(survey.workspace.store, path, Path(folder) / "source").digest
        except FileNotFoundError:
            return
        except ProtocolError as error:
            survey.report(Check.SNAPSHOT_DAMAGED, path, str(error))
            return
    if found != digest:
        survey.report(Check.SNAPSHOT_DAMAGED, path, f"it holds the source {shorten(found, 20)}, which is not what its name says")


def _check_model_file(survey: Survey, path: str, digest: str) -> None:
    with tempfile.TemporaryDirectory(prefix="amlpipe-fsck-") as folder:
        copied = Path(folder) / "file"
        try:
            survey.workspace.store.fetch(path, copied)
        except FileNotFoundError:
            return
        if hash_file(str(copied))[0] != digest:
            survey.report(Check.CONTENT_ALTERED, path, "its content is not what its name says: it was altered or cut")
