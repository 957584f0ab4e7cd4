"""What is remembered of a step that ended well, so that it can stand in for a later one?"""

from __future__ import annotations

from typing import Any, Literal

from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.spec.model import Scalar, SpecModel, added_later

__all__ = ["LinkedPlace", "StepResult", "StoredOutput", "writer_name"]


class LinkedPlace(SpecModel):
    """Where data lies that a script linked an output to.

    :ivar path: below the datastore's root, or a glob there
    :ivar digest: what its store identified it as when the output was stored; ``None`` if nothing was there
    """

    datastore: str
    path: str
    digest: str | None


class StoredOutput(SpecModel):
    """An output as it lies on a datastore, at a place that only one try of one step ever wrote to.

    :ivar path: below the datastore's root
    :ivar digest: of its tree manifest, that is of its content alone
    :ivar witness: what its store identified it as once it was there, where that is made of versions and not of content
    :ivar linked: where the data lies of the dataset that the script linked it to; what a query says lies nowhere
    """

    name: str
    datastore: str
    path: str
    digest: str
    file_count: int
    size_bytes: int
    witness: str | None = added_later(None)
    linked: tuple[LinkedPlace, ...] = added_later(())


class StepResult(SpecModel):
    """The body of ``keys/<kk>/<key>/results/<n>.json``; creating that object is the commit of a step.

    :ivar key_manifest: what the key was made of (``KeyManifest.to_json``)
    :ivar folder: the try's folder in the workspace store, where its logs, metrics and artifacts are
    :ivar airflow: the DAG, DAG run and task that computed it, where Airflow did
    :ivar volatile: values that the script got and the key does not hold (``reuse/volatile.py``)
    :ivar told: what its script asked for by itself, and what identifies the answers (``reuse/told.py``); in the order in which it asked
    :ivar created_at: UTC, ISO 8601; for people and for ``max-age`` (``reuse/age.py``), whether a result is right is never decided by it
    """

    format: Literal["amlpipe/result/v1"] = "amlpipe/result/v1"
    key: str
    key_manifest: dict[str, Any]
    outputs: dict[str, StoredOutput]
    pipeline: str
    run_id: str
    step_id: str
    step_name: str
    step_run_id: str
    folder: str
    airflow: dict[str, str] | None = None
    created_at: str
    duration_seconds: float
    volatile: dict[str, Scalar] = added_later({})
    told: tuple[Told, ...] = added_later(())

    @property
    def writer(self) -> str:
        """Which step of which run it is of, whatever the number of its try: by this, what its script registers is known."""
        return writer_name(self.run_id, self.step_id)


def writer_name(run_id: str, step_id: str) -> str:
    """Return what a step of a run is known by in the records of what it registered."""
    return f"{run_id}/{step_id}"
