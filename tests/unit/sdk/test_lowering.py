"""What does a pipeline specification hold of what an author wrote, and what is refused on the way?"""

from __future__ import annotations

import json
import warnings
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import CycleError, DefinitionError, UnknownNameError
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.sdk.lowering_environment import lower_environment
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, ParameterSource
from airflow_amlpipe.spec.document import dump_pipeline, load_pipeline
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, StepSpec, TextArgument
from airflow_amlpipe.spec.workspace import WorkspaceNames
from azureml.core import Dataset, Datastore, Environment, RunConfiguration, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.data import DataReference, OutputFileDatasetConfig
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineStep, StepSequence, Volatile
from azureml.pipeline.steps import PythonScriptStep

GOLDEN = Path(__file__).parents[2] / "golden/specs"


def step(name: str = "train", **changes: Any) -> PythonScriptStep:
    return PythonScriptStep(**{"script_name": "train.py", "name": name, "source_directory": "src", **changes})


def lowered(ws: Workspace, *steps: Any, **changes: Any) -> PipelineSpec:
    return lower_pipeline(Pipeline(ws, list(steps), **changes), "nightly")


def only(ws: Workspace, **changes: Any) -> StepSpec:
    return lowered(ws, step(**changes)).steps[0]


def files(ws: Workspace, path: str = "images") -> Any:
    return Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), path), validate=False)


# ---- reviewed specifications: a change there is a change of behaviour


def two_steps(ws: Workspace) -> Pipeline:
    store = ws.get_default_datastore()
    config = RunConfiguration()
    config.environment = Environment("digits")
    config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["scikit-learn==1.9.1", "azureml-defaults"])
    config.environment.environment_variables = {"OMP_NUM_THREADS": "1"}
    prepared = OutputFileDatasetConfig(destination=(store, "prepared/{run-id}")).register_on_complete("prepared", "rows", {"stage": "raw"})
    PythonScriptStep(
        "prepare.py",
        arguments=["--input", files(ws).as_named_input("raw").as_download(), "--output", prepared],
        source_directory="src",
        runconfig=config,
    )
    model = OutputFileDatasetConfig("model").as_upload(overwrite=True, source_globs=["*.bin"])
    train = PythonScriptStep(
        "train.py",
        name="train it",
        arguments=[
            "--data",
            prepared.as_input(),
            "--rate",
            PipelineParameter("rate", 0.5),
            "--model",
            model,
            "--shuffle",
            True,
            "--seed",
            7,
        ],
        params={"note": PipelineParameter("note", "none"), "limit": 10},
        source_directory="src",
        allow_reuse=False,
        version="2",
    )
    return Pipeline(ws, [train], description="two steps")


def ordered(ws: Workspace) -> Pipeline:
    first, second, third, last = step("a"), step("b"), step("c"), step("d")
    last.run_after(first)
    return Pipeline(ws, [StepSequence([first, [second, third]]), last])


def references(ws: Workspace) -> Pipeline:
    named = DatasetConsumptionConfig("newest", (ws, "images"), mode="mount", path_on_compute="/data/images")
    exact = DatasetConsumptionConfig("third", (ws, "images", 3))
    raw = DataReference(Datastore.get(ws, "workspacefilestore"), "raw", "dump/a.csv", mode="download")
    return Pipeline(ws, step(inputs=[named, exact, raw], arguments=["--raw", raw]))


def ports(ws: Workspace) -> Pipeline:
    store = Datastore.get(ws, "workspaceblobstore")
    place = (PipelineParameter("where", DataPath(store, "raw")), DataPathComputeBinding("download", "here"))
    data = DatasetConsumptionConfig("data", PipelineParameter("which", files(ws))).as_mount()
    rows = PipelineData("rows", store, output_name="out", output_mode="upload", pipeline_output_name="all rows")
    rows.as_dataset().register("rows")
    write = step("write", inputs=[place], outputs=[rows], arguments=[place, data, rows, f"--log={rows}/log"])
    counts = {"NodeCount": PipelineParameter("nodes", 2)}
    read = step("read", inputs=[rows.as_download("in")], arguments=[rows], runconfig_pipeline_params=counts)
    return Pipeline(ws, [write, read])


@pytest.mark.parametrize("make", [two_steps, ordered, references, ports])
def test_a_pipeline_lowers_to_its_reviewed_specification(ws: Workspace, make: Any) -> None:
    spec = lower_pipeline(make(ws), "nightly")
    golden = GOLDEN / f"{make.__name__}.json"
    assert json.loads(dump_pipeline(spec)) == json.loads(golden.read_text())
    assert load_pipeline(golden.read_text()) == spec


def test_building_the_same_pipeline_twice_gives_the_same_specification(ws: Workspace) -> None:
    assert dump_pipeline(lower_pipeline(two_steps(ws), "x")) == dump_pipeline(lower_pipeline(two_steps(ws), "x"))


# ---- names


def test_unnamed_inputs_and_outputs_are_named_by_their_place(ws: Workspace) -> None:
    out, named = OutputFileDatasetConfig(), OutputFileDatasetConfig("output_3")
    spec = only(ws, arguments=[files(ws, "a").as_mount(), files(ws, "b").as_named_input("b"), named, out, OutputFileDatasetConfig()])
    assert [item.name for item in spec.inputs] == ["input_1", "b"]
    assert [item.name for item in spec.outputs] == ["output_3", "output_2", "output_3_"]


def test_an_input_with_the_name_of_an_output_is_renamed(ws: Workspace) -> None:
    spec = only(ws, arguments=[files(ws).as_named_input("data").as_mount(), OutputFileDatasetConfig("data")])
    assert [item.name for item in spec.inputs] == ["INPUT_data"]
    assert spec.arguments[0].input == "INPUT_data"  # type: ignore[union-attr]


def test_steps_of_one_name_get_different_ids(ws: Workspace) -> None:
    spec = lowered(ws, step("train"), step("train"), step("train_2"), step("train"))
    assert [item.id for item in spec.steps] == ["train", "train_2", "train_2_2", "train_3"]
    assert {item.name for item in spec.steps} == {"train", "train_2"}


def test_a_step_without_a_name_has_its_scripts(ws: Workspace) -> None:
    assert only(ws, name=None).name == "train.py"


# ---- values


class Size(IntEnum):
    SMALL = 3


@pytest.mark.parametrize(
    ("given", "kept"), [(1, 1), (True, True), (0.5, 0.5), ("1", "1"), ("", ""), (Size.SMALL, 3), (Path("a/b"), "a/b")], ids=repr
)
def test_an_argument_keeps_its_type(ws: Workspace, given: Any, kept: Any) -> None:
    value = only(ws, arguments=[given]).arguments[0].value  # type: ignore[union-attr]
    assert value == kept
    assert type(value) is type(kept)


def test_a_parameter_used_twice_is_declared_once(ws: Workspace) -> None:
    spec = lowered(ws, step("a", arguments=[PipelineParameter("p", 1)]), step("b", params={"p": PipelineParameter("p", 1)}))
    assert [(item.name, item.type, item.default) for item in spec.parameters] == [("p", "integer", 1)]


@pytest.mark.parametrize("others", [2, True, 1.0, "1"], ids=repr)
def test_two_defaults_for_one_parameter_are_refused(ws: Workspace, others: Any) -> None:
    with pytest.raises(DefinitionError, match=r"step 'b': argument 1: PipelineParameter 'p' has the default .*elsewhere.* different names"):
        lowered(ws, step("a", arguments=[PipelineParameter("p", 1)]), step("b", arguments=[PipelineParameter("p", others)]))


RATE = PipelineParameter("rate", 0.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": [f"--rate={RATE}"]},
        {"params": {"rate": "x" + str(RATE)}},
        {"arguments": [OutputFileDatasetConfig("o", destination=("workspaceblobstore", f"out/{RATE}"))]},
        {"script_name": "train.py", "arguments": [OutputFileDatasetConfig("o").register_on_complete(f"d-{RATE}")]},
    ],
    ids=["argument", "params", "destination", "dataset name"],
)
def test_a_parameter_in_an_f_string_is_refused(ws: Workspace, changes: dict[str, Any]) -> None:
    with pytest.raises(
        DefinitionError, match=r"PipelineParameter 'rate', turned into text .*give the (PipelineParameter itself|parameter to the script)"
    ):
        only(ws, **changes)


def test_text_that_names_an_input_or_output_of_the_step_has_its_path_there(ws: Workspace) -> None:
    """SDK v1's service read its markers wherever they stood, in a list of arguments that it had changed as in an f-string."""
    raw, model = files(ws).as_named_input("raw").as_mount(), OutputFileDatasetConfig("model")
    same = files(ws).as_named_input("model").as_mount()  # of one name with the output, which SDK v1 set apart
    arguments = [f"folder={model.arg_val}", f"{raw}/a.csv", same.arg_val]
    assert only(ws, arguments=arguments, inputs=[raw, same], outputs=[model]).arguments == (
        TextArgument(parts=(LiteralArgument(value="folder="), OutputArgument(output="model"))),
        TextArgument(parts=(InputArgument(input="raw"), LiteralArgument(value="/a.csv"))),
        TextArgument(parts=(InputArgument(input="INPUT_model"),)),
    )
    lists = {"arguments": ["--raw", raw], "inputs": [raw]}
    specs = lowered(ws, step("a", **lists), step("b", **lists)).steps
    assert specs[0].arguments[1] == InputArgument(input="raw")
    assert specs[1].arguments[1] == TextArgument(parts=(InputArgument(input="raw"),))
    with pytest.raises(UserErrorException, match=r"OutputFileDatasetConfig\.arg_val: it has no name .*give it one"):
        OutputFileDatasetConfig().arg_val  # noqa: B018
    with pytest.raises(UserErrorException, match=r"DatasetConsumptionConfig\.arg_val: it has no name .*give it one"):
        model.as_input().arg_val  # noqa: B018


def test_an_input_or_output_in_an_f_string_is_refused(ws: Workspace) -> None:
    for thing in (files(ws).as_named_input("data"), OutputFileDatasetConfig("o")):
        with pytest.raises(DefinitionError, match=r"argument 1 is .* which holds the input or output .*, turned into text"):
            only(ws, arguments=[f"--data={thing}"])


def test_a_reference_or_pipeline_data_in_an_f_string_is_its_path(ws: Workspace) -> None:
    """SDK v1 wrote the variable of the path there, which its service read."""
    raw, rows = DataReference(ws.get_default_datastore(), "raw"), PipelineData("rows")
    spec = only(ws, arguments=[f"--data={raw}/a.csv", f"{rows}", str(rows) + "/${HOME}"], inputs=[raw], outputs=[rows])
    assert spec.arguments == (
        TextArgument(parts=(LiteralArgument(value="--data="), InputArgument(input="raw"), LiteralArgument(value="/a.csv"))),
        TextArgument(parts=(OutputArgument(output="rows"),)),
        TextArgument(parts=(OutputArgument(output="rows"), LiteralArgument(value="/${HOME}"))),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--data={}", r"argument 1 reads \$AZUREML_DATAREFERENCE_raw, and the step has no input or output 'raw'; add it to inputs"),
        ("{}/PipelineParameter_Name:level_Default:x", "argument 1 .* which holds PipelineParameter 'level'"),
    ],
)
def test_an_f_string_of_what_the_step_does_not_have_is_refused(ws: Workspace, text: str, message: str) -> None:
    raw = DataReference(ws.get_default_datastore(), "raw")
    with pytest.raises(DefinitionError, match=message):
        only(ws, arguments=[text.format(raw)], inputs=[raw] if "level" in text else None)


def test_one_list_of_arguments_for_two_steps_is_refused(ws: Workspace) -> None:
    arguments = ["--out", OutputFileDatasetConfig("o")]
    first = step("a", arguments=arguments)
    second = step("b", arguments=arguments)
    with pytest.raises(DefinitionError, match=r"step 'b': argument 2 is 'DatasetOutputConfig:o'.* each step a list of its own"):
        lowered(ws, first, second)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(ws: Workspace, value: float) -> None:
    with pytest.raises(DefinitionError, match="argument 1 is .* no number"):
        only(ws, arguments=[value])


# ---- data


@pytest.mark.parametrize(
    ("destination", "datastore", "template"),
    [
        (None, "workspaceblobstore", None),
        (("workspacefilestore",), "workspacefilestore", None),
        (("workspacefilestore", "a/{run-id}"), "workspacefilestore", "a/{run-id}"),
        (("workspaceblobstore", "/dataset/{output-name}"), "workspaceblobstore", "/dataset/{output-name}"),
    ],
)
def test_a_destination_is_a_datastore_and_a_template(ws: Workspace, destination: Any, datastore: str, template: str | None) -> None:
    output = only(ws, arguments=[OutputFileDatasetConfig("o", destination=destination)]).outputs[0]
    assert (output.datastore, output.destination) == (datastore, template)


def test_a_bare_datastore_is_a_destination(ws: Workspace) -> None:
    output = only(ws, arguments=[OutputFileDatasetConfig("o", destination=Datastore.get(ws, "workspacefilestore"))]).outputs[0]
    assert (output.datastore, output.destination) == ("workspacefilestore", None)


@pytest.mark.parametrize("path", ["../x", "a/../../b", "s3://other/x", "{run-id}/../..", "a\nb", "C:/x"])
def test_a_destination_that_leaves_its_datastore_is_refused(ws: Workspace, path: str) -> None:
    with pytest.raises(DefinitionError, match="step 'train': output 'o': destination: .*must be relative"):
        only(ws, arguments=[OutputFileDatasetConfig("o", destination=("workspaceblobstore", path))])


@pytest.mark.parametrize("path", ["{run_id}", "{run.__class__}", "{}", "{", "x/{experiment}"])
def test_an_unknown_place_holder_is_refused(ws: Workspace, path: str) -> None:
    with pytest.raises(DefinitionError, match=r"output 'o': destination .* place-holder .*only \{run-id\} and \{output-name\} are known"):
        only(ws, arguments=[OutputFileDatasetConfig("o", destination=("workspaceblobstore", path))])


def test_the_pipelines_default_datastore_takes_outputs_without_a_destination(ws: Workspace) -> None:
    pipeline = Pipeline(ws, step(arguments=[OutputFileDatasetConfig("o")]), default_datastore=Datastore.get(ws, "workspacefilestore"))
    assert lower_pipeline(pipeline, "x").steps[0].outputs[0].datastore == "workspacefilestore"


def test_two_producers_of_one_output_are_refused(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    with pytest.raises(DefinitionError, match=r"step 'b': output 'o' is output 'o' of step 'a' as well; an output has one producer"):
        lowered(ws, step("a", arguments=[output]), step("b", arguments=[output.as_upload()]))


def test_two_steps_may_write_to_one_fixed_place(ws: Workspace) -> None:
    one, other = (OutputFileDatasetConfig("o", destination=("workspaceblobstore", "same")) for _ in range(2))
    spec = lowered(ws, step("a", arguments=[one]), step("b", arguments=[other]))
    assert [(item.outputs[0].destination, item.outputs[0].shares_place) for item in spec.steps] == [("same", True), ("same", True)]


def test_an_input_that_nobody_writes_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match=r"step 'b': input 'data' is an output \(o\) that no step of the pipeline writes"):
        lowered(ws, step("b", arguments=[OutputFileDatasetConfig("o").as_input("data")]))


def test_any_copy_of_an_output_links_to_the_step_that_writes_it(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    writer = step("a", arguments=[output.as_upload().register_on_complete("data")])
    spec = lowered(ws, step("b", inputs=[output.as_mount()]))
    assert [item.id for item in spec.steps] == ["b", "a"]
    assert spec.steps[0].inputs[0].source.model_dump() == {"kind": "step_output", "step": "a", "output": "o"}
    assert writer.name == "a"


def test_a_dropped_registration_is_warned_of(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    output.register_on_complete("prepared")
    with pytest.warns(UserWarning, match=r"output 'o' is not registered: register_on_complete\('prepared'\) returns a copy"):
        only(ws, arguments=[output])


def test_a_used_registration_is_not_warned_of(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o").register_on_complete("prepared", tags={"rows": 3})  # type: ignore[dict-item]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registration = only(ws, arguments=[output]).outputs[0].register_as
    assert registration is not None
    assert (registration.name, registration.tags) == ("prepared", {"rows": "3"})


@pytest.mark.parametrize("name", ["a/b", "x" * 300, "a\nb", "a*", "[a]", "..", " "])
def test_a_dataset_name_that_cannot_be_registered_is_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(DefinitionError, match="cannot be (registered|used)"):
        only(ws, arguments=[OutputFileDatasetConfig("o").register_on_complete(name)])


# ---- one workspace


def test_a_pipeline_knows_what_its_workspace_is_called_and_no_key_of_a_step_does(ws: Workspace) -> None:
    spec, renamed = (lowered(workspace, step()) for workspace in (ws, Workspace("", None, "nick", _root=ws._url)))  # type: ignore[arg-type]
    assert spec.workspace == WorkspaceNames(name="team", subscription_id="subscription", resource_group="group")
    assert renamed.workspace == WorkspaceNames(name="nick")
    assert spec.steps == renamed.steps


@pytest.mark.parametrize("ids", [("a\0", "g"), ("s", "g\n")])
def test_names_of_a_workspace_that_no_variable_can_hold_are_refused(ws: Workspace, ids: tuple[str, str]) -> None:
    with pytest.raises(DefinitionError, match="workspace: (subscription_id|resource_group): the name .* cannot be used"):
        lowered(Workspace(*ids, "team"), step())


def dataset_of(b: Workspace) -> Any:
    return files(b).as_named_input("data").as_mount()


def registered_in(b: Workspace) -> Any:
    return files(b).register(b, "images").as_named_input("data").as_mount()


def named_in(b: Workspace) -> Any:
    return DatasetConsumptionConfig("data", (b, "images"))


def output_on(b: Workspace) -> Any:
    return OutputFileDatasetConfig("data", destination=(b.get_default_datastore(), "x"))


@pytest.mark.parametrize("make", [dataset_of, registered_in, named_in, output_on])
def test_data_of_another_workspace_is_refused(ws: Workspace, make: Any) -> None:
    with pytest.raises(
        DefinitionError, match=r"step 'train': (input|output) 'data'.* is of workspace 'b' \(file:.*/b\).*used in workspace 'team'"
    ):
        only(ws, arguments=[make(Workspace("", "", "b"))])


def test_a_reference_a_default_datastore_and_a_compute_target_of_another_workspace_are_refused(ws: Workspace) -> None:
    b = Workspace("", "", "b")
    ComputeTarget.create(b, "cpu", AmlCompute.provisioning_configuration("Standard_D2"))
    for wanted, make in (
        (
            "input 'raw': datastore 'workspacefilestore'",
            lambda: only(ws, inputs=[DataReference(Datastore.get(b, "workspacefilestore"), "raw")]),
        ),
        ("default_datastore", lambda: lowered(ws, step(outputs=[OutputFileDatasetConfig()]), default_datastore=b.get_default_datastore())),
        ("compute target 'cpu'", lambda: only(ws, compute_target=ComputeTarget(b, "cpu"))),
    ):
        with pytest.raises(DefinitionError, match=rf"{wanted}.* is of workspace 'b'.*Datastore.register\("):
            make()


def test_the_root_says_which_workspace_it_is(ws: Workspace) -> None:
    same = Workspace("other", "ids", "nick", _root=ws._url + "/")
    assert only(ws, arguments=[dataset_of(same)]).inputs[0].name == "data"


def test_data_of_another_workspace_is_refused_in_a_dag_file_too(ws: Workspace, airflow_is_parsing: None) -> None:
    with pytest.raises(DefinitionError, match="is of workspace 'b'"):
        only(ws, arguments=[Dataset.get_by_name(Workspace("", "", "b"), "images").as_named_input("data").as_mount()])


def test_a_reference_in_upload_mode_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="mode 'upload' is no input"):
        only(ws, inputs=[DataReference(ws.get_default_datastore(), "raw", mode="upload")])


# ---- order


def test_each_element_of_a_sequence_waits_for_all_of_the_one_before(ws: Workspace) -> None:
    a, b, c, d = (step(name) for name in "abcd")
    spec = lowered(ws, StepSequence([a, [b, c], StepSequence([]), d]))
    assert {item.id: item.run_after for item in spec.steps} == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_a_cycle_is_refused_in_sdk_v1s_words_and_ours(ws: Workspace) -> None:
    a, b = step("a"), step("b")
    a.run_after(b)
    b.run_after(a)
    with pytest.raises(CycleError, match=r"Cycle detected including node [ab]\([ab]\): pipeline 'nightly': cycle detected: .*remove one"):
        lowered(ws, a)


def test_a_step_that_runs_after_one_outside_the_pipeline_is_refused(ws: Workspace) -> None:
    a, b = step("a"), step("b")
    a.run_after(b)
    with pytest.raises(DefinitionError, match=r"step 'a' runs after step 'b', which is not in the pipeline; add it to steps"):
        lowered(ws, a, resolve_closure=False)


def test_a_pipeline_without_steps_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="has no steps; add at least one"):
        lowered(ws)


def test_a_value_of_the_wrong_kind_is_refused_with_its_place(ws: Workspace) -> None:
    environment = Environment("e")
    environment.docker.base_image = 1
    with pytest.raises(DefinitionError, match=r"^environment 'e': image: Input should be a valid string \(given: 1\)"):
        environment.register(ws)
    runconfig = RunConfiguration()
    runconfig.environment = environment
    with pytest.raises(DefinitionError, match=r"^step 'train': environment 'e': image: Input should be a valid string \(given: 1\)"):
        only(ws, runconfig=runconfig)
    odd = step()
    odd._allow_reuse = "always"  # type: ignore[assignment]
    with pytest.raises(DefinitionError, match=r"^step 'train': allow_reuse: Input should be a valid boolean \(given: 'always'\)"):
        lowered(ws, odd)
    with pytest.raises(DefinitionError, match=r"^pipeline 1: name: Input should be a valid string \(given: 1\)"):
        lower_pipeline(Pipeline(ws, step()), 1)  # type: ignore[arg-type]


def test_an_argument_that_cannot_be_written_is_refused(ws: Workspace) -> None:
    with pytest.raises(
        DefinitionError, match=r"step 'train': argument 1: '\\udcff' cannot be written as UTF-8: character 1 is half of one"
    ):
        only(ws, arguments=["\udcff"])


def test_a_bare_step_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="step 'a': a PipelineStep says not what to run; use PythonScriptStep"):
        lowered(ws, PipelineStep("a", [], []))


# ---- scripts, computes, environments


@pytest.mark.parametrize("script", ["../train.py", "/etc/passwd", "src/../../x.py", "a\nb.py"])
def test_a_script_outside_its_folder_is_refused(ws: Workspace, project: Path, script: str) -> None:
    (project / "train.py").write_text("")
    with pytest.raises(DefinitionError, match="script"):
        only(ws, script_name=script)


@pytest.mark.parametrize(
    ("compute", "runconfig_target", "name"),
    [(None, None, "local"), ("cpu", None, "cpu"), (("cpu", "AmlCompute"), None, "cpu"), (None, "gpu", "gpu"), ("cpu", "gpu", "cpu")],
)
def test_a_step_runs_on_its_compute_else_on_its_runconfigs_else_locally(
    ws: Workspace, compute: Any, runconfig_target: str | None, name: str
) -> None:
    runconfig = None
    if runconfig_target:
        runconfig = RunConfiguration()
        runconfig.target = runconfig_target
    assert only(ws, compute_target=compute, runconfig=runconfig).compute == name


def test_run_settings_come_from_the_run_configuration(ws: Workspace) -> None:
    runconfig = RunConfiguration(communicator="Mpi")
    runconfig.node_count, runconfig.mpi.process_count_per_node, runconfig.max_run_duration_seconds = 2, 4, 60
    spec = only(ws, runconfig=runconfig)
    assert (spec.run_settings.node_count, spec.run_settings.processes_per_node, spec.run_settings.communicator) == (2, 4, "Mpi")
    assert spec.timeout_seconds == 60.0


@pytest.mark.parametrize(("name", "value"), [("node_count", 0), ("node_count", "2"), ("max_run_duration_seconds", -1)])
def test_run_settings_that_cannot_be_are_refused(ws: Workspace, name: str, value: Any) -> None:
    runconfig = RunConfiguration()
    setattr(runconfig, name, value)
    with pytest.raises(DefinitionError, match=f"step 'train': runconfig.{name} must be"):
        only(ws, runconfig=runconfig)


@pytest.mark.parametrize(("total", "nodes", "each"), [(4, 2, 2), (None, 2, 1), (3, 1, 3)])
def test_the_processes_of_pytorch_are_shared_by_the_nodes(ws: Workspace, total: int | None, nodes: int, each: int) -> None:
    runconfig = RunConfiguration(communicator="Nccl")
    runconfig.pytorch.process_count, runconfig.node_count = total, nodes
    assert only(ws, runconfig=runconfig).run_settings.processes_per_node == each


@pytest.mark.parametrize(("total", "nodes"), [(3, 2), (1, 2), (5, 4)])
def test_processes_that_the_nodes_cannot_share_evenly_are_refused(ws: Workspace, total: int, nodes: int) -> None:
    runconfig = RunConfiguration(communicator="Nccl")
    runconfig.pytorch.process_count, runconfig.node_count = total, nodes
    with pytest.raises(DefinitionError, match=f"pytorch.process_count is {total}, which {nodes} nodes cannot share evenly"):
        only(ws, runconfig=runconfig)


def test_a_new_environment_asks_for_nothing(ws: Workspace) -> None:
    spec = only(ws, runconfig=RunConfiguration()).environment
    assert (spec.python_version, spec.pip_requirements, spec.conda_packages, spec.image) == (None, (), (), None)


def test_packages_of_sdk_v1_are_not_installed_and_their_pandas_is() -> None:
    environment = Environment("e")
    packages = ["azureml-sdk", "azureml-dataprep[fuse, pandas]", "azureml", "azureml_like", "numpy"]
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=packages)
    assert lower_environment(environment).pip_requirements == ("pandas", "azureml_like", "numpy")


def test_a_user_managed_environment_installs_nothing() -> None:
    environment = Environment("e")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/opt/python"
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    spec = lower_environment(environment)
    assert (spec.user_managed, spec.interpreter, spec.pip_requirements) == (True, "/opt/python", ())


def test_an_environment_given_by_name_and_version_is_the_registered_one(ws: Workspace) -> None:
    registered = Environment("MyEnvironment")
    registered.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    registered.register(ws)
    runconfig = RunConfiguration()
    runconfig.environment.name, runconfig.environment.version = "MyEnvironment", "1"
    assert only(ws, runconfig=runconfig).environment.pip_requirements == ("numpy",)


def test_an_unknown_environment_is_refused(ws: Workspace) -> None:
    runconfig = RunConfiguration()
    runconfig.environment.name, runconfig.environment.version = "MyEnvironment", "1"
    with pytest.raises(DefinitionError, match="environment 'MyEnvironment'"):
        only(ws, runconfig=runconfig)


def test_an_environment_that_only_the_workspace_knows_is_refused_while_parsing(ws: Workspace, airflow_is_parsing: None) -> None:
    runconfig = RunConfiguration()
    runconfig.environment = Environment.get(ws, "curated")
    with pytest.raises(DefinitionError, match="environment 'curated' is read from the workspace, .* define it in the file"):
        only(ws, runconfig=runconfig)


def test_problems_of_several_steps_are_all_found(ws: Workspace) -> None:
    pipeline = Pipeline(ws, [step("a", arguments=[float("nan")]), step("b", arguments=[f"{RATE}"])])
    assert [problem.split(":")[0] for problem in pipeline.validate()] == ["step 'a'", "step 'b'"]


def test_an_unknown_parameter_is_refused_by_name(ws: Workspace) -> None:
    with pytest.raises(UnknownNameError, match="has no parameter 'rat'; its parameters are: rate"):
        lowered(ws, step(arguments=[RATE])).bind_parameters({"rat": 1})


def test_a_volatile_value_is_marked_wherever_a_step_reads_it(ws: Workspace) -> None:
    build, rate = PipelineParameter("build", "b1", volatile=True), PipelineParameter("rate", 0.1)
    found = only(ws, arguments=["--build", build, Volatile(42), Volatile(rate), rate], params={"label": Volatile("x"), "seed": 7})
    assert [getattr(argument, "volatile", None) for argument in found.arguments] == [False, True, True, True, False]
    assert {name: value.volatile for name, value in found.named_values.items()} == {
        "build": True,
        "label": True,
        "rate": False,
        "seed": False,
    }


def test_a_volatile_parameter_is_declared_so_and_others_are_written_as_ever(ws: Workspace) -> None:
    spec = lowered(ws, step(arguments=[PipelineParameter("build", "b1", volatile=True), PipelineParameter("rate", 0.1)]))
    assert {parameter.name: parameter.volatile for parameter in spec.parameters} == {"build": True, "rate": False}
    written = json.loads(dump_pipeline(spec))
    assert written["parameters"][1] == {"name": "rate", "type": "number", "default": 0.1}
    assert load_pipeline(dump_pipeline(spec)) == spec


def test_one_parameter_cannot_be_volatile_in_one_place_only_by_two_declarations(ws: Workspace) -> None:
    arguments = [PipelineParameter("build", "b1", volatile=True), PipelineParameter("build", "b1")]
    with pytest.raises(DefinitionError, match="PipelineParameter 'build' is not volatile here, but is elsewhere in the pipeline; make"):
        lowered(ws, step(arguments=arguments))


def test_a_definition_that_reads_a_volatile_parameter_as_another_is_refused(ws: Workspace) -> None:
    spec = lowered(ws, step(arguments=[PipelineParameter("build", "b1", volatile=True)]))
    text = dump_pipeline(spec).replace('"parameter":"build","volatile":true', '"parameter":"build"')
    with pytest.raises(DefinitionError, match="step 'train' reads the volatile parameter 'build' as one that is not; mark"):
        load_pipeline(text)


# ---- parameters that name data


def place_of(ws: Workspace, name: str = "where", **binding: Any) -> Any:
    return (PipelineParameter(name, DataPath(Datastore.get(ws, "workspaceblobstore"), "images")), DataPathComputeBinding(**binding))


def test_a_place_is_a_parameter_and_an_input(ws: Workspace) -> None:
    place = place_of(ws, "the-place", mode="download", path_on_compute="here")
    spec = lowered(ws, step(inputs=[place], arguments=["--in", place]))
    read = spec.steps[0]
    assert spec.parameters == (
        ParameterSpec(name="the-place", type="data_path", default=DatastorePath(datastore="workspaceblobstore", path="images")),
    )
    assert [(item.name, item.mode, item.path_on_compute) for item in read.inputs] == [("the_place", "download", "here")]
    assert read.inputs[0].source == ParameterSource(parameter="the-place", holds="data_path")
    assert read.arguments[1] == InputArgument(input="the_place")
    assert load_pipeline(dump_pipeline(spec)) == spec


def test_a_dataset_is_a_parameter_and_an_input_that_is_added_by_itself(ws: Workspace) -> None:
    data = DatasetConsumptionConfig("data", PipelineParameter("which", files(ws))).as_mount()
    spec = lowered(ws, step(arguments=["--in", data]))
    default = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="images"),))
    assert spec.parameters == (ParameterSpec(name="which", type="file_dataset", default=default),)
    assert spec.steps[0].inputs[0].source == ParameterSource(parameter="which", holds="file_dataset")
    assert (spec.steps[0].inputs[0].name, spec.steps[0].inputs[0].mode) == ("data", "mount")
    assert load_pipeline(dump_pipeline(spec)) == spec


def test_a_registered_dataset_is_a_default_by_its_name_and_version(ws: Workspace) -> None:
    parameter = PipelineParameter("which", files(ws).register(ws, "digits"))
    spec = lowered(ws, step(inputs=[DatasetConsumptionConfig("data", parameter)]))
    assert spec.parameters[0].default == DatasetSource(name="digits", version=1)


def test_one_parameter_serves_several_steps(ws: Workspace) -> None:
    place = place_of(ws)
    spec = lowered(ws, step("a", inputs=[place]), step("b", inputs=[place]))
    assert len(spec.parameters) == 1


def test_two_parameters_of_one_name_that_name_other_data_are_refused(ws: Workspace) -> None:
    other = (PipelineParameter("where", DataPath(Datastore.get(ws, "workspaceblobstore"), "other")), DataPathComputeBinding())
    with pytest.raises(DefinitionError, match="has the default workspaceblobstore/other, but workspaceblobstore/images elsewhere"):
        lowered(ws, step("a", inputs=[place_of(ws)]), step("b", inputs=[other]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda ws: {"arguments": [place_of(ws)]}, r"argument 1: .* must be in inputs=\[...\] of the step as well"),
        (lambda ws: {"arguments": [place_of(ws)[0]]}, "PipelineParameter 'where' is a DataPath; give the tuple"),
        (lambda ws: {"inputs": [place_of(ws)[0]]}, "PipelineParameter 'where' is a DataPath; give the tuple"),
        (lambda ws: {"params": {"a": place_of(ws)[0]}}, "PipelineParameter 'where' is a DataPath; give the tuple"),
        (
            lambda ws: {"arguments": [PipelineParameter("p", files(ws))]},
            "PipelineParameter 'p' is a dataset; give DatasetConsumptionConfig",
        ),
        (
            lambda ws: {"inputs": [(PipelineParameter("p", "x"), DataPathComputeBinding())]},
            "is no DataPath, but a str; give the PipelineParameter",
        ),
        (lambda ws: {"inputs": [(PipelineParameter("p", DataPath()), DataPathComputeBinding())]}, "names no datastore"),
        (lambda ws: {"inputs": [place_of(ws, mode="upload")]}, "data in mode 'upload' is no input"),
    ],
)
def test_data_parameters_in_places_that_take_none_are_refused(ws: Workspace, changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lowered(ws, step(**changes(ws)))


@pytest.mark.parametrize("text", ["out/{}", "{}"])
@pytest.mark.parametrize("where", ["arguments", "destination", "source", "params", "path_on_compute", "name", "dataset", "registered"])
def test_a_parameter_turned_into_text_is_refused_by_its_name(ws: Workspace, where: str, text: str) -> None:
    literal = text.format(PipelineParameter("level", "x"))
    store = Datastore.get(ws, "workspaceblobstore")
    changes: dict[str, Any] = {
        "arguments": {"arguments": [literal]},
        "destination": {"outputs": [OutputFileDatasetConfig("o", destination=(store, literal))]},
        "source": {"outputs": [OutputFileDatasetConfig("o", source=literal)]},
        "params": {"params": {"a": literal}},
        "path_on_compute": {"inputs": [files(ws).as_mount(literal)]},
        "name": {"name": literal},
        "dataset": {"inputs": [files(ws, literal).as_mount()]},
        "registered": {"outputs": [OutputFileDatasetConfig("o").register_on_complete(literal)]},
    }
    advice = "give the parameter to the script, which makes a folder" if where == "destination" else "put the text together in the script"
    message = f"which holds PipelineParameter 'level', turned into text .*{advice}"
    with pytest.raises(ValueError, match=message):
        lowered(ws, step(**changes[where]))
