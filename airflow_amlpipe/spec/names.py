"""Which names and relative paths may an author use?

Checked when a definition is built and again when it is resolved, so that a value bound later cannot slip past.
"""

from __future__ import annotations

import re
from posixpath import normpath

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.protocol import PREFIX_PARAMETER

__all__ = [
    "RESERVED_KEY",
    "check_binding_name",
    "check_display_name",
    "check_experiment_name",
    "check_parameter_name",
    "check_place_on_compute",
    "check_record_name",
    "check_relative_path",
    "check_step_id",
    "check_variable_name",
    "parameter_variable",
    "task_id_for",
]

LONGEST_NAME = 255
# S3 and Google Cloud Storage take 1,024 bytes; a store's own folders and a step's run id have to fit in as well.
_LONGEST_PATH = 800
RESERVED_KEY = "amlpipe"
"""Under this key a run's ``conf``, which holds the parameters by name, holds the options of the run itself."""

# SDK v1's rule for ports; that for datasets, which is stricter, is the SDK's (sdk/data/_config_helper.py).
_BINDING = re.compile(r"\w+")
# SDK v1 took any text and wrote "_" for what a variable's name cannot hold; these are the names that a shell and a form can show.
_PARAMETER = re.compile(r"\w[\w. -]*")
_NOT_IN_VARIABLE = re.compile(r"\W")
# SDK v1: azureml/core/experiment.py.
_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w\-]{0,254}", re.ASCII)
# Registered things become folders of the workspace store, and parts of URLs and asset names.
_RECORD = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?")
_TASK_ID = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_NOT_IN_TASK_ID = re.compile(r"[^A-Za-z0-9_.-]+")
_FOLDERS = frozenset({".", ".."})
_DRIVE = re.compile(r"[A-Za-z]:")


def check_binding_name(what: str, name: object) -> str:
    """Return ``name`` if it can name an input or an output: letters, digits and ``_``. It is a folder's name, and part of a variable's.

    :raises DefinitionError: it cannot; rename it
    """
    if not isinstance(name, str) or not _BINDING.fullmatch(name) or len(name.encode()) > LONGEST_NAME:
        raise DefinitionError(
            f"{what}: the name {shorten(repr(name))} cannot be used; use letters, digits and '_', at most {LONGEST_NAME} bytes of them"
        )
    return name


def check_parameter_name(what: str, name: object) -> str:
    """Return ``name`` if a pipeline parameter can be called so: as :func:`check_variable_name`, but not :data:`RESERVED_KEY`.

    :raises DefinitionError: it cannot; rename it
    """
    if name == RESERVED_KEY:
        raise DefinitionError(
            f"{what}: the name {name!r} is reserved: a run's conf holds its own options under it, beside the parameters; rename the parameter"
        )
    return check_variable_name(what, name)


def check_variable_name(what: str, name: object) -> str:
    """Return ``name`` if a script can be given a value under it: letters, digits, ``_``, ``-``, ``.`` and spaces, the first of them no ``-``, ``.`` or space.

    :raises DefinitionError: it cannot; rename it
    """
    if not isinstance(name, str) or not _PARAMETER.fullmatch(name) or len(name) > LONGEST_NAME:
        raise DefinitionError(
            f"{what}: the name {shorten(repr(name))} cannot be used; use letters, digits, '_', '-', '.' and spaces, "
            f"beginning with a letter, a digit or '_', at most {LONGEST_NAME} characters"
        )
    return name


def parameter_variable(name: str) -> str:
    """Return the environment variable that holds a parameter: ``AML_PARAMETER_learning_rate`` for ``learning-rate``, as in SDK v1."""
    return PREFIX_PARAMETER + _NOT_IN_VARIABLE.sub("_", name)


def check_record_name(what: str, name: object) -> str:
    """Return ``name`` if something can be registered under it.

    :raises DefinitionError: it cannot; rename it
    """
    if not isinstance(name, str) or not _RECORD.fullmatch(name) or len(name) > LONGEST_NAME:
        raise DefinitionError(
            f"{what}: the name {shorten(repr(name))} cannot be registered; use letters, digits, '_', '-', '.' and spaces "
            f"(no '.' or space at either end), at most {LONGEST_NAME} characters"
        )
    return name


def check_display_name(what: str, name: object) -> str:
    """Return ``name`` if people can be shown it as a title: printable, not empty, not longer than 255 characters.

    :raises DefinitionError: they cannot; rename it
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise DefinitionError(
            f"{what}: the name {shorten(repr(name))} cannot be used; use printable characters in one line, at most {LONGEST_NAME} of them"
        )
    return name


def check_experiment_name(what: str, name: object) -> str:
    """Return ``name`` if an experiment can be called so: letters, digits, ``_`` and ``-``, a letter or digit first.

    :raises DefinitionError: it cannot; rename it
    """
    if not isinstance(name, str) or not _EXPERIMENT.fullmatch(name):
        raise DefinitionError(
            f"{what}: the name {shorten(repr(name))} cannot be used; "
            f"use letters, digits, '_' and '-', beginning with a letter or digit, at most {LONGEST_NAME} of them"
        )
    return name


def check_relative_path(what: str, path: str) -> str:
    """Return ``path`` with ``/`` separators and without ``.`` parts, if it stays below the folder it is relative to.

    ``""`` is the folder itself. Absolute paths, ``..`` (also behind a part), drive letters, URLs and control characters are refused.

    :raises DefinitionError: the path leaves its folder
    """
    slashed = path.replace("\\", "/")
    parts = slashed.split("/")
    if slashed.startswith(("/", "~")) or ".." in parts or _DRIVE.match(slashed) or "://" in slashed or not slashed.isprintable():
        raise DefinitionError(
            f"{what}: the path {shorten(repr(path))} must be relative and stay below its root; remove '..' and leading '/'"
        )
    size = len(slashed.encode())
    if size > LONGEST_NAME and (size > _LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in parts)):
        raise DefinitionError(
            f"{what}: the path {shorten(repr(path))} is too long for a store; use at most {LONGEST_NAME} bytes between two '/', and {_LONGEST_PATH} in all"
        )
    below = normpath(slashed)
    return "" if below == "." else below


def check_place_on_compute(what: str, path: str | None) -> None:
    """Check where a script finds an input or writes an output, as its author wrote it: relative to the working folder, or absolute.

    :raises DefinitionError: the path is empty, leaves the working folder, or cannot be a path
    """
    if path is None:
        return
    if not path or (path.startswith("/") and (".." in path.split("/") or not path.isprintable())):
        raise DefinitionError(
            f"{what}: the path {shorten(repr(path))} cannot be used; name a folder below the working folder, or leave it out"
        )
    if not path.startswith("/"):
        check_relative_path(what, path)


def check_step_id(what: str, step_id: str) -> str:
    """Return ``step_id`` if it can be an Airflow task's and name a folder of the workspace store.

    :raises DefinitionError: it cannot; rename it
    """
    if not _TASK_ID.fullmatch(step_id) or step_id in _FOLDERS:
        raise DefinitionError(
            f"{what}: the id {shorten(repr(step_id))} cannot be used; use letters, digits, '_', '-' and '.' (not '.' or '..'), "
            "at most 250 characters"
        )
    return step_id


def task_id_for(name: str) -> str:
    """Return a task id that Airflow accepts for a step called ``name``; the caller makes it unique."""
    chosen = _NOT_IN_TASK_ID.sub("_", name).strip("_")[:200]
    return "step" if chosen in _FOLDERS else chosen or "step"
