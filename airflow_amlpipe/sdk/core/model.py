"""How is a model registered, and how does one get it back?"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.model_methods import (
    MODELS_FOLDER,
    Framework,
    ModelMethods,
    choose_models,
    dataset_pairs,
    find_local_model,
    texts,
)
from airflow_amlpipe.sdk._absent import absent, absent_class
from airflow_amlpipe.sdk._arguments import check_local_path, check_text
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import ModelNotFoundException, ModelPathNotFoundException, UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.workspace.models import ModelRegistry

__all__ = ["InferenceConfig", "Model", "ModelPackage", "register_path"]

_SERVING = "serve the model outside of airflow-amlpipe: model.download() gives its files"

InferenceConfig = absent_class("InferenceConfig", _SERVING, __name__)
ModelPackage = absent_class("ModelPackage", _SERVING, __name__)


class Model(ModelMethods):
    """A version of a registered model: the newest that is as asked for."""

    Framework = Framework

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        if id is not None:
            name, _, number = check_text("Model: id", id).rpartition(":")
            version = int(number) if number.isdecimal() else -1
        if name is None and run_id is None and tags is None and properties is None:
            raise UserErrorException("Model(workspace): say which: name=..., id='name:version', or tags=... of it")
        known = _known(workspace, name)
        found = choose_models(known, tags, properties, run_id, model_framework, None, version, latest=True)
        if not found:
            raise ModelNotFoundException(
                f"ModelNotFound: no version of model {shorten(repr(name))} has what was asked for (version {version}, tags {tags}, properties "
                f"{properties}, run {run_id}); {_said(known)}"
            )
        self.workspace = workspace
        self._told = found[0]

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> Any:
        """Return registered versions, the newest first.

        :param latest: of each name only the highest version
        """
        models = _registry(workspace, "Model.list")
        known = [model.model_dump(mode="json") for model in (models.all() if name is None else models.versions(name))]
        chosen = choose_models(known, tags, properties, run_id, model_framework, dataset_id, None, latest)
        return [_model(workspace, told) for told in chosen]

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
        description: str | None = None,
        datasets: Iterable[tuple[str, Any]] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Iterable[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> Model:
        """Register a local file or folder as a new version of ``model_name`` and return it.

        :param child_paths: of a folder, which files and folders in it; all without it
        :raises ModelPathNotFoundException: nothing is at ``model_path``
        :raises UserErrorException: the name cannot be used, or a link leads out of the folder
        """
        check_text("Model.register: model_name", model_name)
        path = check_local_path("Model.register: model_path", model_path)
        if not path.exists():
            raise ModelPathNotFoundException(f"model {model_name!r}: nothing is at {shorten(repr(str(model_path)))} (in {Path.cwd()})")
        sys.stdout.write(f"Registering model {model_name}\n")
        return register_path(
            workspace,
            path if child_paths is None else path.absolute(),
            model_name,
            child_paths=child_paths,
            tags=texts("tags", tags),
            properties=texts("properties", properties),
            description=description,
            datasets=tuple((what, dataset_id) for what, dataset_id in dataset_pairs(datasets)),
            framework=model_framework,
            framework_version=model_framework_version,
            resources=None if resource_configuration is None else dict(vars(resource_configuration)),
            sample_inputs=getattr(sample_input_dataset, "id", None),
            sample_outputs=getattr(sample_output_dataset, "id", None),
        )

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """Return where a model lies on this machine: with a workspace it is copied to ``azureml-models/<name>/<version>`` first.

        :raises ModelNotFoundException: it is nowhere
        """
        if _workspace is None:
            return find_local_model(model_name, version)
        model = Model(_workspace, model_name, version=version)
        return model.download(str(Path(MODELS_FOLDER, model.name, str(model.version))), exist_ok=True)

    def delete(self) -> None:
        """Remove this version; its number is not given again. Its files go when the workspace is cleared."""
        _registry(self.workspace, "Model.delete").remove(self.name, self.version)

    @property
    def created_by(self) -> str | None:
        """Not recorded."""
        return None

    @property
    def resource_configuration(self) -> Any:
        """What ``Model.register`` was given, as a dictionary."""
        return self._told["resources"]

    deploy = absent("Model.deploy", _SERVING)
    deserialize = absent("Model.deserialize", "ask the workspace: Model(workspace, id=...)")
    get_sas_urls = absent("Model.get_sas_urls", "use model.download(): there is no store with signed addresses")
    package = absent("Model.package", _SERVING)
    print_configuration = absent("Model.print_configuration", _SERVING)
    profile = absent("Model.profile", _SERVING)

    def _fetch(self, folder: str) -> None:
        models = _registry(self.workspace, "Model.download")
        models.fetch(models.get(self.name, self.version), Path(folder))

    def _change(self, **changes: Any) -> None:
        changes["datasets"] = tuple((what, dataset_id) for what, dataset_id in changes["datasets"])
        try:
            changed = _registry(self.workspace, "Model.update").change(self.name, self.version, **changes)
        except DefinitionError as error:
            raise UserErrorException(str(error)) from error
        self._told = changed.model_dump(mode="json")

    def _find_dataset(self, dataset_id: str) -> Any:
        from airflow_amlpipe.sdk.core.dataset import Dataset

        return Dataset.get_by_id(self.workspace, dataset_id)


def register_path(workspace: Any, path: Path, name: str, *, child_paths: Iterable[str] | None = None, **said: Any) -> Model:
    """Register a local file or folder, or some of a folder, as a new version of a model.

    :param said: fields of ``workspace.models.ModelVersion``
    """
    models = _registry(workspace, "Model.register")
    with tempfile.TemporaryDirectory(prefix="amlpipe-model-") as folder:
        if child_paths is not None:
            path = _chosen(path, child_paths, Path(folder, path.name))
        try:
            return _model(workspace, models.register(name, path, **said).model_dump(mode="json"))
        except DefinitionError as error:
            raise UserErrorException(str(error)) from error


def _chosen(path: Path, child_paths: Iterable[str], target: Path) -> Path:
    for child in child_paths:
        source = path / child
        if not source.exists() or not source.resolve().is_relative_to(path.resolve()):
            raise ModelPathNotFoundException(f"child path {shorten(repr(str(child)))} is not in {shorten(repr(str(path)))}")
        place = target / os.path.normpath(child)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copyfile(source, place)
    return target


def _registry(workspace: Any, what: str) -> ModelRegistry:
    return open_workspace(workspace, what).models


def _known(workspace: Any, name: str | None) -> list[Mapping[str, Any]]:
    models = _registry(workspace, "Model")
    found = models.all() if name is None else models.versions(name)
    if name is not None and not found:
        known = ", ".join(models.names()) or "none"
        raise ModelNotFoundException(
            f"ModelNotFound: model {shorten(repr(name))} is not registered in the workspace; registered are: {shorten(known, 600)}"
        )
    return [model.model_dump(mode="json") for model in found]


def _said(known: list[Mapping[str, Any]]) -> str:
    ids = ", ".join(f"{model['name']}:{model['version']}" for model in known)
    return f"there are: {shorten(ids or 'none', 600)}"


def _model(workspace: Any, told: Mapping[str, Any]) -> Model:
    model: Model = object.__new__(Model)
    model.workspace, model._told = workspace, told
    return model
