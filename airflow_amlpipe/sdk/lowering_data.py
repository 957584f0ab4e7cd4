"""How do the inputs and outputs of steps become specifications?"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._workspace_store import check_workspace
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.output_dataset_config import OutputOrigin, RegistrationConfiguration
from airflow_amlpipe.sdk.data.sql_data_reference import SqlDataReference
from airflow_amlpipe.sdk.lowering_parameters import ParameterLowering
from airflow_amlpipe.sdk.lowering_values import dataset_source, lower_definition, lower_paths, plain_text
from airflow_amlpipe.sdk.pipeline.core._items import InputItem, OutputItem
from airflow_amlpipe.sdk.pipeline.core._port_bindings import OutputPortBinding
from airflow_amlpipe.sdk.pipeline.core._ports import Binding
from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec, ParameterSource, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.datastores import DATABASE_TYPES

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["DataLowering", "name_in"]

_NO_PARAMETER = (
    "give the parameter to the script, which makes a folder of that name in the output; a destination may hold {run-id} and {output-name}"
)


class DataLowering:
    """The data that flows through one pipeline.

    :param ids: the id of each of the pipeline's steps
    :ivar problems: what is wrong with the data of the pipeline as a whole
    """

    def __init__(self, pipeline: Pipeline, ids: Mapping[PipelineStep, str], parameters: ParameterLowering) -> None:
        self._pipeline = pipeline
        self._ids = ids
        self._parameters = parameters
        self._writers: dict[OutputOrigin, tuple[PipelineStep, str]] = {}
        self.problems: list[DefinitionError] = []
        for step in ids:
            for binding in step._outputs:
                other, other_name = self._writers.setdefault(binding.item.origin, (step, binding.name))
                if other is not step:
                    self.problems.append(
                        DefinitionError(
                            f"{step._where}: output {binding.name!r} is output {other_name!r} of {other._where} as well; "
                            f"an output has one producer, make one {type(binding.item.given).__name__} for each step"
                        )
                    )

    def input(self, step: PipelineStep, binding: Binding) -> InputSpec:
        where = f"{step._where}: input {binding.name!r}"
        item: InputItem = binding.item
        if item.mode == "upload":
            raise DefinitionError(
                f"{where}: data in mode 'upload' is no input; write to a datastore with OutputFileDatasetConfig(destination=(datastore, path))"
            )
        path = None if item.path_on_compute is None else plain_text(f"{where}: path_on_compute", item.path_on_compute)
        return InputSpec(name=binding.name, mode=item.mode, source=self._source(where, item), path_on_compute=path)

    def _source(self, where: str, item: InputItem) -> DatasetSource | StepOutputSource | ParameterSource:
        source = item.source
        if isinstance(source, OutputOrigin):
            return self._step_output(where, item)
        if isinstance(source, PipelineParameter):
            return self._parameters.data_source(where, source, self._pipeline.workspace)
        if isinstance(source, DataReference):
            self.check_workspace_of(f"{where}: datastore {source.datastore.name!r}", source.datastore)
            if isinstance(source, SqlDataReference):
                self._declare_parameters(where, source)
                return DatasetSource(definition=lower_definition(where, source._definition))
            if source.datastore.datastore_type in DATABASE_TYPES:
                raise DefinitionError(
                    f"{where}: datastore {source.datastore.name!r} is a database, which has no files; use SqlDataReference(datastore, sql_query=...), "
                    "or Dataset.Tabular.from_sql_query((datastore, 'SELECT ...'))"
                )
            return DatasetSource(paths=lower_paths(where, [(source.datastore.name, source.path_on_datastore or "")]), is_place=True)
        if isinstance(source, tuple):
            check_workspace(f"{where}: dataset {shorten(repr(source[1]))}", source[0], self._pipeline.workspace)
            version = source[2] if len(source) > 2 and source[2] != "latest" else None
            if version is not None and (isinstance(version, bool) or not str(version).isdecimal()):
                raise DefinitionError(f"{where}: dataset version {shorten(repr(version))} is not known; give a whole number, or 'latest'")
            return DatasetSource(name=source[1], version=None if version is None else int(version))
        check_workspace(f"{where}: {source!r}", source._workspace, self._pipeline.workspace)
        self._declare_parameters(where, source)
        return dataset_source(where, source)

    def _declare_parameters(self, where: str, source: Any) -> None:
        for parameter in source._query_parameters:
            self._parameters.value(f"{where}: a value of its query", parameter)

    def _step_output(self, where: str, item: InputItem) -> StepOutputSource:
        if item.source not in self._writers:
            name = getattr(getattr(item.given, "dataset", item.given), "name", None)
            raise DefinitionError(
                f"{where} is an output ({name or 'without a name'}) that no step of the pipeline writes; add the step that does to steps=[...]"
            )
        writer, output = self._writers[item.source]
        if item.source.links is not None:
            return StepOutputSource(step=self._ids[writer], output=output, is_link=True)
        return StepOutputSource(step=self._ids[writer], output=output, definition=_definition(where, item.definition))

    def output(self, where: str, binding: Binding) -> OutputSpec:
        content = binding.item.content
        where = f"{where}: output {binding.name!r}"
        if isinstance(content, OutputPortBinding):
            return self._port_output(where, binding.name, content)
        datastore, destination = self._destination(where, content.destination)
        upload, links = content._upload_options, content._origin.links
        return OutputSpec(
            name=binding.name,
            mode=content.mode,
            datastore=datastore,
            destination=destination,
            source=None if content.source is None else plain_text(f"{where}: source", str(content.source)),
            overwrite=upload is not None and bool(upload.overwrite),
            globs=() if upload is None else tuple(upload.source_globs or ()),
            register_as=_registration(where, content._registration, None if links else _definition(where, content._definition)),
            links=links,
        )

    def _port_output(self, where: str, name: str, content: OutputPortBinding) -> OutputSpec:
        datastore, _ = self._destination(where, content.datastore)
        path = content.path_on_compute
        return OutputSpec(
            name=name,
            mode=content.bind_mode,
            datastore=datastore,
            destination=None if content.destination is None else plain_text(f"{where}: path_on_datastore", content.destination),
            overwrite=content.destination is not None,
            source=None if path is None else plain_text(f"{where}: output_path_on_compute", path),
            register_as=_registration(where, content.dataset_registration),
            is_made=False,
            pipeline_output=content.pipeline_output_name,
        )

    def _destination(self, where: str, destination: Any) -> tuple[str, str | None]:
        if destination is None:
            self.check_workspace_of(f"{where}: default_datastore of the pipeline", self._pipeline._default_datastore)
            return self._pipeline._default_datastore_name(), None
        store, path = (
            (destination if len(destination) > 1 else (*destination, None)) if isinstance(destination, tuple) else (destination, None)
        )
        self.check_workspace_of(f"{where}: the datastore of its destination", store)
        return str(getattr(store, "name", store)), None if path is None else plain_text(f"{where}: destination", path, _NO_PARAMETER)

    def warn_of_dropped_registrations(self) -> None:
        for step in self._ids:
            for binding in step._outputs:
                registrations = binding.item.origin.registrations
                if registrations and binding.item.content._registration is None:
                    warnings.warn(
                        f"{step._where}: output {binding.name!r} is not registered: register_on_complete({registrations[-1]!r}) returns a copy and "
                        "leaves the original as it was; give the step what it returned",
                        UserWarning,
                        stacklevel=6,
                    )

    def check_workspace_of(self, what: str, thing: Any) -> None:
        """Refuse a datastore or compute target of another workspace; one that is given as a name is always the pipeline's own."""
        check_workspace(what, getattr(thing, "workspace", None), self._pipeline.workspace)


def name_in(bindings: list[Binding], item: InputItem | OutputItem) -> str:
    """Return the name that an input or output has in its step."""
    for binding in bindings:
        if binding.item is item:
            return binding.name
    raise DefinitionError(f"an argument names {shorten(str(item.given))}, which the step does not have")


def _definition(where: str, described: Any) -> DatasetDefinition | None:
    """Return as what an output is read; ``None``: the files."""
    return None if described is None else lower_definition(where, described)


def _registration(
    where: str, given: RegistrationConfiguration | None, definition: DatasetDefinition | None = None
) -> RegistrationSpec | None:
    if given is None:
        return None
    return RegistrationSpec(
        name=plain_text(where, given.name),
        description=given.description,
        tags={str(key): str(value) for key, value in (given.tags or {}).items()},
        definition=definition or _definition(where, given._definition),
    )
