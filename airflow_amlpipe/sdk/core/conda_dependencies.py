"""Which packages does a step need?

A conda specification, kept as the dictionary that its YAML is. Unlike SDK v1, a specification whose author named no Python version has
none: the step then runs on the Python that the back end has, and not on one of 2022.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_items, check_local_path, check_text
from airflow_amlpipe.sdk._yaml import dump_yaml, read_yaml
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["CondaDependencies"]


class _Default(str):
    """SDK v1's default value, which can be told from the same text given by the author."""

    __slots__ = ()


_PYTHON_VERSION = _Default("3.10.18")
_CHANNELS = ("anaconda", "conda-forge")
_NAME = re.compile(r"[\s=<>!~\[;@].*", re.DOTALL)


class CondaDependencies:
    """Conda packages, pip requirements, channels and pip options of an environment.

    :param conda_dependencies_file_path: an existing conda specification to start from
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    def __init__(self, conda_dependencies_file_path: str | None = None, _underlying_structure: dict[str, Any] | None = None) -> None:
        if conda_dependencies_file_path is not None and _underlying_structure is not None:
            raise UserErrorException("CondaDependencies: give a file or a structure, not both")
        if conda_dependencies_file_path is not None:
            file = check_local_path("CondaDependencies: conda_dependencies_file_path", conda_dependencies_file_path)
            _underlying_structure = read_yaml(file, "conda specification")
        structure = {} if _underlying_structure is None else copy.deepcopy(_underlying_structure)
        self._name = structure.get("name", "project_environment")
        self._channels: list[str] = [str(channel) for channel in structure.get("channels") or (_CHANNELS if not structure else ())]
        self._conda: list[str] = []
        self._pip: list[str] = []
        self._options: list[str] = []
        self._python_version: str | None = None
        self._read(structure.get("dependencies") or [])

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str | None = _PYTHON_VERSION,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Return a specification of these packages.

        :param python_version: the step's Python; SDK v1's default, when it is not given, asks for none
        :param pin_sdk_version: without effect: `azureml` packages are never installed
        """
        made = CondaDependencies()
        if python_version is not None and not isinstance(python_version, _Default):
            made.set_python_version(python_version)
        if pip_indexurl is not None:
            made.set_pip_index_url(pip_indexurl)
        for package in _listed("conda_packages", conda_packages):
            made.add_conda_package(package)
        for package in _listed("pip_packages", pip_packages):
            made.add_pip_package(package)
        return made

    def add_channel(self, channel: str) -> None:
        _add(self._channels, check_text("CondaDependencies: add_channel: channel", channel))

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package; one of the same name is replaced, and ``python=...`` sets the Python version."""
        if _project(conda_package) == "python":
            self._python_version = _python_of(conda_package)
            return
        _replace(self._conda, conda_package)

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip requirement; one of the same name is replaced."""
        _replace(self._pip, pip_package)

    def remove_channel(self, channel: str) -> None:
        _remove(self._channels, channel)

    def remove_conda_package(self, conda_package: str) -> None:
        self._conda = [package for package in self._conda if _project(package) != _project(conda_package)]

    def remove_pip_package(self, pip_package: str) -> None:
        self._pip = [package for package in self._pip if _project(package) != _project(pip_package)]

    def set_pip_index_url(self, index_url: str) -> None:
        """Let pip look for packages at ``index_url`` only."""
        self._options = [option for option in self._options if not option.startswith("--index-url")]
        self._options.append(f"--index-url {index_url}")

    def set_pip_option(self, pip_option: str) -> None:
        """Add a line such as ``--extra-index-url https://...``."""
        _add(self._options, check_text("CondaDependencies: set_pip_option: pip_option", pip_option))

    def remove_pip_option(self, pip_option: str) -> None:
        _remove(self._options, pip_option)

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace every pip requirement and option."""
        self._pip, self._options = [], []
        for line in pip_requirements:
            _add(self._options if str(line).startswith("-") else self._pip, str(line))

    def set_python_version(self, version: str) -> None:
        """Ask for a Python version, such as ``3.11``."""
        if not re.fullmatch(r"\d+(\.\d+){0,2}(\.\*)?", str(version)):
            raise UserErrorException(f"CondaDependencies: python version {shorten(repr(version))} cannot be used; write it like '3.11'")
        self._python_version = str(version)

    def get_python_version(self) -> str | None:
        """Return the Python version that was asked for, ``None`` if none was."""
        return self._python_version

    def get_default_number_of_packages(self) -> int:
        return 0

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(list(self._channels))

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter(list(self._conda))

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter(list(self._pip))

    @property
    def pip_options(self) -> Iterator[str]:
        return iter(list(self._options))

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        """Return the requirements with those of one package joined, as ``a>=1`` and ``a<2`` to ``a>=1,<2``."""
        merged: dict[str, list[str]] = {}
        for requirement in requirements:
            name = _NAME.sub("", requirement.strip())
            merged.setdefault(name, []).append(requirement.strip()[len(name) :])
        return [name + ",".join(part for part in dict.fromkeys(parts) if part) for name, parts in merged.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return the conda specification as its YAML holds it."""
        dependencies: list[Any] = [f"python={self._python_version}"] if self._python_version else []
        dependencies += self._conda
        if self._pip or self._options:
            dependencies.append({"pip": [*self._options, *self._pip]})
        return {"name": self._name, "dependencies": dependencies, "channels": list(self._channels)}

    def __repr__(self) -> str:
        # Imported when it is shown: who imports the SDK alone does not load a specification.
        from airflow_amlpipe.spec.secret_urls import redact

        return f"CondaDependencies({redact(repr(self.as_dict()))})"

    def serialize_to_string(self) -> str:
        """Return the conda specification as YAML text."""
        return dump_yaml(self.as_dict())

    def save(self, path: str | None = None) -> str:
        """Write the conda specification to ``path`` (a file, or a folder for ``conda_dependencies.yml``) and return its path."""
        target = Path(path) if path is not None else Path("conda_dependencies.yml")
        if target.is_dir():
            target = target / "conda_dependencies.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.serialize_to_string())
        return str(target)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write the conda specification below ``base_directory`` and return its path relative to it."""
        relative = conda_file_path or "conda_dependencies.yml"
        self.save(str(Path(base_directory, relative)))
        return relative

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow as a pip requirement; ``core_type`` is ``cpu`` or ``gpu``, which are one package today."""
        self.add_pip_package(_tensorflow(core_type, version))

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow as a conda package; ``core_type`` is ``cpu`` or ``gpu``, which are one package today."""
        self.add_conda_package(_tensorflow(core_type, version, "="))

    add_cntk_package = absent("CondaDependencies.add_cntk_package", "use another framework: CNTK is not published any more")
    sdk_origin_url = absent("CondaDependencies.sdk_origin_url", "leave it out: `azureml` packages are never installed")

    def _has(self, project: str) -> bool:
        return any(_project(package) == project for package in (*self._conda, *self._pip))

    def _read(self, dependencies: Any) -> None:
        if not isinstance(dependencies, list):
            raise UserErrorException(f"conda specification: dependencies must be a list, not {shorten(repr(dependencies))}")
        for item in dependencies:
            if isinstance(item, str):
                self.add_conda_package(item)
            elif isinstance(item, dict) and set(item) == {"pip"} and isinstance(item["pip"], list):
                for line in item["pip"]:
                    _add(self._options if str(line).startswith("-") else self._pip, str(line))
            else:
                raise UserErrorException(
                    f"conda specification: dependency {shorten(repr(item))} is neither text nor a pip section; correct it"
                )


def _tensorflow(core_type: str, version: str | None, equals: str = "==") -> str:
    if core_type not in {"cpu", "gpu"}:
        raise UserErrorException(f"CondaDependencies: core_type {shorten(repr(core_type))} is not known; use 'cpu' or 'gpu'")
    return "tensorflow" if version is None else f"tensorflow{equals}{version}"


def _listed(what: str, packages: Iterable[str] | None) -> list[str]:
    if isinstance(packages, str):
        raise UserErrorException(
            f"CondaDependencies.create: {what} must be a list of packages, not the text {shorten(repr(packages))}; write [{packages!r}]"
        )
    return check_items(f"CondaDependencies.create: {what}", packages or ())


def _project(package: object) -> str:
    if not isinstance(package, str) or not package.strip() or not package.isprintable():
        raise UserErrorException(f"CondaDependencies: {shorten(repr(package))} is no package; write it like 'pandas==2.2.0'")
    return re.sub(r"[-_.]+", "-", _NAME.sub("", package.strip()).rpartition("::")[2]).lower()


def _python_of(package: str) -> str | None:
    version = re.sub(r"^\s*(?:[\w-]+::)?python\s*", "", package).strip()
    return version.lstrip("= ").strip() or None if version.startswith("=") or not version else version


def _add(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)


def _remove(items: list[str], item: str) -> None:
    if item in items:
        items.remove(item)


def _replace(packages: list[str], package: str) -> None:
    project = _project(package)
    for index, known in enumerate(packages):
        if _project(known) == project:
            packages[index] = package.strip()
            return
    packages.append(package.strip())
