"""Which files does a run keep, and what can be made of them?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.model import Model
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["RunFiles"]


class RunFiles:
    """The part of a run that is about its files: artifacts, logs, the snapshot of its source."""

    if TYPE_CHECKING:

        @property
        def id(self) -> str: ...

        @property
        def experiment(self) -> Experiment: ...

        @property
        def _workspace(self) -> Workspace: ...

        def _folder(self) -> str: ...

        def get_snapshot_id(self) -> str | None: ...

    def get_file_names(self) -> Any:
        """Return the names of the artifacts that the run keeps, such as ``outputs/model.pkl``, and of its logs."""
        store, folder = open_workspace(self._workspace).store, self._folder()
        artifacts = [name.removeprefix(f"{folder}/artifacts/") for name in store.match(f"{folder}/artifacts/**")]
        return sorted({*artifacts, *(name.removeprefix(f"{folder}/") for name in store.match(f"{folder}/logs/**"))})

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """Copy an artifact or log to a local file: ``output_file_path`` (or into it, if it is a folder), else its own name here.

        :raises UserErrorException: the run keeps no such file; the message lists those it keeps
        """
        if name not in self.get_file_names():
            known = ", ".join(self.get_file_names()) or "none"
            raise UserErrorException(f"run {self.id}: there is no file {shorten(repr(name))}; its files are: {shorten(known, 600)}")
        target = Path(output_file_path if output_file_path is not None else PurePosixPath(name).name).absolute()
        if target.is_dir() or (output_file_path or "").endswith(os.sep):
            target = target / PurePosixPath(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        store, folder = open_workspace(self._workspace).store, self._folder()
        artifact = f"{folder}/artifacts/{name}"
        target.unlink(missing_ok=True)
        store.fetch(artifact if store.exists(artifact) else f"{folder}/{name}", target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Iterable[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Copy every artifact and log whose name begins with ``prefix`` to a local folder.

        :param append_prefix: keep the prefix in the local path
        """
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        targets = (
            [*output_paths]
            if output_paths is not None
            else [
                str(Path(output_directory or ".", name if append_prefix else name.removeprefix(prefix or "").lstrip("/"))) for name in names
            ]
        )
        if len(targets) != len(names):
            raise UserErrorException(
                f"run {self.id}: download_files: {len(names)} files, but {len(targets)} output_paths; give one for each"
            )
        for name, target in zip(names, targets, strict=True):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self.download_file(name, target)

    def get_all_logs(self, destination: str | None = None) -> Any:
        """Copy the run's logs to a local folder and return their paths."""
        names = [name for name in self.get_file_names() if name.startswith("logs/")]
        folder = Path(destination or ".", self.id)
        for name in names:
            folder.mkdir(parents=True, exist_ok=True)
            self.download_file(name, str(folder / PurePosixPath(name).name))
        return [str(folder / PurePosixPath(name).name) for name in names]

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Iterable[tuple[str, Any]] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> Model:
        """Register files that the run keeps as a new version of a model, and return it.

        :param model_path: a file of the run, such as ``outputs/model.pkl``, or a folder of such; ``model_name`` without it
        :raises ModelPathNotFoundException: the run keeps no such file; the message lists those it keeps
        """
        import tempfile

        from airflow_amlpipe.runtime.model_methods import dataset_pairs, texts
        from airflow_amlpipe.sdk.core.model import register_path
        from airflow_amlpipe.sdk.exceptions import ModelPathNotFoundException

        wanted = (model_name if model_path is None else str(model_path)).strip("/")
        names = [name for name in self.get_file_names() if name == wanted or name.startswith(f"{wanted}/")]
        if not names:
            known = ", ".join(self.get_file_names()) or "none"
            raise ModelPathNotFoundException(
                f"Could not locate the provided model_path {shorten(repr(wanted))} in the files of run {self.id}; its files are: {shorten(known, 600)}"
            )
        with tempfile.TemporaryDirectory(prefix="amlpipe-model-") as folder:
            for name in names:
                target = Path(folder, *PurePosixPath(name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                self.download_file(name, str(target))
            print(f"Registering model {model_name}")
            return register_path(
                self._workspace,
                Path(folder, *PurePosixPath(wanted).parts),
                model_name,
                tags=texts("tags", tags),
                properties=texts("properties", properties),
                description=description,
                datasets=tuple((what, dataset_id) for what, dataset_id in dataset_pairs(datasets)),
                framework=model_framework,
                framework_version=model_framework_version,
                resources=None if resource_configuration is None else dict(vars(resource_configuration)),
                experiment=self.experiment.name,
                run_id=self.id,
            )

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | None = None) -> str:
        """Put the run's source snapshot, a zip file, into the folder ``path`` and return where it is.

        :param snapshot_id: of another snapshot of the workspace
        :raises UserErrorException: the run has none, or the workspace does not keep it any more
        """
        from airflow_amlpipe.workspace.layout import snapshot_path

        chosen = snapshot_id or self.get_snapshot_id()
        if chosen is None:
            raise UserErrorException(f"run {self.id} has no source snapshot of its own; ask one of its steps")
        if not chosen.isalnum():
            raise UserErrorException(f"{shorten(repr(chosen))} is no id of a snapshot")
        target = Path(path or ".").absolute() / f"{chosen}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            open_workspace(self._workspace).store.fetch(snapshot_path(chosen), target)
        except FileNotFoundError as error:
            raise UserErrorException(f"the snapshot {shorten(chosen)} is not in the workspace any more") from error
        return str(target)
