"""Which nodes does a pipeline have, and which ports of them are connected? SDK v1's view of a specification, to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._port_defs import DataSource, DataSourceDef, InputPortDef, ModuleDef, OutputPortDef, ParamDef

if TYPE_CHECKING:
    from airflow_amlpipe.spec.data import InputSpec
    from airflow_amlpipe.spec.pipeline import PipelineSpec
    from airflow_amlpipe.spec.step import StepSpec

__all__ = ["DataSourceNode", "Edge", "Graph", "InputPort", "ModuleNode", "Node", "OutputPort", "graph_of"]

FoundT = TypeVar("FoundT")

_BUILD = "the graph is there to look at; build the pipeline from steps"
_ORDER = "order the steps themselves with step.run_after(other) or a StepSequence"


class Edge:
    """Data that goes from one port to another."""

    def __init__(self, source_port: OutputPort, dest_port: InputPort) -> None:
        self.source_port = source_port
        self.dest_port = dest_port

    def __repr__(self) -> str:
        return f"Edge({self.source_port!r}, {self.dest_port!r})"


class InputPort:
    """An input of a node."""

    def __init__(self, node: Node, input_port_def: InputPortDef) -> None:
        self.node = node
        self.input_port_def = input_port_def
        self.name = input_port_def.name
        self.bind_mode = input_port_def.default_datastore_mode
        self.data_reference_name = input_port_def.default_data_reference_name or self.name
        self.data_types = input_port_def.data_types
        self.path_on_compute = input_port_def.default_path_on_compute
        self.overwrite = input_port_def.default_overwrite
        self.additional_transformations = input_port_def.additional_transformations
        self.incoming_edge: Edge | None = None

    connect = absent("InputPort.connect", _BUILD)
    disconnect = absent("InputPort.disconnect", _BUILD)

    def __repr__(self) -> str:
        return f"InputPort({self.node.name!r}, {self.name!r})"


class OutputPort:
    """An output of a node."""

    def __init__(self, node: Node, output_port_def: OutputPortDef) -> None:
        self.node = node
        self.output_port_def = output_port_def
        self.name = output_port_def.name
        self.bind_mode = output_port_def.default_datastore_mode
        self.data_type = output_port_def.data_type
        self.datastore_name = output_port_def.default_datastore_name
        self.path_on_compute = output_port_def.default_path_on_compute
        self.overwrite = output_port_def.default_overwrite
        self.dataset_output: Any = None
        # The name of the dataset that the output becomes, and of the output among those of the pipeline.
        self.dataset_registration: str | None = None
        self.pipeline_output_name: str | None = None

    connect = absent("OutputPort.connect", _BUILD)

    def __repr__(self) -> str:
        return f"OutputPort({self.node.name!r}, {self.name!r})"


class Node:
    """A step of a pipeline, or data that no step writes."""

    def __init__(self, graph: Graph, node_id: str, name: str | None = None) -> None:
        self._graph = graph
        self.node_id = node_id
        self.name = name or node_id
        self.inputs: list[InputPort] = []
        self.outputs: list[OutputPort] = []
        self.params: dict[str, ParamDef] = {}
        self.module_def: ModuleDef | None = None
        self.datasource_def: DataSourceDef | None = None

    @property
    def input_dict(self) -> dict[str, InputPort]:
        return {port.name: port for port in self.inputs}

    @property
    def output_dict(self) -> dict[str, OutputPort]:
        return {port.name: port for port in self.outputs}

    def get_input(self, name: str) -> InputPort:
        """Return an input by its name; an unknown one lists those there are."""
        return _named(f"node {self.name!r}", "input", self.input_dict, name)

    def get_output(self, name: str) -> OutputPort:
        """Return an output by its name; an unknown one lists those there are."""
        return _named(f"node {self.name!r}", "output", self.output_dict, name)

    def get_param(self, name: str) -> ParamDef:
        """Return a parameter that the node reads by its name; an unknown one lists those there are."""
        return _named(f"node {self.name!r}", "parameter", self.params, name)

    run_after = absent("Node.run_after", _ORDER)
    sequence = absent("Node.sequence", _ORDER)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.node_id!r})"


class ModuleNode(Node):
    """A step."""


class DataSourceNode(Node):
    """Data that no step of the pipeline writes."""


class Graph:
    """The nodes and edges of a pipeline. What changes a graph is not here: a pipeline is made of steps."""

    def __init__(self, name: str, context: Any) -> None:
        self._name = name
        self._context = context
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.params: dict[str, ParamDef] = {}

    @property
    def module_nodes(self) -> list[ModuleNode]:
        return [node for node in self.nodes if isinstance(node, ModuleNode)]

    @property
    def datasource_nodes(self) -> list[DataSourceNode]:
        return [node for node in self.nodes if isinstance(node, DataSourceNode)]

    @property
    def node_dict(self) -> dict[str, Node]:
        """The nodes by id."""
        return {node.node_id: node for node in self.nodes}

    @property
    def node_name_dict(self) -> dict[str, Node]:
        """The nodes by name; of several with one name the last."""
        return {node.name: node for node in self.nodes}

    def get_node(self, node_id: str) -> Node:
        """Return a node by its id; an unknown one lists those there are."""
        return _named(f"graph {self._name!r}", "node", self.node_dict, node_id)

    def validate(self) -> list[str]:
        """Return nothing: what there is a graph of is sound (``Pipeline.validate``)."""
        return []

    add_datasource_node = absent("Graph.add_datasource_node", _BUILD)
    add_module_node = absent("Graph.add_module_node", _BUILD)
    connect = absent("Graph.connect", _BUILD)
    delete_node = absent("Graph.delete_node", _BUILD)
    finalize = absent("Graph.finalize", "submit or publish the pipeline")
    generate_yaml = absent("Graph.generate_yaml", "keep the script that builds the pipeline, or publish it")
    sequence = absent("Graph.sequence", _ORDER)
    submit = absent("Graph.submit", "submit the pipeline: Pipeline.submit(experiment_name)")

    def __repr__(self) -> str:
        return f"Graph({self._name!r}, nodes={[node.name for node in self.nodes]!r})"


def graph_of(spec: PipelineSpec, context: Any) -> Graph:
    """Return the graph of a specification: the data that no step writes, and the steps, in order of execution."""
    from airflow_amlpipe.spec.parameter_value import as_json

    graph = Graph(spec.name, context)
    graph.params = {
        parameter.name: ParamDef(parameter.name, as_json(parameter.default), calculate_hash=not parameter.volatile)
        for parameter in spec.parameters
    }
    modules = {step.id: _module_node(graph, step) for step in spec.in_order()}
    sources: dict[str, DataSourceNode] = {}
    for step in spec.in_order():
        for item, port in zip(step.inputs, modules[step.id].inputs, strict=True):
            source = item.source
            if source.kind == "step_output":
                written = modules[source.step].output_dict[source.output]
            else:
                key = source.model_dump_json()
                node = sources.setdefault(key, _data_node(graph, len(sources) + 1, item))
                written = node.outputs[0]
            port.incoming_edge = Edge(written, port)
            graph.edges.append(port.incoming_edge)
    graph.nodes = [*sources.values(), *modules.values()]
    return graph


def _module_node(graph: Graph, step: StepSpec) -> ModuleNode:
    node = ModuleNode(graph, step.id, step.name)
    inputs = [InputPortDef(item.name, None, item.mode, item.path_on_compute) for item in step.inputs]
    outputs = [OutputPortDef(item.name, item.datastore, item.mode, item.source, default_overwrite=item.overwrite) for item in step.outputs]
    names = (*step.parameters, *(variable.name for variable in step.variables))
    node.params = {name: graph.params.get(name) or ParamDef(name, set_env_var=True) for name in names}
    node.module_def = ModuleDef(
        step.name,
        input_port_defs=inputs,
        output_port_defs=outputs,
        param_defs=list(node.params.values()),
        module_execution_type="escloud",
        allow_reuse=step.allow_reuse,
        version=step.version,
        step_type=step.command.kind,
        arguments=[argument.model_dump(mode="json") for argument in step.arguments],
    )
    node.inputs = [InputPort(node, port) for port in inputs]
    node.outputs = [OutputPort(node, port) for port in outputs]
    for item, port in zip(step.outputs, node.outputs, strict=True):
        port.pipeline_output_name = item.pipeline_output
        port.dataset_registration = None if item.register_as is None else item.register_as.name
    return node


def _data_node(graph: Graph, place: int, item: InputSpec) -> DataSourceNode:
    source = item.source
    first = next(iter(getattr(source, "paths", ())), None)
    name = getattr(source, "name", None) or getattr(source, "parameter", None) or item.name
    node = DataSourceNode(graph, f"data_{place}", name)
    node.datasource_def = DataSourceDef(
        name, datastore_name=None if first is None else first.datastore, path_on_datastore=None if first is None else first.path
    )
    node.outputs = [OutputPort(node, OutputPortDef(DataSource.DATASOURCE_PORT_NAME, node.datasource_def.datastore_name))]
    return node


def _named(where: str, what: str, known: dict[str, FoundT], name: str) -> FoundT:
    if name not in known:
        raise UserErrorException(f"{where} has no {what} {shorten(repr(name))}; it has: {_listed(known)}")
    return known[name]


def _listed(names: Iterable[str]) -> str:
    return shorten(", ".join(names) or "none", 600)
