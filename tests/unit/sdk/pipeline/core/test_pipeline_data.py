"""How does a step hand files to later steps under a name?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument
from azureml.core import Dataset, Datastore, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import (
    InputPortBinding,
    OutputPortBinding,
    Pipeline,
    PipelineData,
    PipelineDataset,
    PipelineParameter,
    PortDataReference,
    TrainingOutput,
)
from azureml.pipeline.core.builder import PipelineData as OfBuilder
from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset
from azureml.pipeline.steps import PythonScriptStep


def step(name: str = "train", **changes: Any) -> PythonScriptStep:
    return PythonScriptStep(**{"script_name": "train.py", "name": name, "source_directory": "src", **changes})


def lowered(ws: Workspace, *steps: Any) -> PipelineSpec:
    return lower_pipeline(Pipeline(ws, list(steps)), "nightly")


def writer_and_reader(ws: Workspace, data: Any, given: Any = None, **changes: Any) -> PipelineSpec:
    given = data if given is None else given
    return lowered(ws, step("write", outputs=[data], arguments=["--out", data]), step("read", inputs=[given], **changes))


def test_it_is_one_class_wherever_it_is_imported_from() -> None:
    assert OfBuilder is PipelineData


def test_its_text_is_the_variable_of_its_path() -> None:
    data = PipelineData("rows", output_name="out")
    assert (str(data), data.get_env_variable_name(), data.name, data.datastore) == (*["$AZUREML_DATAREFERENCE_out"] * 2, "rows", None)


def test_what_one_step_writes_another_reads(ws: Workspace) -> None:
    data = PipelineData("rows", datastore=Datastore.get(ws, "workspacefilestore"), output_name="out", pipeline_output_name="all rows")
    spec = writer_and_reader(ws, data, arguments=["--in", data])
    write, read = spec.steps
    output = write.outputs[0]
    assert (output.name, output.datastore, output.is_made, output.pipeline_output) == ("out", "workspacefilestore", False, "all rows")
    assert write.arguments == (LiteralArgument(value="--out"), OutputArgument(output="out"))
    assert (read.inputs[0].name, read.inputs[0].mode) == ("rows", "mount")
    assert read.inputs[0].source == StepOutputSource(step="write", output="out")
    assert read.arguments == (LiteralArgument(value="--in"), InputArgument(input="rows"))


def test_its_writer_is_pulled_into_the_pipeline(ws: Workspace) -> None:
    data = PipelineData("rows")
    step("write", outputs=[data])
    assert [item.name for item in lowered(ws, step("read", inputs=[data])).steps] == ["read", "write"]


@pytest.mark.parametrize(
    ("bind", "name", "mode", "path"),
    [
        (lambda data: data.as_input("in"), "in", "mount", None),
        (lambda data: data.as_mount("in"), "in", "mount", None),
        (lambda data: data.as_mount(), "rows", "mount", None),
        (lambda data: data.as_download("in", "here"), "in", "download", "here"),
        (lambda data: data.create_input_binding("in", "download"), "in", "download", None),
        (lambda data: InputPortBinding("in", bind_object=data, bind_mode="download"), "in", "download", None),
        (lambda data: InputPortBinding("in", data).as_resource(), "in", "download", "in"),
        (lambda data: data.as_dataset(), "rows", "mount", None),
        (lambda data: data.as_dataset().as_named_input("in").as_download("here"), "in", "download", "here"),
        (lambda data: data.as_dataset().as_direct(), "rows", "direct", None),
    ],
)
def test_it_is_read_as_its_binding_says(ws: Workspace, bind: Any, name: str, mode: str, path: str | None) -> None:
    data = PipelineData("rows")
    given = bind(data)
    read = writer_and_reader(ws, data, given, arguments=[given]).steps[1]
    assert [(item.name, item.mode, item.path_on_compute) for item in read.inputs] == [(name, mode, path)]
    assert read.arguments == (InputArgument(input=name),)


def test_the_same_dataset_is_output_argument_and_input(ws: Workspace) -> None:
    data = PipelineData("rows").as_dataset()
    write, read = writer_and_reader(ws, data, arguments=[data]).steps
    assert write.arguments[1] == OutputArgument(output="rows")
    assert read.arguments == (InputArgument(input="rows"),)


def test_the_data_itself_is_an_argument_where_a_binding_of_it_is_an_input(ws: Workspace) -> None:
    data = PipelineData("rows")
    assert writer_and_reader(ws, data, data.as_input("in"), arguments=[data]).steps[1].arguments == (InputArgument(input="in"),)


def test_registering_counts_whichever_object_the_step_is_given(ws: Workspace) -> None:
    for give in (lambda data, _: data, lambda _, dataset: dataset):
        data = PipelineData("rows")
        dataset = data.as_dataset()
        assert dataset.register("all rows") is dataset
        assert lowered(ws, step(outputs=[give(data, dataset)])).steps[0].outputs[0].register_as == RegistrationSpec(name="all rows")


def test_a_version_that_is_none_cannot_be_registered() -> None:
    with pytest.raises(UserErrorException, match=r"PipelineData 'rows': register\('a', create_new_version=False\) cannot be done"):
        PipelineData("rows").as_dataset().register("a", create_new_version=False)


def test_an_output_binding_is_an_output_of_its_own(ws: Workspace) -> None:
    written = OutputPortBinding("rows", output_name="out", bind_mode="upload", path_on_compute="results")
    read = step("read", inputs=[InputPortBinding("in", written)])
    spec = lowered(ws, step("write", outputs=[written], arguments=[written]), read)
    assert (spec.steps[0].outputs[0].name, spec.steps[0].outputs[0].mode, spec.steps[0].outputs[0].source) == ("out", "upload", "results")
    assert spec.steps[1].inputs[0].source == StepOutputSource(step="write", output="out")


def test_an_input_called_as_an_output_is_renamed(ws: Workspace) -> None:
    first, second = PipelineData("rows"), PipelineData("rows")
    spec = lowered(ws, step("write", outputs=[first]), step("both", inputs=[first], outputs=[second], arguments=[first, second]))
    assert [item.name for item in spec.steps[1].inputs] == ["INPUT_rows"]
    assert spec.steps[1].arguments == (InputArgument(input="INPUT_rows"), OutputArgument(output="rows"))


def test_lists_keep_the_authors_objects(ws: Workspace) -> None:
    data = PipelineData("rows")
    arguments, inputs = ["--in", data], [data]
    step("read", arguments=arguments, inputs=inputs)
    assert (arguments, inputs) == (["--in", data], [data])


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data,
        lambda data: data.as_dataset(),
        lambda data: data.as_input("in"),
        lambda data: OutputPortBinding("x"),
    ],
)
def test_what_stands_in_arguments_has_to_be_in_inputs_or_outputs(ws: Workspace, make: Any) -> None:
    with pytest.raises(ValueError, match=r"step 'train': argument 2: .* must be in inputs=\[...\].* of the step as well; add it there"):
        step(arguments=["--in", make(PipelineData("rows"))])


def test_an_output_of_two_steps_is_refused(ws: Workspace) -> None:
    data = PipelineData("rows")
    with pytest.raises(DefinitionError, match="output 'rows' is output 'rows' of step 'a' as well; .* make one PipelineData for each step"):
        lowered(ws, step("a", outputs=[data]), step("b", outputs=[data]))


def test_an_input_that_nobody_writes_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="input 'rows' is an output \\(rows\\) that no step of the pipeline writes"):
        lowered(ws, step(inputs=[PipelineData("rows")]))


def test_two_inputs_of_one_name_are_refused(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="2 inputs are called 'rows'; give each its own name"):
        step(inputs=[PipelineData("rows"), PipelineData("rows")])


def test_a_reference_bound_to_a_port_is_read_under_the_ports_name(ws: Workspace) -> None:
    reference = DataReference(Datastore.get(ws, "workspaceblobstore"), "raw", "a")
    read = lowered(ws, step(inputs=[InputPortBinding("in", reference, "download")], arguments=[reference])).steps[0]
    assert (read.inputs[0].name, read.inputs[0].mode, read.arguments) == ("in", "download", (InputArgument(input="in"),))


@pytest.mark.parametrize("kind", ["rows", 3, "dataset", "output"])
def test_what_no_port_can_read_is_refused(ws: Workspace, kind: Any) -> None:
    data: dict[Any, Any] = {"dataset": Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "a"), validate=False)}
    with pytest.raises(UserErrorException, match="input 'in': bind_object .* is nothing a port can read"):
        step(inputs=[InputPortBinding("in", data.get(kind, kind))])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PipelineData(""), "name '' cannot be used"),
        (lambda: PipelineData("a b"), "the name 'a b' cannot be used"),
        (lambda: PipelineData("a", output_mode="hdfs"), "mode 'hdfs' is not known; use one of: mount, upload"),
        (lambda: PipelineData("a", datastore="lake"), "datastore 'lake' is no Datastore"),
        (lambda: PipelineData("a").create_input_binding("b", "copy"), "mode 'copy' is not known; use one of: mount, download, direct"),
        (lambda: InputPortBinding("a"), "bind_object is missing"),
        (lambda: InputPortBinding("a", PipelineData("b"), mode="mount"), "arguments mode are not known"),
        (lambda: OutputPortBinding("a", dataset_output=OutputFileDatasetConfig("o")), "give the OutputFileDatasetConfig itself"),
        (lambda: TrainingOutput("Other"), "type 'Other' is not known; use one of: Model, Metrics"),
        (lambda: TrainingOutput("Model", iteration=1, metric="auc"), "iteration and metric both choose a model"),
        (lambda: PipelineOutputFileDataset("rows"), "is no PipelineData"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_where_it_is_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_port_can_be_described_anew() -> None:
    binding = PipelineData("rows", data_type="csv").as_input("in")
    binding.name, binding.bind_mode, binding.path_on_compute = "other", "download", "here"
    assert (binding.name, binding.bind_mode, binding.path_on_compute) == ("other", "download", "here")
    assert (binding.data_reference_name, binding.data_type) == ("rows", "csv")
    with pytest.raises(UserErrorException, match="mode 'x' is not known"):
        binding.bind_mode = "x"


def test_it_is_read_as_a_table_in_direct_mode() -> None:
    files = PipelineData("rows").as_dataset().as_named_input("table")
    table = files.parse_delimited_files(separator=";", file_extension=".csv", quoted_line_breaks=True).keep_columns(["n"])
    binding = table.create_input_binding()
    assert (binding.name, binding.bind_mode) == ("table", "direct")
    told = binding.additional_transformations
    assert (told["kind"], told["path_glob"], told["reading"]["separator"], told["reading"]["support_multi_line"]) == (
        "tabular",
        "*.csv",
        ";",
        True,
    )
    first, second = table.random_split(0.5, seed=1)
    assert [part.create_input_binding().additional_transformations["operations"][-1]["part"] for part in (first, second)] == [
        "first",
        "second",
    ]
    assert files.parse_parquet_files().drop_columns("n").create_input_binding().additional_transformations["path_glob"] == "*.parquet"


# ---- datasets behind ports, and outputs of earlier runs


def test_a_dataset_is_read_through_a_port(ws: Workspace) -> None:
    rows = Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "a"), validate=False).register(ws, "2024 rows")
    wrapped = PipelineDataset.create(rows)
    assert (wrapped.name, wrapped.dataset_version, wrapped.saved_dataset_id, wrapped.workspace) == ("_2024_rows", 1, rows.id, ws)
    port = InputPortBinding("in", wrapped, "download")
    read = lowered(ws, step(inputs=[port, wrapped], arguments=[wrapped])).steps[0]
    assert [(item.name, item.mode) for item in read.inputs] == [("in", "download"), ("_2024_rows", "mount")]
    assert all(getattr(item.source, "name", None) == "2024 rows" for item in read.inputs)
    assert read.arguments == (InputArgument(input="_2024_rows"),)


def test_a_dataset_behind_a_port_can_be_a_parameter(ws: Workspace) -> None:
    rows = Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "a"), validate=False)
    spec = lowered(ws, step(inputs=[PipelineDataset(rows, "rows", parameter_name="which")]))
    assert [parameter.name for parameter in spec.parameters] == ["which"]


def test_what_is_no_dataset_is_not_wrapped() -> None:
    with pytest.raises(UserErrorException, match="PipelineDataset: 'rows' of type str is no dataset"):
        PipelineDataset("rows")


def test_an_output_of_an_earlier_run_is_an_input(ws: Workspace) -> None:
    reference = DataReference(Datastore.get(ws, "workspaceblobstore"), "rows", "azureml/some-run/rows")
    earlier = PortDataReference(ws, "some-run", reference)
    read = lowered(ws, step(inputs=[earlier.as_download("in"), earlier.as_mount()], arguments=[earlier])).steps[0]
    assert [(item.name, item.mode) for item in read.inputs] == [("in", "download"), ("rows", "mount")]
    assert read.inputs[0].source == DatasetSource(
        paths=(DatastorePath(datastore="workspaceblobstore", path="azureml/some-run/rows"),), is_place=True
    )


# ---- run settings


def test_counts_of_run_settings_can_be_parameters(ws: Workspace) -> None:
    counts = {"NodeCount": PipelineParameter("nodes", 2), "MpiProcessCountPerNode": PipelineParameter("processes", 4)}
    spec = lowered(ws, step(runconfig_pipeline_params=counts))
    assert spec.steps[0].run_settings.parameters == {"node_count": "nodes", "processes_per_node": "processes"}
    assert [(item.name, item.type, item.default) for item in spec.parameters] == [("nodes", "integer", 2), ("processes", "integer", 4)]
    assert spec.steps[0].parameters == ()


def test_a_count_is_never_volatile(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="PipelineParameter 'nodes' is volatile, but run settings always count"):
        lowered(ws, step(runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 2, volatile=True)}))


@pytest.mark.parametrize("name", ["2024_data", "données"])
def test_any_letters_and_a_digit_first_name_data_as_in_sdk_v1(ws: Workspace, name: str) -> None:
    data = PipelineData(name)
    prepare, train = step("prepare", outputs=[data], arguments=[data]), step("train", inputs=[data], arguments=[data])
    first, second = lowered(ws, prepare, train).steps
    assert (first.outputs[0].name, second.inputs[0].name, second.arguments) == (name, name, (InputArgument(input=name),))
    with pytest.raises(UserErrorException, match="OutputFileDatasetConfig: the name .* cannot be used; use the letters a to z"):
        OutputFileDatasetConfig(name)
