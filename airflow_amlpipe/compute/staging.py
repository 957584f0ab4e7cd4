"""How does a step's script find its code, data and settings, and under which command line?

The contract is that of SDK v1's PythonScriptStep: the working folder is a copy of the snapshot, arguments are local paths and plain text,
inputs and outputs are named by environment variables, and ``from azureml.core import Run`` works. The environment is built up from an
allow-list (``variables.py``), never taken over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_amlpipe.compute.backend import LaunchRequest, Resources
from airflow_amlpipe.compute.command_lines import check_started_file, command_argv, semicolons_as_read
from airflow_amlpipe.compute.distributed import distributed
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.notebooks import stage_notebook
from airflow_amlpipe.compute.places import place_input, place_output
from airflow_amlpipe.compute.variables import data_variables, inherited_variables, own_variables, parameter_variables, prepend
from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.step import Argument, InputArgument, LiteralArgument, NotebookRun, OutputArgument, ParameterArgument, StepSpec

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import DatasetPart, Event, RunContext

__all__ = ["RunFacts", "stage_step"]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a script can ask about the run it belongs to.

    :ivar step_run_id: the step's own run, and the job's name
    :ivar run_id: the pipeline's run, ``run.parent`` for the script
    :ivar workspace_url: the workspace's store, without secrets; a script that has airflow-amlpipe reaches datasets through it
    :ivar parent_events: metric events that earlier steps logged to the pipeline's run (``RunOutcome.events`` of their collection)
    """

    step_run_id: str
    run_id: str
    experiment: str
    experiment_id: str = ""
    number: int = 1
    workspace: str = "workspace"
    workspace_url: str = ""
    subscription_id: str = ""
    resource_group: str = ""
    location: str = "local"
    url: str = ""
    pipeline: str = ""
    parent_url: str = ""
    parent_number: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    parent_tags: Mapping[str, str] = field(default_factory=dict)
    parent_properties: Mapping[str, str] = field(default_factory=dict)
    parent_events: tuple[Event, ...] = ()


def stage_step(
    step: StepSpec,
    folder: StepFolder,
    *,
    parameters: Mapping[str, Scalar],
    inputs: Mapping[str, Path | str],
    datasets: Mapping[str, DatasetPart] | None = None,
    facts: RunFacts,
    interpreter: StepInterpreter,
    worker_environment: Mapping[str, str] | None = None,
    resources: Resources | None = None,
) -> LaunchRequest:
    """Prepare ``folder`` for ``step`` and return what a back end launches. Call it once per try.

    The snapshot was extracted to ``folder.code`` before, and inputs were fetched, to ``folder.inputs / name`` or elsewhere.

    :param parameters: the value of each pipeline parameter; only those the step reads are handed on
    :param inputs: for each input its local path (a single file stays a file), or, as text, its dataset id in ``direct`` mode
    :param datasets: what the ids stand for, by the input's name
    :param worker_environment: what the allow-list chooses from; this process's environment by default
    :raises DefinitionError: the script is no file of the snapshot, a path leaves its folder, a text cannot be passed
    :raises UnknownNameError: an input or parameter has no value
    :raises InfrastructureError: an absolute path that the step names is in use
    """
    where = f"step {shorten(repr(step.name))}"
    script = check_started_file(where, step, folder.code)
    _make_artifact_folders(where, folder.code)
    for name in step.parameters:
        if name not in parameters:
            raise UnknownNameError(f"{where} reads parameter {name!r}, which has no value in this run; its values are: {_list(parameters)}")
    for item in step.inputs:
        if item.name not in inputs:
            raise UnknownNameError(f"{where}: input {item.name!r} was not fetched; the inputs that were: {_list(inputs)}")
    data: dict[str, str] = {}
    for item in step.inputs:
        value = inputs[item.name]
        data[item.name] = value if isinstance(value, str) else str(place_input(where, item, value, folder))
    outputs = {output.name: str(place_output(where, output, folder)) for output in step.outputs}
    arguments = semicolons_as_read(step, folder.code / script, _arguments(step, parameters, data, outputs), folder.note)

    environment = inherited_variables(os.environ if worker_environment is None else worker_environment)
    environment |= {"TMPDIR": str(folder.temporary), "PYTHONUNBUFFERED": "1"}  # unbuffered: what it prints is seen as it comes
    environment |= interpreter.variables
    environment |= own_variables(step.environment.variables, where)
    environment["PATH"] = prepend(interpreter.path, environment.get("PATH", os.defpath))
    # The script's own folder comes first by itself; ours last, so that nothing of the author's is hidden.
    theirs = (environment["PYTHONPATH"],) if environment.get("PYTHONPATH") else ()
    environment["PYTHONPATH"] = prepend((str(folder.code), *theirs), protocol.shim_folder())
    environment |= data_variables(step, data, outputs, environment)
    environment |= parameter_variables(step, parameters)
    environment |= _run_variables(folder, facts)

    argv = command_argv(where, step, folder.code, interpreter, arguments, environment)
    argv, of_processes = distributed(where, step.run_settings, argv, environment, interpreter.python)
    environment |= of_processes
    if isinstance(step.command, NotebookRun):
        stage_notebook(step, folder, parameters, data, outputs)
    for text in (*argv, *environment.values()):
        if "\0" in text:
            raise DefinitionError(f"{where}: {shorten(repr(text))} holds a NUL character, which no command line or variable can carry")
    protocol.write_context(str(folder.run), _context(step, folder, facts, script, arguments, data, outputs, datasets or {}))
    return LaunchRequest(
        job_name=facts.step_run_id,
        argv=argv,
        environment=environment,
        working_folder=folder.code,
        folder=folder.root,
        log_folder=folder.logs,
        image=step.environment.image,
        resources=resources or Resources(),
    )


def _make_artifact_folders(where: str, code: Path) -> None:
    for name in ("outputs", "logs"):
        path = code / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise DefinitionError(
                f"{where}: the source folder has {name!r}, which is no folder; rename it, because artifacts are written there"
            )
        path.mkdir(exist_ok=True)


def _arguments(step: StepSpec, parameters: Mapping[str, Scalar], inputs: Mapping[str, str], outputs: Mapping[str, str]) -> list[str]:
    return [_text(argument, parameters, inputs, outputs) for argument in step.arguments]


def _text(argument: Argument, parameters: Mapping[str, Scalar], inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    if isinstance(argument, LiteralArgument):
        return str(argument.value)
    if isinstance(argument, ParameterArgument):
        return str(parameters[argument.parameter])
    if isinstance(argument, InputArgument):
        return inputs[argument.input]
    if isinstance(argument, OutputArgument):
        return outputs[argument.output]
    return "".join(_text(part, parameters, inputs, outputs) for part in argument.parts)


def _run_variables(folder: StepFolder, facts: RunFacts) -> dict[str, str]:
    return {
        protocol.ENV_RUN_FOLDER: str(folder.run),
        protocol.ENV_JOB: facts.step_run_id,
        protocol.ENV_RUN_ID: facts.step_run_id,
        protocol.ENV_ROOT_RUN_ID: facts.run_id,
        protocol.ENV_SUBSCRIPTION: facts.subscription_id,
        protocol.ENV_RESOURCE_GROUP: facts.resource_group,
        protocol.ENV_WORKSPACE: facts.workspace,
        protocol.ENV_WORKSPACE_ID: facts.workspace,
        protocol.ENV_EXPERIMENT: facts.experiment,
        protocol.ENV_EXPERIMENT_ID: facts.experiment_id or facts.experiment,
        protocol.ENV_SERVICE_ENDPOINT: "amlpipe:",
        protocol.ENV_RUN_TOKEN: "none",
        protocol.ENV_RUN_TOKEN_EXPIRY: "4102444800",  # the year 2100: nobody should try to renew what is not there
    }


def _context(
    step: StepSpec,
    folder: StepFolder,
    facts: RunFacts,
    script: str,
    arguments: list[str],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    datasets: Mapping[str, DatasetPart],
) -> RunContext:
    return {
        "format": protocol.CONTEXT_FORMAT,
        "run": {
            "id": facts.step_run_id,
            "name": step.name,
            "number": facts.number,
            "tags": dict(facts.tags),
            "properties": dict(facts.properties),
            "url": facts.url,
            "events": [],
        },
        "parent": {
            "id": facts.run_id,
            "name": facts.pipeline or facts.run_id,
            "number": facts.parent_number,
            "tags": dict(facts.parent_tags),
            "properties": dict(facts.parent_properties),
            "url": facts.parent_url,
            "events": list(facts.parent_events),
        },
        "experiment": facts.experiment,
        "experiment_id": facts.experiment_id or facts.experiment,
        "workspace": {
            "name": facts.workspace,
            "subscription_id": facts.subscription_id,
            "resource_group": facts.resource_group,
            "location": facts.location,
            "url": facts.workspace_url,
        },
        "inputs": [
            {"name": item.name, "mode": item.mode, "value": inputs[item.name], "dataset": datasets.get(item.name)}
            for item in step.inputs
            if item.is_dataset
        ],
        "outputs": [{"name": output.name, "mode": output.mode, "path": outputs[output.name]} for output in step.outputs],
        "working_folder": str(folder.code),
        "script": script,
        "arguments": arguments,
        "environment": step.environment.model_dump(mode="json"),
        "snapshot": step.source.snapshot or "",
        "target": step.compute,
        "started_at": datetime.now(UTC).isoformat(),
    }


def _list(names: Mapping[str, object]) -> str:
    return shorten(", ".join(sorted(names)) or "none", 600)
