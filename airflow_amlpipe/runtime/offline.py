"""What happens when a script that talks to its run is started by hand?

It works: what it logs is printed and kept in memory, and everything a step's run has is there (SDK v1's had no ``experiment``, ``parent``,
``input_datasets`` or ``get_metrics``). Nothing is recorded anywhere.
"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002, A002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.artifacts import artifact_name
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.run import Run
from airflow_amlpipe.runtime.surroundings import offline_experiment
from airflow_amlpipe.runtime.values import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Sequence

    from airflow_amlpipe.runtime.protocol import Event

__all__ = ["OfflineRun"]


class OfflineRun(Run):
    """A run outside any step; scripts know it by ``run.id.startswith("OfflineRun")``."""

    type = "azureml.OfflineRun"

    def __init__(self, parent: Optional[OfflineRun] = None) -> None:
        import uuid

        self.id = "OfflineRun_%s" % uuid.uuid4()
        self.name = self.id
        self.number = 1
        self.experiment = offline_experiment() if parent is None else parent.experiment
        self.input_datasets: Dict[str, Any] = {}
        self.output_datasets: Dict[str, Any] = {}
        self._is_parent = parent is not None
        self._parent: Optional[OfflineRun] = None
        self._remembered: List[Event] = []
        self._files: Dict[str, str] = {}
        self._children: List[OfflineRun] = []

    @property
    def parent(self) -> Optional[Run]:  # type: ignore[override]
        """Another offline run in the place of the pipeline's; ``None`` for that one."""
        if self._is_parent:
            return None
        if self._parent is None:
            self._parent = OfflineRun(parent=self)
        return self._parent

    def _record(self, event: Event) -> None:
        self._remembered.append(event)
        kind = event["kind"]
        if kind == "metric":
            print("Attempted to log %s metric %s:\n%s" % (event["type"].replace("_", " "), event["name"], from_json(event["value"])))
        elif kind == "untag":
            print("Attempted to remove tag %s" % event["key"])
        else:
            print("Attempted to set %s %s:\n%s" % (kind, event["key"], event["value"]))

    def _events(self) -> List[Event]:
        return self._remembered

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Optional[str] = None) -> None:
        clean = artifact_name(name)
        is_stream = hasattr(path_or_stream, "read")
        path = "" if is_stream else os.path.abspath(os.fspath(path_or_stream))
        if not is_stream and not os.path.isfile(path):
            raise UserErrorException("artifact %.200r: there is no file at %.200r (in %s)" % (clean, path_or_stream, os.getcwd()))
        print("Attempted to upload file %s:\n%s" % (clean, path_or_stream))
        self._files[clean] = path

    def get_file_names(self) -> List[str]:
        return sorted(self._files)

    def download_file(self, name: str, output_file_path: Any = None, _validate_checksum: bool = False) -> None:
        import shutil

        clean = artifact_name(name)
        source = self._files.get(clean, "")
        if not os.path.isfile(source):
            raise UserErrorException("artifact %.200r cannot be downloaded: this run is offline, so nothing was kept of it" % (clean,))
        target = os.path.basename(clean) if output_file_path is None else os.fspath(output_file_path)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(clean))
        if not (os.path.exists(target) and os.path.samefile(source, target)):
            shutil.copyfile(source, target)

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None) -> OfflineRun:
        """Return another offline run below this one."""
        child = OfflineRun(parent=self)
        child._is_parent, child._parent = False, self
        child.name = name or child.id
        self._children.append(child)
        return child

    def create_children(
        self, count: Optional[int] = None, tag_key: Optional[str] = None, tag_values: Optional[Sequence[Any]] = None
    ) -> List[OfflineRun]:
        """Return several offline runs below this one."""
        children = [self.child_run() for _ in (range(count or 0) if tag_values is None else tag_values)]
        for child, value in zip(children, tag_values or ()):
            child.tag(str(tag_key), value)
        return children

    def get_children(
        self, recursive: bool = False, tags: Any = None, properties: Any = None, type: Any = None, status: Any = None, **_: Any
    ) -> Iterator[Run]:
        """Return an iterator over the runs below this one."""
        return iter(list(self._children))

    def register_model(self, model_name: str, model_path: Any = None, *_: Any, **__: Any) -> None:
        """Say what would be registered."""
        print("Attempted to register model %s:\n%s" % (model_name, model_name if model_path is None else model_path))

    def cancel(self) -> None:
        """Say that there is nothing to stop."""
        print("Attempted to cancel the run")
