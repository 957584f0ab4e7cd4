"""How do SDK objects reach the records of their workspace?

This is the SDK's one way to :class:`airflow_amlpipe.workspace.WorkspaceStore`. It is opened when something is first looked up, so that
building a pipeline needs neither the store nor the modules that read it.
"""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.sdk._arguments import check_workspace_given
from airflow_amlpipe.sdk._parsing import is_airflow_parsing, refuse_while_parsing
from airflow_amlpipe.sdk._workspace_choice import workspace_root
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.datastores import WELL_KNOWN_DATASTORES, is_web_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_amlpipe.spec.environment import EnvironmentSpec
    from airflow_amlpipe.spec.pipeline import PipelineSpec
    from airflow_amlpipe.storage.login import Login
    from airflow_amlpipe.storage.store import Store
    from airflow_amlpipe.workspace import WorkspaceStore

__all__ = [
    "as_user_error",
    "check_workspace",
    "chosen_root",
    "dataset_files",
    "find_unregistered",
    "given_login",
    "home",
    "log_in_with",
    "keep_package_logins",
    "open_datastore",
    "open_workspace",
    "workspace_url",
]

_CACHE: dict[tuple[str, str], WorkspaceStore] = {}


def home() -> Path:
    """Return the folder in which everything is kept for a user without a server."""
    from airflow_amlpipe.settings import Settings

    return Settings.load().home


def keep_package_logins(environment: EnvironmentSpec) -> None:
    """Keep what was taken out of the URLs of ``environment`` on this machine, before the rest is written down elsewhere."""
    from airflow_amlpipe.workspace.package_logins import PackageLogins

    PackageLogins(home()).keep([environment])


def chosen_root() -> str | None:
    """Return the workspace that the setting ``workspace`` (``amlpipe run --workspace``) puts in place of the one in config.json, if any.

    :raises UserErrorException: it is the name of none; while Airflow parses a DAG file that is not looked at
    """
    from airflow_amlpipe.settings import Settings

    settings = Settings.load()
    if settings.workspace is None:
        return None
    with as_user_error():
        return workspace_root(settings.workspace, settings.home, may_be_new=is_airflow_parsing())


def open_workspace(workspace: Any, what: str = "this look-up") -> WorkspaceStore:
    """Return the records of an SDK ``Workspace``.

    :param what: what needs them, for the message if Airflow is parsing a DAG file
    :raises UserErrorException: Airflow is parsing, or ``workspace`` is none
    """
    refuse_while_parsing(what)
    check_workspace_given(what, workspace)
    from airflow_amlpipe.services.workspace import open_workspace as opened

    key = (workspace._url, str(home()))
    if key not in _CACHE:
        with as_user_error():
            _CACHE[key] = opened(workspace._url, home=home())
    return _CACHE[key]


def workspace_url(what: str, workspace: Any) -> str:
    """Return the root of an SDK ``Workspace``, for a service that is about to use it.

    :param what: what uses it, for the message
    :raises UserErrorException: Airflow is parsing, or ``workspace`` is none
    """
    refuse_while_parsing(what)
    check_workspace_given(what, workspace)
    url: str = workspace._url
    return url


def log_in_with(root: str, conn_id: str) -> None:
    """Open the workspace at ``root`` with an Airflow connection in this process."""
    from airflow_amlpipe.services.workspace import use_connection

    use_connection(root, conn_id)


def open_datastore(workspace: Any, name: str, what: str) -> Store:
    """Return the bytes of a datastore, or of a folder of a web server, which needs no workspace.

    :raises UserErrorException: no such datastore is registered
    """
    if workspace is None and is_web_folder(name):
        refuse_while_parsing(what)
        from airflow_amlpipe.services.datastores import open_web_folder

        return open_web_folder(name)
    with as_user_error():
        return open_workspace(workspace, what).datastores.open(name)


def given_login(workspace: Any, name: str) -> Login | None:
    """Return the login that this process was given for a datastore, if it was given one."""
    from airflow_amlpipe.services.workspace import given_logins

    record = open_workspace(workspace).datastores.find(name)
    return next((login for login in given_logins(workspace._url) if record is not None and login.conn_id == record.conn_id), None)


def find_unregistered(workspace: Any, spec: PipelineSpec) -> Iterator[UserErrorException]:
    """Yield what is wrong with the compute targets and datastores that a specification names: those that are not registered.

    Each message lists those that are. Built-in ones are not looked up.
    """
    for step in spec.steps:
        if step.compute != "local":
            what = f"step {step.name!r}: Target {shorten(step.compute)} does not exist in the workspace. "
            advice = f"; register it once: amlpipe compute create {shlex.quote(shorten(step.compute))}, or ComputeTarget.create(...)"
            yield from _wrong(open_workspace(workspace).computes, step.compute, what, advice)
    sources = [item.source for step in spec.steps for item in step.inputs]
    paths = [path for source in (*sources, *(parameter.default for parameter in spec.parameters)) for path in getattr(source, "paths", ())]
    paths += [parameter.default for parameter in spec.parameters if parameter.type == "data_path"]
    for name in {output.datastore for step in spec.steps for output in step.outputs} | {path.datastore for path in paths}:
        if name not in WELL_KNOWN_DATASTORES and not is_web_folder(name):
            yield from _wrong(open_workspace(workspace).datastores, name)


def check_workspace(what: str, owner: Any, workspace: Any) -> None:
    """Check that ``what``, a thing of the workspace ``owner``, is used in that workspace.

    Only its name is kept, and in another workspace the same name stands for something else. What says which workspace it is, is the root.

    :raises UserErrorException: it is used in another; the message names both
    """
    check_workspace_given(what, workspace)
    if owner is None or _same_root(owner._url, workspace._url):
        return
    from airflow_amlpipe.workspace.git_state import without_credentials

    its, other = (f"workspace {item.name!r} ({shorten(without_credentials(item._url))})" for item in (owner, workspace))
    raise UserErrorException(
        f"{what} is of {its}, but is used in {other}; use one workspace for both. "
        "A place that both are to read or write is registered as a datastore of each: Datastore.register(ws, name, url)"
    )


def _same_root(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _wrong(registered: Any, name: str, what: str = "", advice: str = "") -> Iterator[UserErrorException]:
    try:
        registered.get(name)
    except DefinitionError as error:
        yield UserErrorException(f"{what}{error}{advice if isinstance(error, UnknownNameError) else ''}", error)


def dataset_files(workspace: Any, paths: Sequence[tuple[str, str]], what: str) -> list[tuple[Store, str, str]]:
    """Return the files that (datastore, path or glob) name together, each as (store, path there, path in the folder that a step gets them in).

    :raises UserErrorException: no such datastore is registered
    """
    from airflow_amlpipe.fingerprint.pattern import split_pattern
    from airflow_amlpipe.storage.copies import data_files
    from airflow_amlpipe.workspace.inputs import place_together

    parts = []
    for datastore, path in paths:
        store = open_datastore(workspace, datastore, what)
        files = [(path, path)] * store.exists(path) if is_web_folder(datastore) else data_files(store, path)
        is_file = [name for name, _ in files] == [path]
        parts.append((store, files, (datastore, path.rpartition("/")[0] if is_file else split_pattern(path)[0])))
    prefixes = place_together([folder for _, _, folder in parts])
    # By where they go: a file that two of the paths name is one file.
    found = {
        f"{prefix}/{relative}".lstrip("/"): (store, name)
        for (store, files, _), prefix in zip(parts, prefixes, strict=True)
        for name, relative in files
    }
    return [(store, name, relative) for relative, (store, name) in found.items()]


@contextmanager
def as_user_error() -> Iterator[None]:
    """Turn "no such name" of the registries into SDK v1's class for it; the text, which lists the known names, stays."""
    try:
        yield
    except UnknownNameError as error:
        raise UserErrorException(str(error)) from error
