"""How do the inputs and outputs of steps become specifications?"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._workspace_store import check_workspace
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.lowering_values import lower_paths, plain_text
from airflow_amlpipe.sdk.pipeline.core._ports import Binding
from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec, RegistrationSpec, StepOutputSource

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["DataLowering", "name_in"]


class DataLowering:
    """The data that flows through one pipeline.

    :param ids: the id of each of the pipeline's steps
    :ivar problems: what is wrong with the data of the pipeline as a whole
    """

    def __init__(self, pipeline: Pipeline, ids: Mapping[PipelineStep, str]) -> None:
        self._pipeline = pipeline
        self._ids = ids
        self._writers: dict[OutputOrigin, tuple[PipelineStep, str]] = {}
        self.problems: list[DefinitionError] = []
        for step in ids:
            for binding in step._outputs:
                other, other_name = self._writers.setdefault(binding.item._origin, (step, binding.name))
                if other is not step:
                    self.problems.append(
                        DefinitionError(
                            f"{step._where}: output {binding.name!r} is output {other_name!r} of {other._where} as well; "
                            "an output has one producer, make one OutputFileDatasetConfig for each step"
                        )
                    )

    def input(self, step: PipelineStep, binding: Binding) -> InputSpec:
        where = f"{step._where}: input {binding.name!r}"
        item = binding.item
        if item.mode == "upload":
            raise DefinitionError(
                f"{where}: a DataReference in mode 'upload' is no input; write to a datastore with OutputFileDatasetConfig(destination=(datastore, path))"
            )
        source = self._source(where, item.dataset) if isinstance(item, DatasetConsumptionConfig) else self._reference(where, item)
        return InputSpec(name=binding.name, mode=item.mode, source=source, path_on_compute=item.path_on_compute)

    def _reference(self, where: str, item: DataReference) -> DatasetSource:
        self.check_workspace_of(f"{where}: datastore {item.datastore.name!r}", item.datastore)
        return DatasetSource(paths=lower_paths(where, [(item.datastore.name, item.path_on_datastore or "")]))

    def _source(self, where: str, dataset: Any) -> DatasetSource | StepOutputSource:
        if isinstance(dataset, OutputDatasetConfig):
            if dataset._origin not in self._writers:
                raise DefinitionError(
                    f"{where} is an output ({dataset.name or 'without a name'}) that no step of the pipeline writes; add the step that does to steps=[...]"
                )
            writer, output = self._writers[dataset._origin]
            return StepOutputSource(step=self._ids[writer], output=output)
        if isinstance(dataset, tuple):
            check_workspace(f"{where}: dataset {shorten(repr(dataset[1]))}", dataset[0], self._pipeline.workspace)
            version = dataset[2] if len(dataset) > 2 and dataset[2] != "latest" else None
            if version is not None and (isinstance(version, bool) or not str(version).isdecimal()):
                raise DefinitionError(f"{where}: dataset version {shorten(repr(version))} is not known; give a whole number, or 'latest'")
            return DatasetSource(name=dataset[1], version=None if version is None else int(version))
        check_workspace(f"{where}: {dataset!r}", dataset._workspace, self._pipeline.workspace)
        return _dataset_source(where, dataset)

    def output(self, where: str, binding: Binding) -> OutputSpec:
        item = binding.item
        where = f"{where}: output {binding.name!r}"
        datastore, destination = self._destination(where, item.destination)
        upload, registration = item._upload_options, item._registration
        return OutputSpec(
            name=binding.name,
            mode=item.mode,
            datastore=datastore,
            destination=destination,
            source=None if item.source is None else str(item.source),
            overwrite=upload is not None and bool(upload.overwrite),
            globs=() if upload is None else tuple(upload.source_globs or ()),
            register_as=None
            if registration is None
            else RegistrationSpec(
                name=plain_text(where, registration.name),
                description=registration.description,
                tags={str(key): str(value) for key, value in (registration.tags or {}).items()},
            ),
        )

    def _destination(self, where: str, destination: Any) -> tuple[str, str | None]:
        if destination is None:
            self.check_workspace_of(f"{where}: default_datastore of the pipeline", self._pipeline._default_datastore)
            return self._pipeline._default_datastore_name(), None
        store, path = (
            (destination if len(destination) > 1 else (*destination, None)) if isinstance(destination, tuple) else (destination, None)
        )
        self.check_workspace_of(f"{where}: the datastore of its destination", store)
        return str(getattr(store, "name", store)), None if path is None else plain_text(f"{where}: destination", path)

    def warn_of_dropped_registrations(self) -> None:
        for step in self._ids:
            for binding in step._outputs:
                registrations = binding.item._origin.registrations
                if registrations and binding.item._registration is None:
                    warnings.warn(
                        f"{step._where}: output {binding.name!r} is not registered: register_on_complete({registrations[-1]!r}) returns a copy and "
                        "leaves the original as it was; give the step what it returned",
                        UserWarning,
                        stacklevel=6,
                    )

    def check_workspace_of(self, what: str, thing: Any) -> None:
        """Refuse a datastore or compute target of another workspace; one that is given as a name is always the pipeline's own."""
        check_workspace(what, getattr(thing, "workspace", None), self._pipeline.workspace)


def name_in(bindings: list[Binding], item: Any) -> str:
    for binding in bindings:
        if binding.item is item or (
            isinstance(item, DataReference) and isinstance(binding.item, DataReference) and vars(binding.item) == vars(item)
        ):
            return binding.name
    raise DefinitionError(f"an argument names {shorten(str(item))}, which the step does not have")


def _dataset_source(where: str, dataset: AbstractDataset) -> DatasetSource:
    if dataset._deferred is not None:
        return DatasetSource(name=dataset._deferred[0], version=dataset._deferred[1])
    return DatasetSource(paths=lower_paths(where, dataset._paths()), name=dataset.name, version=dataset.version)
