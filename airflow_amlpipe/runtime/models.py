"""How does a script register a model, and get one that is registered?"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002, ARG004, A002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.artifacts import walk_files
from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.errors import ModelNotFoundException, ModelPathNotFoundException, UserErrorException
from airflow_amlpipe.runtime.model_methods import (
    MODELS_FOLDER,
    Framework,
    ModelMethods,
    choose_models,
    dataset_pairs,
    find_local_model,
    texts,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

__all__ = ["Model", "register_files"]

_calls: Dict[str, int] = {}


class Model(ModelMethods, CompletedBySdk):
    """A registered model of the step's workspace."""

    _NAME = "Model"
    Framework = Framework

    def __init__(
        self,
        workspace: Any,
        name: Optional[str] = None,
        id: Optional[str] = None,
        tags: Any = None,
        properties: Any = None,
        version: Any = None,
        run_id: Optional[str] = None,
        model_framework: Optional[str] = None,
        expand: bool = True,
        **_: Any,
    ) -> None:
        self.workspace = workspace
        if id is not None:
            name, _colon, version = str(id).rpartition(":")
        if name is None and run_id is None and tags is None and properties is None:
            raise UserErrorException("Model(workspace): say which: name=..., id='name:version', or tags=... of it")
        found = choose_models(_known(name, version), tags, properties, run_id, model_framework, None, version, latest=True)
        if not found:
            raise ModelNotFoundException(
                "ModelNotFound: no version of model %.200r has what was asked for (version %s, tags %s, properties %s, run %s)"
                % (name, version, tags, properties, run_id)
            )
        self._told = found[0]

    @classmethod
    def _of(cls, workspace: Any, told: Mapping[str, Any]) -> Model:
        model: Model = object.__new__(cls)
        model.workspace, model._told = workspace, told
        return model

    @staticmethod
    def list(
        workspace: Any,
        name: Optional[str] = None,
        tags: Any = None,
        properties: Any = None,
        run_id: Optional[str] = None,
        latest: bool = False,
        dataset_id: Optional[str] = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: Optional[str] = None,
    ) -> Any:
        """Return registered versions, the newest first."""
        known = ask("models", {"name": name, "version": None})["models"]
        return [
            Model._of(workspace, told) for told in choose_models(known, tags, properties, run_id, model_framework, dataset_id, None, latest)
        ]

    @staticmethod
    def register(
        workspace: Any,
        model_path: Any,
        model_name: str,
        tags: Optional[Mapping[str, Any]] = None,
        properties: Optional[Mapping[str, Any]] = None,
        description: Optional[str] = None,
        datasets: Optional[Iterable[Any]] = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        child_paths: Optional[Iterable[str]] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> Any:
        """Register a local file or folder as a new version, at once. A try of the step that comes after a failed one does not register it twice.

        :raises ModelPathNotFoundException: nothing is at ``model_path``
        """
        path = os.path.abspath(os.fspath(model_path))
        if os.path.isfile(path):
            files, top = [(path, os.path.basename(path))], os.path.basename(path)
        elif os.path.isdir(path):
            top = os.path.basename(path)
            chosen = None if child_paths is None else [str(child).strip("/") for child in child_paths]
            files = [(file, "%s/%s" % (top, below)) for file, below in walk_files(path) if chosen is None or _is_below(below, chosen)]
        else:
            raise ModelPathNotFoundException("model %.200r: nothing is at %.300r (in %s)" % (model_name, model_path, os.getcwd()))
        said = {"tags": tags, "properties": properties, "description": description, "datasets": datasets}
        return register_files(workspace, model_name, files, top, said, model_framework, model_framework_version)

    @staticmethod
    def get_model_path(model_name: str, version: Any = None, _workspace: Any = None) -> str:
        """Return where a model lies on this machine; inside a step it is copied to ``azureml-models/<name>/<version>`` first.

        :raises ModelNotFoundException: there is none
        """
        if not is_inside_step():
            return find_local_model(model_name, version)
        found = choose_models(_known(model_name, version), version=version, latest=True)
        if not found:
            raise ModelNotFoundException("ModelNotFound: model %.200r has no version %s" % (model_name, version))
        model = Model._of(_workspace, found[0])
        return model.download(os.path.join(MODELS_FOLDER, model.name, str(model.version)), exist_ok=True)

    def delete(self) -> None:
        """Remove this version; its number is not given again."""
        ask("model-delete", {"name": self.name, "version": self.version})

    def _fetch(self, folder: str) -> None:
        import shutil

        place = ask("model-data", {"name": self.name, "version": self.version})["path"]
        for file, below in walk_files(place):
            target = os.path.join(folder, *below.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.move(file, target)
        shutil.rmtree(place, ignore_errors=True)

    def _change(self, **changes: Any) -> None:
        self._told = ask("model-change", dict(changes, name=self.name, version=self.version))["model"]

    def _find_dataset(self, dataset_id: str) -> Any:
        from airflow_amlpipe.runtime.datasets import AbstractDataset

        return AbstractDataset.get_by_id(self.workspace, dataset_id)

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Model", wanted)(self.workspace, id=self.id)


def register_files(
    workspace: Any,
    name: str,
    files: Iterable[Tuple[str, str]],
    top: str,
    said: Mapping[str, Any],
    framework: Optional[str],
    framework_version: Optional[str],
) -> Model:
    """Register local files as a new version of a model.

    :param files: each file's path, and its path in the model
    :param top: what the model is called in its folder
    :param said: ``tags``, ``properties``, ``description`` and ``datasets``
    """
    import sys

    call = _calls[name] = _calls.get(name, 0) + 1
    sys.stdout.write("Registering model %s\n" % name)
    arguments = {
        "name": name,
        "top": top,
        "call": call,
        "tags": texts("tags", said["tags"]),
        "properties": texts("properties", said["properties"]),
        "description": said["description"],
        "framework": framework,
        "framework_version": framework_version,
        "datasets": dataset_pairs(said["datasets"]),
    }
    return Model._of(workspace, ask("model-register", arguments, files)["model"])


def _known(name: Optional[str], version: Any) -> List[Mapping[str, Any]]:
    """Return the versions to choose from: of one that is pinned no others, because others are no reason to run the step again."""
    pinned = int(version) if name is not None and str(version).isdecimal() else None
    known: List[Mapping[str, Any]] = ask("models", {"name": name, "version": pinned})["models"]
    if name is not None and not known and pinned is None:
        raise ModelNotFoundException("ModelNotFound: model %.200r is not registered in the workspace" % name)
    return known


def _is_below(path: str, chosen: List[str]) -> bool:
    return any(path == child or path.startswith(child + "/") for child in chosen)
