"""Is what a script hands to a method of the kind that it takes?

SDK v1 left that to whatever failed first, deep inside. These checks stand at the doors and say which argument it is, and what to give.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["check_encodable", "check_experiment", "check_items", "check_local_path", "check_tags", "check_text", "check_workspace_given"]


def check_workspace_given(what: str, value: Any) -> None:
    """:raises UserErrorException: it is no Workspace, nor the workspace of a step's run."""
    if not hasattr(value, "_url"):
        raise UserErrorException(f"{what}: workspace must be a Workspace, not {shorten(repr(value))}; use Workspace.from_config()")


def check_experiment(what: str, value: Any) -> None:
    """:raises UserErrorException: it is no Experiment, nor the experiment of a step's run."""
    if not hasattr(value, "workspace"):
        raise UserErrorException(f"{what}: experiment must be an Experiment, not {shorten(repr(value))}; use Experiment(workspace, name)")


def check_text(what: str, value: Any) -> str:
    """Return ``value``.

    :raises UserErrorException: it is no text
    """
    if not isinstance(value, str):
        raise UserErrorException(f"{what} must be text, not {shorten(repr(value))} of type {type(value).__name__}")
    return check_encodable(what, value)


def check_encodable(what: str, text: str) -> str:
    """Return ``text``.

    :raises UserErrorException: it has half a character, as names and bytes that are no UTF-8 leave behind
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserErrorException(
            f"{what}: {shorten(repr(text))} cannot be written as UTF-8: character {error.start + 1} is half of one; leave it out"
        ) from error
    return text


def check_local_path(what: str, value: Any) -> Path:
    """Return a path of this machine.

    :raises UserErrorException: it is neither text nor a path
    """
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise UserErrorException(f"{what}: {shorten(repr(value))} of type {type(value).__name__} is no path; give text or a pathlib.Path")
    return Path(value)


def check_tags(what: str, value: Any) -> Mapping[Any, Any]:
    """Return ``value``, or no tags for ``None``.

    :raises UserErrorException: it is no dictionary
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserErrorException(f"{what} must be a dictionary of names and values, not {shorten(repr(value))}; write {{'name': 'value'}}")
    return value


def check_items(what: str, value: Any) -> list[Any]:
    """Return what a list, tuple or other collection holds.

    :raises UserErrorException: it is none, or text, which would be taken letter by letter
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise UserErrorException(f"{what} must be a list, not {shorten(repr(value))} of type {type(value).__name__}; write [...]")
    return list(value)
