"""How are modules published and versioned, and what does a step of one run?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.services.sources import freeze_sources
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, ParameterArgument, PythonScript, StepSpec
from airflow_amlpipe.workspace.layout import snapshot_path
from azureml.core import RunConfiguration, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.pipeline.core import Module, ModuleVersion, Pipeline, PipelineData, PipelineParameter, Volatile
from azureml.pipeline.core.graph import InputPortDef, OutputPortDef
from azureml.pipeline.steps import ModuleStep, PythonScriptStep

DATA, MODEL = InputPortDef("data", default_datastore_mode="download"), OutputPortDef("model")


@pytest.fixture
def module(ws: Workspace) -> Module:
    return Module.create(ws, "average", "of two numbers")


def publish(module: Module, **changes: Any) -> ModuleVersion:
    given = {
        "script_name": "train.py",
        "description": "initial",
        "inputs": [DATA],
        "outputs": [MODEL],
        "params": {"seed": 12},
        "arguments": ["--data", DATA, "--model", MODEL],
        "source_directory": "src",
    }
    return module.publish_python_script(**{**given, **changes})


def raw() -> PipelineData:
    data = PipelineData("raw")
    PythonScriptStep("prepare.py", name="prepare", outputs=[data], arguments=[data], source_directory="src")
    return data


def lowered(ws: Workspace, step: ModuleStep) -> StepSpec:
    (found,) = (item for item in lower_pipeline(Pipeline(ws, step), "nightly").steps if item.name == step.name)
    return found


# ---- the registry


def test_a_module_is_found_by_its_name_and_its_id(ws: Workspace, module: Module) -> None:
    for found in (Module.get(ws, name="average"), Module.get(ws, module.id), Module.get(ws, module_id=module.id)):
        assert (found.id, found.name, found.description, found.status) == (module.id, "average", "of two numbers", "Active")
    assert (module.default_version, module.get_default(), module.resolve(), module.module_version_list()) == (None, None, None, [])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give module_id or name"),
        ({"name": "mean"}, "has no module 'mean'; its modules are: average"),
        ({"module_id": "7"}, "no module with the id '7'; its modules are: average"),
    ],
)
def test_a_module_that_is_not_there_is_named_with_those_that_are(
    ws: Workspace, module: Module, given: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Module.get(ws, **given)
    with pytest.raises(ValueError, match="no version of a module with the id '7'"):
        ModuleVersion.get(ws, "7")


def test_a_name_is_one_modules(ws: Workspace, module: Module) -> None:
    with pytest.raises(ValueError, match="has a module 'average' already"):
        Module.create(ws, "average", "")
    other = Module.create(ws, "mean", "")
    with pytest.raises(ValueError, match="has a module 'average' already"):
        other.set_name("average")
    module.set_name("median")
    other.set_name("average")
    assert (Module.get(ws, name="median").id, Module.get(ws, name="average").id) == (module.id, other.id)


def test_people_who_publish_at_the_same_time_get_versions_of_their_own(module: Module) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [future.result().version for future in [pool.submit(publish, module) for _ in range(8)]]
    assert sorted(made) == [str(number) for number in range(1, 9)]


def test_a_version_is_published_once(module: Module) -> None:
    publish(module, version="1")
    with pytest.raises(ValueError, match="has a version '1' already"):
        publish(module, version="1")


def test_the_version_that_is_meant_is_the_named_the_default_the_highest_or_the_newest(module: Module) -> None:
    def meant(version: str | None = None) -> str | None:
        found = module.resolve(version)
        return None if found is None else found.version

    publish(module, version="beta")
    assert meant() == "beta"
    for version in ("1.9", "1.10", "2"):
        publish(module, version=version)
    publish(module, version="alpha")
    assert (meant(), meant("1.9"), meant("7")) == ("2", "1.9", None)
    found = module.resolve("2")
    assert found is not None
    found.disable()
    assert meant() == "1.10"
    assert module.set_default_version("beta") == "beta"
    assert (meant(), module.get_default_version()) == ("beta", "beta")
    publish(module, version="3", is_default=True)
    default = module.get_default()
    assert default is not None
    assert default.version == "3"
    with pytest.raises(ValueError, match="has no version '9'; its versions are: beta, 1.9, 1.10, 2, alpha, 3"):
        module.set_default_version("9")


def test_what_a_version_is_can_be_asked(ws: Workspace, module: Module) -> None:
    config = RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=["numpy"]))
    version = publish(module, category="statistics", runconfig=config)
    found = ModuleVersion.get(ws, version.module_version_id)
    assert (found.module_id, found.version, found.description, found.category) == (module.id, "1", "initial", "statistics")
    assert [port.name for port in found.interface.inputs] == ["data"]
    assert [port.name for port in found.interface.outputs] == ["model"]
    assert [(item.name, item.default_value) for item in found.interface.parameters] == [("seed", 12)]
    assert '"numpy"' in (found.runconfig or "")
    assert found.module().name == "average"
    found.set_description("better")
    found.deprecate()
    again = ModuleVersion.get(ws, version.module_version_id)
    assert (again.description, again.status) == ("better", "Deprecated")
    (descriptor,) = Module.get_versions(ws, "average")
    assert (descriptor.version, descriptor.module_version_id) == ("1", version.module_version_id)


def test_a_module_changes_its_status_and_description(ws: Workspace, module: Module) -> None:
    for change, status in ((module.disable, "Disabled"), (module.deprecate, "Deprecated"), (module.enable, "Active")):
        change()
        assert Module.get(ws, module.id).status == module.status == status
    module.set_description("of many")
    assert Module.get(ws, module.id).description == "of many"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"script_name": "none.py"}, "script 'none.py' is not in the source folder"),
        ({"script_name": "../train.py"}, "stay below its root"),
        ({"source_directory": "none"}, "does not exist; correct source_directory"),
        ({"inputs": ["data"]}, "'data' is no input of a module; use InputPortDef"),
        ({"outputs": [DATA]}, "is no output of a module; use OutputPortDef"),
        ({"outputs": [OutputPortDef("data")]}, "2 ports are called 'data'"),
        ({"inputs": []}, "an argument names port 'data', which is in neither"),
        ({"arguments": [["a"]]}, "use text, a number, or a port of the module"),
        ({"runconfig": "cpu"}, "runconfig must be a RunConfiguration"),
    ],
)
def test_what_cannot_be_published_is_refused_and_leaves_no_version(module: Module, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        publish(module, **changes)
    assert module.module_version_list() == []


# ---- steps


def test_a_step_runs_the_script_as_it_was_published(ws: Workspace, project: Path, module: Module) -> None:
    from airflow_amlpipe.sdk._workspace_store import open_workspace

    publish(module)
    (project / "src" / "train.py").write_text("print('edited since')\n")
    data = raw()
    spec = lower_pipeline(Pipeline(ws, ModuleStep(module, inputs_map={"data": data}, outputs_map={"model": PipelineData("m")})), "nightly")
    step = next(item for item in spec.steps if item.name == "average")
    assert step.command == PythonScript(script="train.py")
    assert step.arguments == (
        LiteralArgument(value="--data"),
        InputArgument(input="data"),
        LiteralArgument(value="--model"),
        OutputArgument(output="model"),
    )
    assert [(item.name, item.mode) for item in step.inputs] == [("data", "download")]
    assert {item.name: item.value for item in step.variables} == {"seed": LiteralArgument(value=12)}
    store = open_workspace(ws)
    assert store.store.exists(snapshot_path(step.source.snapshot or ""))
    frozen = freeze_sources(store, spec, project, limit_bytes=1 << 30, limit_files=1000)
    assert next(item for item in frozen.spec.steps if item.name == "average").source == step.source
    frozen.store(store)


def test_a_step_gives_its_own_arguments_params_and_configuration(ws: Workspace, module: Module) -> None:
    publish(module, runconfig=RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=["numpy"])))
    data, model = raw(), PipelineData("m")
    step = ModuleStep(
        module,
        inputs_map={"data": data},
        outputs_map={"model": model},
        arguments=["--in", data, "--out", model],
        params={"seed": PipelineParameter("seed", 3)},
        name="mine",
    )
    spec = lowered(ws, step)
    assert spec.arguments[1::2] == (InputArgument(input="data"), OutputArgument(output="model"))
    assert spec.variables[0].value == ParameterArgument(parameter="seed")
    assert spec.environment.pip_requirements == ("numpy",)
    assert lowered(ws, ModuleStep(module, inputs_map={"data": raw()}, runconfig=RunConfiguration())).environment.pip_requirements == ()


def test_a_pipeline_parameter_among_the_arguments_goes_before_the_value_it_was_published_with(ws: Workspace, module: Module) -> None:
    publish(module)
    arguments = ["--seed", PipelineParameter("seed", 3)]
    spec = lowered(ws, ModuleStep(module, inputs_map={"data": raw()}, arguments=arguments))
    assert (spec.arguments[1], spec.variables[0].value) == (ParameterArgument(parameter="seed"),) * 2
    assert lowered(ws, ModuleStep(module, inputs_map={"data": raw()}, arguments=(each for each in arguments))) == spec
    volatile = lowered(ws, ModuleStep(module, inputs_map={"data": raw()}, arguments=["--seed", Volatile(arguments[1])]))
    assert (volatile.arguments[1], volatile.variables[0].value) == (ParameterArgument(parameter="seed", volatile=True),) * 2
    with pytest.raises(ValueError, match="Parameter name seed is already in use: params has 4"):
        ModuleStep(module, inputs_map={"data": raw()}, arguments=arguments, params={"seed": 4})


def test_a_version_can_be_chosen_by_its_text_or_itself(ws: Workspace, module: Module) -> None:
    publish(module, version="1")
    second = publish(module, version="2", script_name="prepare.py")
    inputs = {"data": raw()}
    assert lowered(ws, ModuleStep(module, "1", inputs_map=inputs)).command == PythonScript(script="train.py")
    assert lowered(ws, ModuleStep(module, inputs_map={"data": raw()})).command == PythonScript(script="prepare.py")
    assert lowered(ws, ModuleStep(module_version=second, version="1", inputs_map={"data": raw()}, name="by id")).command == PythonScript(
        script="prepare.py"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "inputs_map: data is missing"),
        ({"inputs_map": {"datum": 1}}, "inputs_map: the module has no 'datum'; it has: data"),
        ({"inputs_map": {"data": 1}, "outputs_map": {"m": 1}}, "outputs_map: the module has no 'm'; it has: model"),
        ({"inputs_map": ["data"]}, "inputs_map must be a dictionary"),
        ({"inputs_map": {"data": PipelineData("x")}, "params": {"sed": 1}}, "params: the module has no 'sed'; it has: seed"),
        ({"version": "9"}, "has no version '9'; its versions are: 1"),
        ({"module_version": "1"}, "module_version must be a ModuleVersion"),
        ({"module": None}, "give module or module_version"),
    ],
)
def test_what_does_not_fit_the_module_is_refused(module: Module, given: dict[str, Any], message: str) -> None:
    publish(module)
    with pytest.raises(ValueError, match=message):
        ModuleStep(**{"module": module, **given})


def test_a_parameter_without_a_value_has_to_be_given(ws: Workspace, module: Module) -> None:
    publish(module, params={"seed": None}, inputs=[], arguments=[])
    with pytest.raises(ValueError, match="params: seed has no value; give one"):
        ModuleStep(module)
    assert lowered(ws, ModuleStep(module, params={"seed": 1})).variables[0].value == LiteralArgument(value=1)


def test_an_optional_input_may_be_left_out_with_its_argument(ws: Workspace, module: Module) -> None:
    port = InputPortDef("data", is_optional=True)
    publish(module, inputs=[port], arguments=[port, "x"])
    spec = lowered(ws, ModuleStep(module))
    assert (spec.inputs, spec.arguments) == ((), (LiteralArgument(value="x"),))


def test_what_is_disabled_is_refused_and_what_is_deprecated_warns(ws: Workspace, module: Module) -> None:
    version = publish(module, inputs=[], arguments=[])
    version.deprecate()
    with pytest.warns(UserWarning, match="version '1' of module 'average' is deprecated"):
        ModuleStep(module)
    version.disable()
    with pytest.raises(ValueError, match="version '1' of module 'average' is disabled"):
        ModuleStep(module)
    module.disable()
    with pytest.raises(ValueError, match="module 'average' is disabled"):
        ModuleStep(module)


def test_modules_are_not_looked_up_while_airflow_parses(ws: Workspace, module: Module, airflow_is_parsing: None) -> None:
    with pytest.raises((ValueError, DefinitionError), match="Module.get"):
        Module.get(ws, name="average")
