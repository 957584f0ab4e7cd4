"""What does a registered model tell of itself, and how does it come to this machine? (the same on the host and in a step)"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.errors import ModelNotFoundException, UserErrorException, WebserviceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Dict, Iterable, List, Mapping, Optional

__all__ = ["MODELS_FOLDER", "Framework", "ModelMethods", "choose_models", "dataset_pairs", "find_local_model", "has_all", "texts"]

MODELS_FOLDER = "azureml-models"


class Framework:
    """What models are made with, as ``Model.register(model_framework=...)`` takes it."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKITLEARN = "ScikitLearn"
    ONNX = "Onnx"
    PYTORCH = "PyTorch"
    MULTI = "Multi"


class ModelMethods:
    """A version of a model; who mixes this in says how it is fetched and changed.

    :ivar told: the version as the workspace has written it down
    """

    Framework = Framework

    workspace: Any
    _told: Mapping[str, Any]

    def _fetch(self, folder: str) -> None:
        """Put the model's files below ``folder``."""
        raise NotImplementedError

    def _change(self, **changes: Any) -> None:
        """Write down what changes, which is all of ``_changes``, and tell from now on how the model stands then."""
        raise NotImplementedError

    def _find_dataset(self, dataset_id: str) -> Any:
        """Return a dataset by its id."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name it is registered under."""
        name: str = self._told["name"]
        return name

    @property
    def version(self) -> int:
        """Its version under that name, from 1 on."""
        version: int = self._told["version"]
        return version

    @property
    def id(self) -> str:
        """``name:version``."""
        return "%s:%d" % (self.name, self.version)

    @property
    def description(self) -> Optional[str]:
        """What its author wrote."""
        description: Optional[str] = self._told["description"]
        return description

    @property
    def tags(self) -> Dict[str, str]:
        """What its author noted, and may note anew."""
        return dict(self._told["tags"])

    @property
    def properties(self) -> Dict[str, str]:
        """What its author noted once and for all."""
        return dict(self._told["properties"])

    @property
    def created_time(self) -> datetime:
        """When it was registered."""
        from datetime import datetime

        return datetime.strptime(self._told["created_at"][:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")

    @property
    def model_framework(self) -> Optional[str]:
        """What it was made with."""
        return self._told["framework"] or None

    @property
    def model_framework_version(self) -> Optional[str]:
        """Which version of that."""
        return self._told["framework_version"] or None

    @property
    def experiment_name(self) -> Optional[str]:
        """The experiment of the run that made it."""
        return self._told["experiment"] or None

    @property
    def run_id(self) -> Optional[str]:
        """The run that made it, a step's where a step did."""
        return self._told["run_id"] or None

    @property
    def run(self) -> Any:
        """The run that made it, or ``None``."""
        return None if self.run_id is None else self.workspace.get_run(self.run_id)

    @property
    def datasets(self) -> Dict[str, List[Any]]:
        """The datasets it was made with, by what for."""
        found: Dict[str, List[Any]] = {}
        for purpose, dataset_id in self._told["datasets"]:
            found.setdefault(purpose, []).append(self._find_dataset(dataset_id))
        return found

    @property
    def url(self) -> str:
        """What SDK v1 called it inside its store."""
        return "aml://asset/%s" % self.id

    @property
    def unpack(self) -> bool:
        """Whether it is a folder."""
        return not self._told["is_file"]

    def download(self, target_dir: Any = ".", exist_ok: bool = False, exists_ok: Optional[bool] = None) -> str:
        """Copy the model to a local folder and return where it is now: its file, or its folder.

        :raises WebserviceException: something of its name is there already, and ``exist_ok`` is ``False``
        """
        folder = os.path.abspath(os.fspath(target_dir))
        place = os.path.join(folder, *self._entry().split("/"))
        may_be_there = exist_ok if exists_ok is None else exists_ok
        if os.path.exists(place) and not may_be_there:
            raise WebserviceException("model %s: %.300r exists already; use exist_ok=True, or another target_dir" % (self.id, place))
        os.makedirs(folder, exist_ok=True)
        self._fetch(folder)
        return place if os.path.isabs(os.fspath(target_dir)) else os.path.relpath(place)

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; the others stay."""
        self._change(**_changes(tags=texts("tags", tags)))

    def remove_tags(self, tags: Any) -> None:
        """Take tags away, named or as a list of names; those that are not set are passed over."""
        self._change(**_changes(removed_tags=_names(tags)))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Set properties, each only once.

        :raises UserErrorException: one has another value already
        """
        self._change(**_changes(properties=texts("properties", properties)))

    def update(
        self,
        tags: Optional[Mapping[str, Any]] = None,
        description: Optional[str] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> None:
        """Replace the tags, the description, or both."""
        self._change(**_changes(tags=texts("tags", tags), replaces_tags=tags is not None, description=description))

    def update_tags_properties(
        self, add_tags: Optional[Mapping[str, Any]] = None, remove_tags: Any = None, add_properties: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Add and remove tags, and add properties."""
        changes = _changes(
            tags=texts("add_tags", add_tags), removed_tags=_names(remove_tags or ()), properties=texts("add_properties", add_properties)
        )
        self._change(**changes)

    def add_dataset_references(self, datasets: Iterable[Any]) -> None:
        """Note datasets that the model was made with: a list of (what for, dataset)."""
        self._change(**_changes(datasets=dataset_pairs(datasets)))

    def serialize(self) -> Dict[str, Any]:
        """Return what is known of the model."""
        return {
            "createdTime": self._told["created_at"],
            "description": self.description,
            "experimentName": self.experiment_name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "id": self.id,
            "name": self.name,
            "properties": self.properties,
            "runId": self.run_id,
            "tags": self.tags,
            "unpack": self.unpack,
            "url": self.url,
            "version": self.version,
        }

    def _entry(self) -> str:
        first: str = next(iter(self._told["files"]))
        return first if self._told["is_file"] else first.split("/", maxsplit=1)[0]

    def __repr__(self) -> str:
        return "Model(workspace=%r, name=%s, id=%s, version=%d, tags=%s, properties=%s)" % (
            self.workspace,
            self.name,
            self.id,
            self.version,
            self.tags,
            self.properties,
        )


def _changes(
    tags: Optional[Dict[str, str]] = None,
    removed_tags: Iterable[str] = (),
    replaces_tags: bool = False,
    properties: Optional[Dict[str, str]] = None,
    description: Optional[str] = None,
    datasets: Iterable[List[str]] = (),
) -> Dict[str, Any]:
    # Only what changes: another process may change something else of the same version.
    return {
        "tags": tags or {},
        "removed_tags": list(removed_tags),
        "replaces_tags": replaces_tags,
        "properties": properties or {},
        "description": description,
        "datasets": list(datasets),
    }


def _names(tags: Any) -> List[str]:
    return [tags] if isinstance(tags, str) else [str(name) for name in tags]


def choose_models(
    known: Iterable[Mapping[str, Any]],
    tags: Any = None,
    properties: Any = None,
    run_id: Optional[str] = None,
    framework: Optional[str] = None,
    dataset_id: Optional[str] = None,
    version: Any = None,
    latest: bool = False,
) -> List[Mapping[str, Any]]:
    """Return the versions that are as asked for, the newest first.

    :param tags: names, and pairs of name and value, that a version has to have
    :param latest: of each name only the highest version
    """
    found = [
        model
        for model in known
        if has_all(model["tags"], tags)
        and has_all(model["properties"], properties)
        and run_id in (None, model["run_id"])
        and framework in (None, model["framework"])
        and (dataset_id is None or dataset_id in [pair[1] for pair in model["datasets"]])
        and (version is None or str(model["version"]) == str(version))
    ]
    found.sort(key=lambda model: (model["created_at"], model["version"]), reverse=True)
    if not latest:
        return found
    highest: Dict[str, Mapping[str, Any]] = {}
    for model in sorted(found, key=lambda model: model["version"]):
        highest[model["name"]] = model
    return [model for model in found if highest[model["name"]] is model]


def find_local_model(name: str, version: Any = None) -> str:
    """Return where a model lies on this machine: below ``azureml-models/``, or at a path of its name.

    :raises ModelNotFoundException: nowhere
    """
    folder = os.path.join(MODELS_FOLDER, *str(name).split("/"))
    if os.path.isdir(folder):
        versions = sorted((int(entry) for entry in os.listdir(folder) if entry.isdigit()), reverse=True)
        for number in versions:
            if version is None or str(version) == str(number):
                place = os.path.join(folder, str(number))
                entries = os.listdir(place)
                return os.path.join(place, entries[0]) if len(entries) == 1 else place
        if version is None and not versions:
            return folder
    if os.path.exists(name):
        return str(name)
    raise ModelNotFoundException(
        "model %.200r%s is neither in %s nor at that path in %s; give the workspace it is registered in"
        % (name, "" if version is None else " version %s" % version, os.path.abspath(MODELS_FOLDER), os.getcwd())
    )


def texts(what: str, given: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    """Return tags or properties as texts.

    :raises UserErrorException: they are no mapping
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UserErrorException("model: %s must be a dictionary, not %.80r" % (what, given))
    return {str(key): value if isinstance(value, str) else str(value) for key, value in given.items()}


def dataset_pairs(datasets: Optional[Iterable[Any]]) -> List[List[str]]:
    """Return [(what for, dataset)] with the ids of the datasets.

    :raises UserErrorException: it is no such list, or a dataset has no id
    """
    pairs = []
    for pair in datasets or ():
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise UserErrorException("model: datasets must be a list of (what for, dataset), not of %.80r" % (pair,))
        dataset_id = getattr(pair[1], "id", None)
        if not isinstance(dataset_id, str):
            raise UserErrorException("model: the dataset for %r has no id; register it first" % pair[0])
        pairs.append([pair[0], dataset_id])
    return pairs


def has_all(known: Mapping[str, str], wanted: Any) -> bool:
    """Whether tags (or properties) are those wanted: a name, ``{name: value}`` or ``[name, [name, value]]``."""
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return wanted in known
    items = list(wanted.items()) if isinstance(wanted, dict) else list(wanted)
    return all(item in known if isinstance(item, str) else known.get(item[0]) == item[1] for item in items)
