"""Which crash points are there, in the order in which a step passes them, and what does a crash there leave behind?

The one table: a test compares it with the calls in the source, and the harness counts that each was passed and each has killed.
"""

from __future__ import annotations

__all__ = ["ELSEWHERE", "POINTS"]

POINTS = {
    # submitting, in services/submit.py
    "submission-frozen": "sources are stored that nothing refers to",
    "submission-specified": "a specification is stored that no run has",
    "submission-recorded": "a run without a step; whoever looks at it records that it failed",
    "submission-step-reused": "a run of which some steps are recorded; whoever looks at it records that it failed",
    # a record, on a local file system (storage/exclusive.py, storage/log.py)
    "object-opened": "an empty file under a temporary name",
    "object-written": "a whole file under a temporary name: the record does not exist",
    "object-named": "the record, and perhaps the temporary name beside it; a power cut may take both",
    "entry-numbered": "nothing",
    "entry-numbered-if": "nothing",
    # the beginning of a try (operators/execution.py)
    "run-recorded": "a run without a step",
    "try-begun": "a try without an end",
    "key-known": "a try without an end; listings of input data",
    "result-found-bad": "a damaged result that is not marked yet; the next try finds it damaged again",
    "step-claimed": "a claim without a beat; whoever waits takes the step over",
    "claim-released": "nothing",
    "decided": "a try without an end; damaged results are marked",
    # the source, and what a step needs (storage/snapshots.py, workspace/inputs.py, storage/transfer.py)
    "snapshot-packed": "a zip in a temporary folder",
    "source-stored": "a snapshot that nothing refers to",
    "snapshot-entry-unpacked": "a half-filled private folder",
    "copy-opened": "an empty file: in a private folder, or under a temporary name",
    "copy-made": "a copied file: in a private folder, or under a temporary name",
    "input-staged": "a half-filled private folder",
    # the script (operators/execution.py)
    "job-prepared": "a private folder that no job uses",
    "job-launched": "a job that no note names; the next try ends it by its name",
    "job-noted": "a job that the next try takes up again",
    "script-heard": "a job that the next try takes up again",
    "job-ended": "an ended job that the next try takes up again",
    # a copy that the worker makes itself (operators/transferring.py)
    "transfer-fetched": "a private folder that the next try goes on with",
    # what it left (operators/keeping.py, workspace/try_files.py)
    "try-file-kept": "some logs and artifacts; the job counts as collected",
    "artifacts-kept": "logs and artifacts; the job counts as collected",
    "files-kept": "logs, artifacts and metrics of a try without outputs",
    # its outputs (workspace/outputs.py, storage/local.py)
    "output-identified": "outputs in a private folder",
    "manifest-stored": "a listing of an output that is not there",
    "data-settled": "outputs in a private folder, or a whole copy of them",
    "data-moved": "data that no record names",
    "output-uploaded": "some of the outputs, at a place that only this try uses",
    "outputs-stored": "all outputs; no result: they are computed again",
    # the commit and what follows it (workspace/step_run.py, outputs.py, datasets.py)
    "result-stored": "the result; the next try reuses it and does the rest",
    "destination-noted": "an entry that says what a fixed destination is about to hold",
    "replacement-copied": "a whole copy under a temporary name beside a fixed destination",
    "replacement-named": "the new content at a fixed destination, and the old under a temporary name",
    "overlay-copied": "a fixed destination with some files of the new content, each whole",
    "destination-filled": "the new content at a fixed destination",
    "dataset-version-added": "a version of a dataset that cannot be found by its id yet",
    "output-handed-on": "some outputs handed on",
    "try-ending": "everything but the record that says so; the next try does the rest again, which changes nothing",
    "try-ended": "a step that has ended well, and its private folder",
    # clearing away, in services/clearing
    "gc-result-set-aside": "a result that is marked as bad, and its outputs",
    "gc-output-deleted": "outputs that are gone, of a result that is marked as bad",
    "gc-run-deleted": "some of what may go",
    "gc-content-deleted": "some of what may go",
    "gc-key-entry-deleted": "a log of results that begins later, or of marks without results; the next plan goes on with it",
    "gc-key-deleted": "some of what may go",
    "gc-unfinished-deleted": "some of what may go",
    "gc-plan-deleted": "some of what may go",
    # outside: the task process has done its work and dies before Airflow knows (tests/crash/graph.py)
    "task-unreported": "a step that has ended well; the next try reuses its result",
}

# Of clearing away the harness passes what its small store has to offer; tests/unit/services/clearing/test_killed.py kills at each of these.
# No step of it is a copy; tests/unit/operators/test_transferring.py dies there.
ELSEWHERE = frozenset(name for name in POINTS if name.startswith("gc-")) | {"transfer-fetched"}
