"""Which options can be set, where are they read, and what do they mean?

An option is read, in this order, from the environment variable ``AMLPIPE_<FIELD>``, from the section ``[amlpipe]`` of Airflow's
configuration (which has its own variables, ``AIRFLOW__AMLPIPE__<FIELD>``), and from the default below. Airflow's configuration is asked
only where Airflow is imported already: reading a setting never starts Airflow.

``Settings.load()`` belongs to the edges (operators, hooks, services, command line); everything below them is handed values.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["SECTION", "Settings", "option_type"]

SECTION: Final = "amlpipe"
_ADDED: Final = "0.1.0"
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"0", "false", "f", "no", "n", "off"})
_SIZE_UNITS: Final = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def _option(default: Any, describes: str, example: str | None = None, *, added: str = _ADDED, least: float | None = None) -> Any:
    return field(default=default, metadata={"describes": describes, "example": example, "added": added, "least": least})


def _default_home() -> Path:
    return Path("~/.amlpipe").expanduser()


@dataclass(frozen=True)
class Settings:
    """Options of the ``[amlpipe]`` section; each field is documented in docs/reference/settings.md."""

    home: Path = field(
        default_factory=_default_home,
        metadata={
            "describes": "Folder for everything kept without a server: workspaces, built environments, memos of file digests. "
            "Without it: ``~/.amlpipe``.",
            "example": "/var/lib/amlpipe",
            "added": _ADDED,
            "least": None,
        },
    )
    workspace: str | None = _option(
        None,
        "Root of the workspace that pipelines use when they name none: a folder or a URL. Without it: the workspace that the pipeline's "
        "config.json describes.",
        "file:///srv/amlpipe/workspaces/team",
    )
    workspace_conn_id: str | None = _option(
        None,
        "Airflow connection to log in with to a workspace that is no folder, where its config.json or the task names none. Without it: what "
        "the environment of the process says.",
        "amlpipe_workspace_s3",
    )
    api_url: str | None = _option(
        None,
        "Root of the REST API that the URLs of published pipelines and endpoints begin with (``PublishedPipeline.endpoint``). Without it: "
        "``/amlpipe`` on Airflow's API server (``AIRFLOW__API__BASE_URL``), else on http://localhost:8080.",
        "https://airflow.example.com/amlpipe",
    )
    file_share_root: str | None = _option(
        None,
        "Where Azure's file shares are mounted, or are served by SFTP: Datastore.register_azure_file_share looks for a share in "
        "``<file_share_root>/<account>/<share>``.",
        "/mnt/shares",
    )
    allowed_local_roots: tuple[str, ...] = _option(
        (),
        "Folders that datastores may have their root in, separated by commas; links are followed first. Without it: every folder but those of "
        "the system, Airflow's dags, plugins, logs and config, and whatever holds Airflow's own folder.",
        "/srv/data,/mnt/lake",
    )
    allowed_http_hosts: tuple[str, ...] = _option(
        (),
        "Servers that datastores on http and https may be on, separated by commas, a port behind a colon where it has to be that one. Without it: "
        "every server but this machine. Addresses of the link (169.254.0.0/16, the metadata services of clouds) are always refused.",
        "files.example.com,127.0.0.1:8080",
    )
    source_limit_bytes: int = _option(
        2 * 1024**3,
        "A source folder larger than this is refused when its snapshot is taken (Azure ML's own limit, 300 MB, is only warned about). "
        "A number of bytes, or a number with k, M, G or T behind it.",
        "4294967296",
        least=1,
    )
    source_limit_files: int = _option(
        100_000,
        "A source folder with more files than this is refused when its snapshot is taken (Azure ML's own limit, 2000, is only warned about).",
        "20000",
        least=1,
    )
    poll_interval_seconds: float = _option(
        0.2, "How often a running step is looked at, and its log carried on, in seconds.", "1.0", least=0.01
    )
    terminate_grace_seconds: float = _option(
        10.0,
        "How long the processes of a step that is stopped may take to end by themselves before they are killed, in seconds. When Airflow "
        "stops the task itself it grants 5 seconds in all, whatever stands here.",
        "30",
        least=0,
    )
    single_flight: bool = _option(
        True,
        "Let a step wait while another run computes the same one, and take its result, instead of computing it too.",
        "False",
    )
    claim_ttl_seconds: float = _option(
        60.0,
        "A step that waits for another run takes over when that one has given no sign of life for so long, in seconds, by the waiter's own clock.",
        "120",
        least=0.1,
    )
    claim_beat_seconds: float = _option(
        15.0,
        "How often a step that is computed gives a sign of life, in seconds; at most a quarter of ``claim_ttl_seconds``. Not below 10 where the "
        "workspace is in an object store: Google Cloud Storage takes one write a second for each name.",
        "20",
        least=0.01,
    )
    claim_max_wait_seconds: float = _option(
        86400.0,
        "How long a step waits in all for other runs that compute the same one, in seconds; then it is computed all the same.",
        "3600",
        least=0,
    )
    changed_streak_warning: int = _option(
        4,
        "Warn when one thing alone (an argument, a parameter, a file) has made a step run in at least so many runs of its pipeline, one after "
        "the other. 0 never warns, and looks at no earlier run.",
        "0",
        least=0,
    )
    conda_packages_from_pypi: bool = _option(
        False,
        "Install the conda packages of an environment from PyPI under the same names where no conda is at hand, instead of refusing the environment.",
        "True",
    )
    mount_inputs: bool = _option(
        True,
        "Show a step its inputs of mode ``as_mount`` where their data lies, read-only, where the machine allows it. Set it to False to give "
        "every step copies: for scripts that write into their inputs, or hand the paths to a service outside the step.",
        "False",
    )
    mount_remote_inputs: bool = _option(
        True,
        "Where ``mount_inputs`` is on and the extra ``fuse`` is installed: show a step its inputs of mode ``as_mount`` on S3, Azure Blob and "
        "Google Cloud Storage through FUSE, reading what the script reads, instead of copying them before it starts. Better off for scripts "
        "that read everything, or read it more than once: a copy comes many files at a time.",
        "False",
    )
    python_downloads: bool = _option(
        False,
        "Let uv fetch the version of Python that an environment asks for where this machine does not have it, instead of using the worker's.",
        "True",
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings in force.

        :raises DefinitionError: a value cannot be read as its option's type; the message says where it was written
        """
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for option in fields(cls):
            variable = f"AMLPIPE_{option.name.upper()}"
            text, where = environ.get(variable), f"environment variable {variable}"
            if not text:
                text, where = _airflow_option(option.name), f"Airflow option [{SECTION}] {option.name}"
            if text:
                given[option.name] = _read(option, text, where)
        return cls(**given)


def option_type(option: Field[Any]) -> str:
    """Return the word for the type of an option that Airflow's configuration knows: string, integer, float or boolean."""
    default = None if option.default is MISSING else option.default
    return {bool: "boolean", int: "integer", float: "float"}.get(type(default), "string")


def _airflow_option(name: str) -> str | None:
    # The task process has the SDK's parser, the servers and the command line have the core's; both read the same files.
    for module_name in ("airflow.sdk.configuration", "airflow.configuration"):
        module = sys.modules.get(module_name)
        if module is not None:
            value: str | None = module.conf.get(SECTION, name, fallback=None)
            return value
    return None


def _read(option: Field[Any], text: str, where: str) -> Any:
    text = text.strip()
    try:
        value = _convert(option, text)
    except ValueError as error:
        kind = {"boolean": "true or false", "integer": "a whole number", "float": "a number"}.get(option_type(option), "text")
        raise DefinitionError(f"{where}: {shorten(repr(text))} cannot be used; give {kind}") from error
    least = option.metadata["least"]
    # "not >=" instead of "<", so that NaN is refused with the rest.
    if least is not None and not (least <= value < float("inf")):
        raise DefinitionError(f"{where}: {shorten(repr(text))} cannot be used; give at least {least:g}")
    return value


def _convert(option: Field[Any], text: str) -> Any:
    kind = option_type(option)
    if kind == "boolean":
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError(text)
        return text.lower() in _TRUE
    if kind == "integer":
        unit = _SIZE_UNITS.get(text[-1:].lower(), 1) if option.name.endswith("_bytes") else 1
        return int(text if unit == 1 else text[:-1]) * unit
    if kind == "float":
        return float(text)
    if isinstance(option.default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return Path(text).expanduser().absolute() if option.name == "home" else text
