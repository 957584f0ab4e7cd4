"""How are runs and step runs named, so that listings come in order of time? (and which ids do published things have)"""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import UTC, datetime

__all__ = ["is_uuid", "new_run_id", "now_text", "run_id_for", "time_of_id"]


def new_run_id(at: datetime | None = None) -> str:
    """Return a fresh id: a version 7 UUID, whose first 48 bits are milliseconds since 1970, so that newer ids sort last."""
    return _uuid7(at or datetime.now(UTC), os.urandom(10))


def run_id_for(dag_id: str, dag_run_id: str, run_after: datetime) -> str:
    """Return the run id of an Airflow run that nobody gave one: the same for all of its tasks, wherever they run."""
    return _uuid7(run_after, hashlib.sha256(f"{len(dag_id)}:{dag_id}{dag_run_id}".encode()).digest()[:10])


def time_of_id(run_id: str) -> datetime | None:
    """Return when a run or step run was named, by the clock of whoever named it; ``None`` if the id is not one of ours."""
    try:
        parsed = uuid.UUID(run_id)
    except ValueError:
        return None
    return datetime.fromtimestamp((parsed.int >> 80) / 1000, UTC) if parsed.version == 7 else None


def is_uuid(text: object) -> bool:
    """Whether ``text`` is an id as published things have them, and so the name of a folder and nothing else."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text
    except ValueError:
        return False


def now_text() -> str:
    """Return the time in UTC as ISO 8601 text; for people, and for limits that people set."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _uuid7(at: datetime, tail: bytes) -> str:
    milliseconds = int(at.timestamp() * 1000)
    raw = bytearray(milliseconds.to_bytes(6, "big") + tail)
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))
