"""Which lines of an environment's definition are handed to an installer, and in which form?

An installer reads more than requirements: options, other files, local folders. So every line has to be a requirement (a name with versions
and a marker, or a URL), options come from a short list, and nothing of either ever meets a shell (S32). The check is stricter than PEP 508
where that costs no real package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_amlpipe.exceptions import EnvironmentBuildError, shorten
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.secret_urls import redact

__all__ = ["CondaPackages", "Requirements", "parse_conda_packages", "parse_requirements"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_URL = r"(?:(?:git\+)?https?|git\+ssh|file)://[^\s;]+"
_MARKER_NAME = r"(?:python_version|python_full_version|sys_platform|os_name|implementation_name|implementation_version|extra|platform_\w+)"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[(?P<extras>[A-Za-z0-9._,\s-]*)\])?\s*"
    rf"(?P<rest>(?:@\s*{_URL}|\(?\s*{_VERSION}(?:\s*,\s*{_VERSION})*\s*\)?)?)"
    r"\s*(?:;\s*(?P<marker>.+))?"
)
_BARE_URL = re.compile(_URL + r"(?:\s*;\s*(?P<marker>.+))?")
_MARKER = re.compile(rf"[\s()]*(?:{_MARKER_NAME}|'[^'\"]*')[\w\s.'\"<>=!~()+-]*|[\s()]*\"[^'\"]*\"[\w\s.'\"<>=!~()+-]*")
_OPTION = re.compile(r"(?P<name>--?[a-z-]+)(?:(?:\s*=\s*|\s+)(?P<value>\S+))?")
_OPTIONS = {
    "--index-url": True,
    "-i": True,
    "--extra-index-url": True,
    "--find-links": True,
    "-f": True,
    "--trusted-host": True,
    "--no-index": False,
    "--pre": False,
}
_LONG = {"-i": "--index-url", "-f": "--find-links"}

_CONDA = re.compile(r"(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<version>[=<>!~][=<>!~A-Za-z0-9.,|*+_\s-]*)?")
# ``*`` stands where a login was taken out (spec/secret_urls.py).
_CHANNEL = re.compile(r"[A-Za-z0-9_][\w.:/@%+*-]*")


@dataclass(frozen=True, slots=True)
class Requirements:
    """What pip is to install.

    :ivar lines: requirement lines
    :ivar options: pairs of option and value (empty for an option without one)
    :ivar left_out: what the runtime serves, and is therefore not installed
    """

    lines: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """What is to be installed, without versions; a bare URL has no name."""
        return frozenset(_plain(found["name"]) for line in self.lines if (found := _REQUIREMENT.fullmatch(line)) is not None)


@dataclass(frozen=True, slots=True)
class CondaPackages:
    """What conda is to install, and the version of Python among it."""

    packages: tuple[str, ...]
    channels: tuple[str, ...]
    python_version: str | None

    @property
    def names(self) -> frozenset[str]:
        """What is to be installed, without versions."""
        return frozenset(_plain(found["name"]) for package in self.packages if (found := _CONDA.fullmatch(package)) is not None)

    def as_requirements(self) -> tuple[str, ...]:
        """Return the packages as requirement lines, under the same names; builds and channels fall away."""
        return tuple(_as_requirement(package) for package in self.packages)


def parse_requirements(spec: EnvironmentSpec) -> Requirements:
    """Return the requirement lines and options of ``spec``, checked.

    ``azureml-*`` packages are left out, and the extra ``azureml`` of others: the runtime serves what a script needs of them.

    :raises EnvironmentBuildError: a line is no requirement, or an option that is not on the list
    """
    lines: list[str] = []
    left_out: list[str] = []
    for given in spec.pip_requirements:
        line = re.sub(r"(^|\s)#.*$", "", given).strip()
        if not line:
            continue
        found = _check_requirement(spec, given, line)
        name = _plain(found["name"]) if "name" in found else ""
        if name == "azureml" or name.startswith("azureml-"):
            left_out.append(line)
            continue
        extras = [extra.strip() for extra in (found.get("extras") or "").split(",") if extra.strip()]
        if "azureml" in extras:
            left_out.append(f"[azureml] of {name}")
            kept = ",".join(extra for extra in extras if extra != "azureml")
            line = line.replace(f"[{found['extras']}]", f"[{kept}]" if kept else "", 1)
        lines.append(line)
    return Requirements(tuple(lines), tuple(_parse_options(spec)), tuple(left_out))


def parse_conda_packages(spec: EnvironmentSpec) -> CondaPackages:
    """Return the conda packages of ``spec``, checked; ``python`` becomes the version, ``pip`` falls away.

    :raises EnvironmentBuildError: one is no package specification
    """
    packages: list[str] = []
    python_version = None
    for given in spec.conda_packages:
        found = _CONDA.fullmatch(given.strip())
        if found is None or (found["channel"] or "").startswith("-"):
            raise EnvironmentBuildError(
                f"environment {spec.name!r}: the conda package {shorten(repr(given))} cannot be used; write it as name, name=1.2 or channel::name=1.2"
            )
        name = found["name"].lower()
        if name == "python":
            version = re.match(r"[=~><\s]*(\d+(?:\.\d+)*)", found["version"] or "")
            python_version = version[1] if version else python_version
        elif name == "pip":
            continue
        elif name != "azureml" and not name.startswith("azureml-"):
            packages.append(re.sub(r"\s+", "", given))
    for channel in spec.conda_channels:
        if not _CHANNEL.fullmatch(channel):
            raise EnvironmentBuildError(
                f"environment {spec.name!r}: the conda channel {shorten(repr(redact(channel)))} cannot be used; give a name or a URL"
            )
    return CondaPackages(tuple(packages), tuple(spec.conda_channels), python_version)


def _plain(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _check_requirement(spec: EnvironmentSpec, given: str, line: str) -> dict[str, str]:
    where = f"environment {spec.name!r}: the pip requirement {shorten(repr(redact(given)))}"
    if line.startswith("-"):
        raise EnvironmentBuildError(f"{where} is an option; options of pip are given on their own, and only: {_list_options()}")
    found = _REQUIREMENT.fullmatch(line) or _BARE_URL.fullmatch(line)
    if found is None or not line.isprintable() or (found["marker"] is not None and not _MARKER.fullmatch(found["marker"])):
        raise EnvironmentBuildError(
            f"{where} cannot be used; write name==1.2 (with a marker: name==1.2; python_version < '3.9'), or name @ https://... for a file"
        )
    return {key: value for key, value in found.groupdict().items() if value is not None}


def _parse_options(spec: EnvironmentSpec) -> Iterable[tuple[str, str]]:
    for given in spec.pip_options:
        found = _OPTION.fullmatch(given.strip())
        takes_value = _OPTIONS.get(found["name"]) if found else None
        if found is None or takes_value is None or takes_value != (found["value"] is not None):
            raise EnvironmentBuildError(
                f"environment {spec.name!r}: the pip option {shorten(repr(redact(given)))} cannot be used; use one of: {_list_options()}"
            )
        name, value = _LONG.get(found["name"], found["name"]), found["value"] or ""
        if value.startswith("-"):
            raise EnvironmentBuildError(
                f"environment {spec.name!r}: the pip option {shorten(repr(redact(given)))} has no value; give one that does not start with '-'"
            )
        if name == "--find-links" and "://" not in value and not value.startswith("/"):
            raise EnvironmentBuildError(
                f"environment {spec.name!r}: --find-links {shorten(repr(value))} is relative; give an absolute path or a URL"
            )
        yield name, value


def _list_options() -> str:
    return ", ".join(name for name in _OPTIONS if name.startswith("--"))


def _as_requirement(package: str) -> str:
    found = _CONDA.fullmatch(package)
    name, version = (found["name"], found["version"] or "") if found else (package, "")
    exact = re.fullmatch(r"=(?!=)([^=]+)(?:=.*)?", version)
    if exact:
        return f"{name}=={exact[1]}" if exact[1].endswith("*") else f"{name}=={exact[1]}.*"
    double = re.fullmatch(r"==([^=]+)=.*", version)
    return f"{name}=={double[1]}" if double else name + version.replace("|", ",")
