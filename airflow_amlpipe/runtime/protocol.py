"""What passes between the host and a step's script, and where is it written?

The host prepares a *run folder*, names it in ``AMLPIPE_RUN_FOLDER`` and writes ``context.json`` into it. The script's side appends one
JSON line per metric, tag, property or note to ``events.jsonl`` and puts uploaded files below ``uploads/<target>/``, where the target is
the step's own run (``self``) or the pipeline's run (``parent``). The host reads them when the script has ended, or while it runs.
What the script may ask of the host while it runs, and through which files, is in ``questions.py``. Nothing else passes: no socket, no token,
and no secret that the script does not ask for by name.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # importing typing would cost every step several milliseconds
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, TypedDict

    Event = Dict[str, Any]

    class RunPart(TypedDict):
        """A run: the step's own, or the pipeline's."""

        id: str
        name: str
        number: int
        tags: Dict[str, str]
        properties: Dict[str, str]
        url: str
        events: List[Event]
        """Metric events that were recorded before this script started (a pipeline's run: by earlier steps)."""

    class WorkspacePart(TypedDict):
        """The workspace as ``run.experiment.workspace`` shows it; ``url`` is its store, without secrets, or empty."""

        name: str
        subscription_id: str
        resource_group: str
        location: str
        url: str

    class DatasetPart(TypedDict):
        """A dataset whose files the host has put in place for the script.

        ``path`` is the local folder, or the one file; ``roots`` says for each part of it the folder below ``path`` and where that is on its
        datastore (``dataset_files.find_files``). ``files`` are the files of several parts in the dataset's order, each below ``path`` and on its
        datastore; those of one part are in the order of their names. ``definition`` is that of ``spec/dataset.py``; files chosen by it are chosen already.
        """

        id: str
        name: Optional[str]
        version: Optional[int]
        description: Optional[str]
        tags: Dict[str, str]
        created_at: str
        definition: Dict[str, Any]
        path: str
        roots: List[List[str]]
        files: List[List[str]]

    class InputPart(TypedDict):
        """An input; ``value`` is a local path, or the dataset's id in ``direct`` mode, where ``dataset`` is what has that id."""

        name: str
        mode: str
        value: str
        dataset: Optional[DatasetPart]

    class OutputPart(TypedDict):
        """An output and the local path the script writes it to."""

        name: str
        mode: str
        path: str

    class RunContext(TypedDict):
        """``context.json``."""

        format: str
        run: RunPart
        parent: Optional[RunPart]
        experiment: str
        experiment_id: str
        workspace: WorkspacePart
        inputs: List[InputPart]
        outputs: List[OutputPart]
        working_folder: str
        script: str
        arguments: List[str]
        environment: Dict[str, Any]
        snapshot: str
        target: str
        started_at: str


__all__ = [
    "CONTEXT_FILE",
    "CONTEXT_FORMAT",
    "ENV_RUN_FOLDER",
    "ENV_JOB",
    "ENV_RUN_ID",
    "ENV_ROOT_RUN_ID",
    "ENV_SUBSCRIPTION",
    "ENV_RESOURCE_GROUP",
    "ENV_WORKSPACE",
    "ENV_EXPERIMENT",
    "ENV_EXPERIMENT_ID",
    "ENV_WORKSPACE_ID",
    "ENV_SERVICE_ENDPOINT",
    "ENV_RUN_TOKEN",
    "ENV_RUN_TOKEN_EXPIRY",
    "ENV_INPUTS",
    "ENV_OUTPUTS",
    "PREFIX_INPUT",
    "PREFIX_OUTPUT",
    "PREFIX_REFERENCE",
    "PREFIX_PARAMETER",
    "EVENTS_FILE",
    "PARENT",
    "SDK_VERSION",
    "SELF",
    "TAG_DESCRIPTION",
    "TAG_DISPLAY_NAME",
    "UPLOADS_FOLDER",
    "ContextError",
    "append_event",
    "read_context",
    "read_events",
    "shim_folder",
    "uploads_folder",
    "write_context",
]
if TYPE_CHECKING:
    __all__ += ["DatasetPart", "Event", "InputPart", "OutputPart", "RunContext", "RunPart", "WorkspacePart"]

CONTEXT_FORMAT = "amlpipe/run-context/v1"
CONTEXT_FILE = "context.json"
EVENTS_FILE = "events.jsonl"
UPLOADS_FOLDER = "uploads"
# Under which tags a run keeps the name and description that it was given later: MLflow's, which Azure ML showed for them.
TAG_DISPLAY_NAME = "mlflow.runName"
TAG_DESCRIPTION = "mlflow.note.content"
SELF = "self"
PARENT = "parent"

# What azureml.core.VERSION says: the last SDK v1 whose surface is served.
SDK_VERSION = "1.61.0"

# Ours.
ENV_RUN_FOLDER = "AMLPIPE_RUN_FOLDER"
ENV_JOB = "AMLPIPE_JOB"  # unique per try; the local back end knows a job's stray processes by it

# SDK v1's, as its own ``Run`` reads them inside a step.
ENV_RUN_ID = "AZUREML_RUN_ID"
ENV_ROOT_RUN_ID = "AZUREML_ROOT_RUN_ID"
ENV_SUBSCRIPTION = "AZUREML_ARM_SUBSCRIPTION"
ENV_RESOURCE_GROUP = "AZUREML_ARM_RESOURCEGROUP"
ENV_WORKSPACE = "AZUREML_ARM_WORKSPACE_NAME"
ENV_EXPERIMENT = "AZUREML_ARM_PROJECT_NAME"
ENV_EXPERIMENT_ID = "AZUREML_EXPERIMENT_ID"
ENV_WORKSPACE_ID = "AZUREML_WORKSPACE_ID"
ENV_SERVICE_ENDPOINT = "AZUREML_SERVICE_ENDPOINT"
ENV_RUN_TOKEN = "AZUREML_RUN_TOKEN"  # noqa: S105  # there is none: the value only satisfies scripts that look for one
ENV_RUN_TOKEN_EXPIRY = "AZUREML_RUN_TOKEN_EXPIRY"  # noqa: S105
ENV_INPUTS = "AZUREML_DATASET_ENVIRONMENT_VARS"
ENV_OUTPUTS = "AZUREML_DATASET_FILE_OUTPUTS"
PREFIX_INPUT = "AZURE_ML_INPUT_"
PREFIX_OUTPUT = "AZURE_ML_OUTPUT_"
PREFIX_REFERENCE = "AZUREML_DATAREFERENCE_"
PREFIX_PARAMETER = "AML_PARAMETER_"


class ContextError(ValueError):
    """A context that is not there, cannot be read, or was written by another version."""


def shim_folder() -> str:
    """Return the folder that a back end puts on a script's ``PYTHONPATH`` so that ``import azureml`` works in it."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim")


def uploads_folder(run_folder: str, target: str) -> str:
    """Return where the files uploaded to ``target`` lie."""
    return os.path.join(run_folder, UPLOADS_FOLDER, target)


def write_context(run_folder: str, context: RunContext) -> None:
    """Write ``context.json`` whole or not at all."""
    path = os.path.join(run_folder, CONTEXT_FILE)
    temporary = path + ".tmp"
    with open(temporary, "w", encoding="ascii") as file:
        json.dump(context, file)
    os.replace(temporary, path)


def read_context(run_folder: str) -> RunContext:
    """Return what the host wrote for the script.

    :raises ContextError: nothing readable is there, or it has another format
    """
    path = os.path.join(run_folder, CONTEXT_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            context = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise ContextError("the context of this run could not be read from %r: %s" % (path, error)) from error
    found = context.get("format") if isinstance(context, dict) else None
    if found != CONTEXT_FORMAT:
        raise ContextError("the context of this run in %r has the format %.80r; this runtime reads %r" % (path, found, CONTEXT_FORMAT))
    result: RunContext = context
    return result


def append_event(run_folder: str, event: Event) -> None:
    """Append ``event`` as one line; lines of several threads and processes never mix.

    The kernel appends each ``write`` to a local file as a whole. A write cut short (disk full) leaves a torn line, which is closed here
    so that only this event is lost, and readers pass over it.

    :raises OSError: the line could not be written
    """
    line = json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    descriptor = os.open(os.path.join(run_folder, EVENTS_FILE), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            os.write(descriptor, b"\n")
            raise OSError("only %d of %d bytes of an event could be written to %r; is the disk full?" % (written, len(line), run_folder))
    finally:
        os.close(descriptor)


def read_events(run_folder: str) -> Iterator[Event]:
    """Yield the events of a run in the order they were written; torn and foreign lines are passed over."""
    path = os.path.join(run_folder, EVENTS_FILE)
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # still being written
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and isinstance(event.get("kind"), str):
                yield event
