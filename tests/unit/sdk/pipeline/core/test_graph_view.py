"""What can be seen of a pipeline's graph?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Dataset, Workspace
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Graph, Pipeline, PipelineData, PipelineParameter, PipelineRun
from azureml.pipeline.core.graph import (
    DataSourceDef,
    DataSourceNode,
    DataType,
    InputPortDef,
    ModuleDef,
    ModuleNode,
    OutputPortDef,
    ParamDef,
)
from azureml.pipeline.steps import PythonScriptStep
from tests.unit.sdk.runs import a_run


@pytest.fixture
def graph(ws: Workspace) -> Any:
    store = ws.get_default_datastore()
    place = (PipelineParameter("where", DataPath(store, "images")), DataPathComputeBinding())
    raw = Dataset.File.from_files((store, "raw"), validate=False).as_named_input("raw").as_mount()
    rows = PipelineData("rows", pipeline_output_name="all rows")
    write = PythonScriptStep(
        "train.py",
        name="write",
        source_directory="src",
        arguments=[rows, place, raw, PipelineParameter("rate", 0.5)],
        inputs=[place],
        outputs=[rows],
        params={"note": "x"},
    )
    read = PythonScriptStep("train.py", name="read", source_directory="src", inputs=[rows, raw], version="2")
    return Pipeline(ws, [read, write]).graph


def test_steps_and_data_are_nodes(graph: Graph) -> None:
    assert [(type(node), node.node_id, node.name) for node in graph.nodes] == [
        (DataSourceNode, "data_1", "where"),
        (DataSourceNode, "data_2", "raw"),
        (ModuleNode, "write", "write"),
        (ModuleNode, "read", "read"),
    ]
    assert [node.name for node in graph.module_nodes] == ["write", "read"]
    assert [node.name for node in graph.datasource_nodes] == ["where", "raw"]
    assert graph.get_node("read") is graph.node_dict["read"] is graph.node_name_dict["read"]
    assert graph.validate() == []


def test_data_goes_along_edges(graph: Graph) -> None:
    assert [(edge.source_port.node.name, edge.source_port.name, edge.dest_port.node.name, edge.dest_port.name) for edge in graph.edges] == [
        ("where", "data", "write", "where"),
        ("raw", "data", "write", "raw"),
        ("write", "rows", "read", "rows"),
        ("raw", "data", "read", "raw"),
    ]
    port = graph.get_node("read").get_input("rows")
    assert port.incoming_edge is graph.edges[2]
    assert (port.bind_mode, port.data_reference_name, port.node.name) == ("mount", "rows", "read")


def test_a_node_says_what_it_reads_writes_and_runs(graph: Graph) -> None:
    write, read, raw = graph.get_node("write"), graph.get_node("read"), graph.get_node("data_2")
    output = write.get_output("rows")
    assert (output.datastore_name, output.bind_mode, output.pipeline_output_name) == ("workspaceblobstore", "mount", "all rows")
    assert list(write.input_dict) == ["where", "raw"]
    assert (list(write.params), write.get_param("rate").default_value) == (["rate", "note"], 0.5)
    assert {name: value.default_value for name, value in graph.params.items()} == {
        "rate": 0.5,
        "where": {"datastore": "workspaceblobstore", "path": "images"},
    }
    assert read.module_def is not None
    assert (read.module_def.name, read.module_def.version, read.module_def.allow_reuse) == ("read", "2", True)
    assert raw.datasource_def is not None
    assert (raw.datasource_def.datastore_name, raw.datasource_def.path_on_datastore) == ("workspaceblobstore", "raw")


def test_a_name_that_is_not_there_lists_those_that_are(graph: Graph) -> None:
    write = graph.get_node("write")
    for look, message in (
        (lambda: graph.get_node("x"), "graph 'pipeline' has no node 'x'; it has: data_1, data_2, write, read"),
        (lambda: write.get_input("x"), "node 'write' has no input 'x'; it has: where, raw"),
        (lambda: write.get_output("x"), "node 'write' has no output 'x'; it has: rows"),
        (lambda: write.get_param("x"), "node 'write' has no parameter 'x'; it has: rate, note"),
    ):
        with pytest.raises(UserErrorException, match=message):
            look()


def test_what_would_change_a_graph_says_what_to_do(graph: Graph) -> None:
    for change in (graph.connect, graph.get_node("read").run_after, graph.edges[0].dest_port.disconnect, graph.submit):
        with pytest.raises(UnsupportedFeatureError, match="is not supported by airflow-amlpipe; "):
            change()


def test_the_run_of_a_dag_file_has_no_graph_here(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="is one of a DAG file, whose graph Airflow keeps"):
        PipelineRun.get(ws, a_run(ws)).get_graph()


def test_a_definition_keeps_what_was_said(ws: Workspace) -> None:
    data, out = InputPortDef("data", default_datastore_mode="download"), OutputPortDef("out", is_directory=True)
    module = ModuleDef("m", input_port_defs=[data], output_port_defs=[out], param_defs=[ParamDef("p", 3)])
    assert (data.data_types, out.data_type, module.param_defs[0].default_value) == (["AnyFile", "AnyDirectory"], "AnyDirectory", 3)
    assert ModuleDef("m").calculate_hash() == ModuleDef("m").calculate_hash() != ModuleDef("m", version="2").calculate_hash()
    assert [kind.name for kind in DataType.list_data_types(ws)] == ["AnyFile", "AnyDirectory"]
    assert DataSourceDef("raw", datastore_name="lake").output_port_def.default_datastore_name == "lake"
    with pytest.raises(UserErrorException, match="the name 'a b' cannot be used"):
        InputPortDef("a b")
