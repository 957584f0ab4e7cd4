"""Can everything that is published, and every draft, still be run? (also: does every endpoint lead to something?)"""

from __future__ import annotations

from airflow_amlpipe.exceptions import AmlPipeError, shorten
from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.services.fsck.survey import Survey
from airflow_amlpipe.workspace.drafts import DraftRecord
from airflow_amlpipe.workspace.endpoints import EndpointEntry, EndpointNameEntry
from airflow_amlpipe.workspace.layout import log_folder, snapshot_path, spec_path
from airflow_amlpipe.workspace.published import PublishedEntry

__all__ = ["check_published"]


def check_published(survey: Survey, name: str, number: int, path: str, record: object) -> None:
    """Look at one entry of the log ``name``, which its model has read already."""
    if isinstance(record, PublishedEntry):
        if number == 1 and (record.pipeline is None or record.pipeline.id != name):
            survey.report(Check.PUBLISHED_ELSEWHERE, path, f"it does not say what the published pipeline {shorten(name)} is")
        elif record.pipeline is not None:
            _check_spec(survey, f"published pipeline {record.pipeline.id}", record.pipeline.spec)
    elif isinstance(record, DraftRecord):
        newest = survey.workspace.drafts.find(name)
        if newest == record:
            _check_spec(survey, f"pipeline draft {name}", record.spec)
    elif isinstance(record, EndpointNameEntry | EndpointEntry):
        pipeline_id = record.first if isinstance(record, EndpointNameEntry) else record.added
        if pipeline_id is not None and not survey.names(log_folder("published", pipeline_id)):
            what = record.id if isinstance(record, EndpointNameEntry) else name
            survey.report(
                Check.PUBLISHED_GONE, path, f"a version of pipeline endpoint {shorten(what)} is {shorten(pipeline_id)}, which is not there"
            )


def _check_spec(survey: Survey, what: str, digest: str) -> None:
    store = survey.workspace.store
    if not store.exists(spec_path(digest)):
        survey.report(Check.PUBLISHED_GONE, spec_path(digest), f"it is not there; {what} names it")
        return
    try:
        spec = survey.workspace.get_spec(digest)
    except AmlPipeError:
        return  # said where specifications are looked at
    for snapshot in sorted({step.source.snapshot or "" for step in spec.steps}):
        if not store.exists(snapshot_path(snapshot)):
            survey.report(Check.PUBLISHED_GONE, snapshot_path(snapshot), f"it is not there; {what} runs it")
