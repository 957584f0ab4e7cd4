"""How does each input of a step reach its script: by name, as a copy, or shown where its data lies?

``download``: a copy. ``mount``: the data itself where it lies in a folder of this machine, the identified versions of
an object store's files through FUSE, and where neither can be had a copy, about which the log says why. The script finds all of
them at the same paths. ``direct``: the id of the dataset on the command line; its files are in place as if they were mounted, and the
script's side knows where, so that ``run.input_datasets`` and ``Dataset.get_by_id`` ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_amlpipe.compute.backend import LaunchRequest
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import ViewRefusedError
from airflow_amlpipe.storage.view import View
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.direct import dataset_part
from airflow_amlpipe.workspace.showing import show_input, views_of
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.workspace import WorkspaceStore

# What only inputs of an object store need is imported when there is one.
if TYPE_CHECKING:
    from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle
    from airflow_amlpipe.compute.remote_views import RemoteViews
    from airflow_amlpipe.runtime.protocol import DatasetPart
    from airflow_amlpipe.workspace.serving import ServedFile

__all__ = ["Handover"]


@dataclass
class Handover:
    """The inputs of one try. Close it when the job has ended.

    :ivar say: takes a sentence for the step's log
    :ivar shows_data: whether inputs of mode ``mount`` may be shown at all
    :ivar mounts_remote: whether those of an object store may
    :ivar paths: what the script is given for each input, once they are handed over
    :ivar datasets: what the ids among ``paths`` stand for
    :ivar views: what has to be shown to the job for that
    """

    workspace: WorkspaceStore
    assessment: Assessment
    folder: StepFolder
    say: Callable[[str], None]
    shows_data: bool = False
    mounts_remote: bool = False
    paths: dict[str, Path | str] = field(default_factory=dict)
    datasets: dict[str, DatasetPart] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    _remote: RemoteViews | None = None

    def hand_over(self) -> None:
        """Put every input in its place.

        :raises SourceChangedError: data changed since it was identified
        :raises InfrastructureError: something could not be read or written
        """
        served: dict[str, tuple[ServedFile, ...]] = {}
        for item in self.assessment.step.inputs:
            resolved = self.assessment.inputs[item.name]
            if item.mode in {"direct", "mount"} and self.shows_data and resolved.rows is None and resolved.empty_place is None:
                self._show(item.name, served)
            else:
                self._copy(item.name)
        if served:
            self._mount(served)
        for item in self.assessment.step.inputs:
            if item.mode == "direct":
                dataset = dataset_part(self.workspace, item, self.assessment.inputs[item.name], self.paths[item.name])
                self.datasets[item.name], self.paths[item.name] = dataset, dataset["id"]

    @property
    def views_from(self) -> int:
        """The process that has the sources of ``views`` mounted, 0 if the machine has."""
        return 0 if self._remote is None else self._remote.process

    def launch(self, backend: ComputeBackend, request: LaunchRequest) -> tuple[JobHandle, LaunchRequest]:
        """Start the job that ``request`` asks for, with copies of its inputs where they cannot be shown, and return it and what was asked for then.

        :raises DefinitionError: it can never be started
        :raises InfrastructureError: it could not be started now
        """
        try:
            return backend.launch(request), request
        except ViewRefusedError as error:
            self.say(f"inputs are copied instead of mounted: {error}")
            request = self.copy_instead(request)
            return backend.launch(request), request

    def copy_instead(self, request: LaunchRequest) -> LaunchRequest:
        """Put copies where ``request`` wanted to show data: same paths, so that nothing else of it changes.

        :raises SourceChangedError: data changed since it was identified
        :raises InfrastructureError: something could not be read or written
        """
        self.close()
        for view in self.views:
            view.remove_target()
        for name in dict.fromkeys(view.name for view in self.views):
            self._copy(name)
        self.views.clear()
        return replace(request, views=(), views_from=0)

    def close(self) -> None:
        """Unmount what was mounted; twice is fine."""
        if self._remote is not None:
            self._remote.close()

    def _show(self, name: str, served: dict[str, tuple[ServedFile, ...]]) -> None:
        resolved, target = self.assessment.inputs[name], self.folder.inputs / name
        views = views_of(self.workspace, resolved, target)
        if not isinstance(views, str):
            self.paths[name] = show_input(resolved, views, target)
            self.views += views
            return
        is_local = any(self.workspace.datastores.open(part.datastore).local_path(part.path) for part in resolved.parts)
        if is_local or not self.mounts_remote:
            self._copy(name, views)
            return
        from airflow_amlpipe.workspace.serving import files_of

        files = files_of(self.workspace, resolved)
        if isinstance(files, str):
            self._copy(name, files)
        else:
            served[name] = files

    def _mount(self, served: dict[str, tuple[ServedFile, ...]]) -> None:
        from airflow_amlpipe.compute.remote_views import RemoteViews

        try:
            # The process that reads may not use the task's log; whoever follows the run sees its notices.
            self._remote = RemoteViews(served, self.folder.root / "mounted", self.folder.note)
        except ViewRefusedError as error:
            for name in served:
                self._copy(name, str(error))
            return
        for name, files in served.items():
            resolved, target = self.assessment.inputs[name], self.folder.inputs / name
            below = files[0].path if resolved.is_file else ""
            view = View(name, self._remote.place / name / below, target / below, is_folder=not resolved.is_file, is_pinned=True)
            self.paths[name] = show_input(resolved, (view,), target)
            self.views.append(view)

    def _copy(self, name: str, reason: str = "") -> None:
        if reason:
            self.say(f"input {name!r} is copied instead of mounted: {reason}")
        self.paths[name] = fetch_input(self.workspace, self.assessment.inputs[name], self.folder.inputs / name, say=self.say)
