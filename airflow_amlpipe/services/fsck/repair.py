"""What can be mended without a person? What is safe, and the same when it is done twice."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.services.fsck.findings import Finding, Findings, Repair
from airflow_amlpipe.services.fsck.survey import Unreadable, read_as
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["repair_workspace"]


def repair_workspace(workspace: WorkspaceStore, findings: Findings) -> list[tuple[Finding, str]]:
    """Mend what was found and can be, and return each with a sentence that says what was done.

    Results are set aside, never deleted: their steps run again. A list of files that is gone is written again from data that is intact.

    :raises DatastoreUnavailableError: something could not be written; do it again
    """
    return list(_repairs(workspace, findings))


def _repairs(workspace: WorkspaceStore, findings: Findings) -> Iterator[tuple[Finding, str]]:
    for finding in findings.found:
        repair = finding.repair
        if repair is None:
            continue
        if repair.kind == "dataset_id":
            record = workspace.datasets.get(repair.name, repair.number)
            workspace.datasets.restore_id(record)
            yield finding, f"the id of version {repair.number} of dataset {repair.name!r} was written"
        elif repair.digest and _rewrite_manifest(workspace, repair):
            yield finding, "the list was written again from the output, which is intact"
        else:
            workspace.results.mark_bad(repair.key, Rejection(repair.number, finding.problem))
            yield finding, f"result {repair.number} was set aside; its step runs again"


def _rewrite_manifest(workspace: WorkspaceStore, repair: Repair) -> bool:
    result = read_as(StepResult, workspace.store.read(f"{key_folder(repair.key)}/results/{repair.number:08d}.json"))
    if isinstance(result, Unreadable):
        return False
    for output in result.outputs.values():
        if output.digest == repair.digest:
            try:
                identity = workspace.datastores.open(output.datastore).identify(output.path).called(output.name)
                if identity.digest == repair.digest:
                    workspace.replace_listing(identity.manifest())
                    return True
            except (AmlPipeError, FileNotFoundError):
                continue
    return False
