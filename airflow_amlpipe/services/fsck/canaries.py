"""Is a text that was planted as a secret anywhere below the workspace's root? (I6)

Everything is read: records, logs, artifacts, outputs, and what is packed in snapshots.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterator

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.services.fsck.survey import Survey

__all__ = ["check_canaries"]


def check_canaries(survey: Survey, canaries: Collection[str]) -> None:
    """Look for each text in every byte, and in every name."""
    texts = {text: text.encode() for text in canaries}

    def look(path: str) -> None:
        try:
            body = survey.workspace.store.read(path)
        except FileNotFoundError:
            return
        for part, content in _parts(body):
            for text, wanted in texts.items():
                if wanted in content or text in path or wanted in part.encode():
                    inside = f" (in {shorten(part)})" if part else ""
                    survey.report(Check.CANARY, path, f"it holds the text that begins with {text[:4]!r}{inside}")

    survey.each(look, [(path, path) for path in _files(survey, "")], "bytes")


def _files(survey: Survey, folder: str) -> Iterator[str]:
    for name in survey.names(folder):
        path = f"{folder}/{name}" if folder else name
        if survey.names(path):
            yield from _files(survey, path)
        else:
            yield path


def _parts(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "", body
    if zipfile.is_zipfile(io.BytesIO(body)):
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                for name in archive.namelist():
                    yield name, archive.read(name)
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError):
            return  # that it is damaged is found elsewhere
