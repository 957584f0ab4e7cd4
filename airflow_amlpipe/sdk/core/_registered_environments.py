"""Which registered environment do a name, a version and a label stand for?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._workspace_store import as_user_error
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.spec.environment import EnvironmentSpec
    from airflow_amlpipe.workspace.registry import Registry
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_registered", "label_version"]


def find_registered(store: WorkspaceStore, name: str, version: str | None, label: str | None) -> tuple[EnvironmentSpec, str]:
    """Return an environment and the version that it is shown with: the latest unless ``version`` or ``label`` says which.

    :raises UserErrorException: there is none; the message lists those there are
    """
    if label not in {None, "latest", "Latest"}:
        version = _labelled(store, name, str(label))
    with as_user_error():
        number = _number(store.environments, name, version)
        record = store.environments.get(name, number)
    return record, record.version or str(number)


def label_version(store: WorkspaceStore, name: str, version: str, labels: Iterable[str]) -> None:
    """Give a version labels; one that another version had moves to this one."""
    from airflow_amlpipe.spec.environment import EnvironmentLabels

    with as_user_error():
        known = store.environment_labels.find(name)
        labelled = {**(known.labels if known else {}), **dict.fromkeys(map(str, labels), version)}
        store.environment_labels.register(name, EnvironmentLabels(labels=labelled))


def _labelled(store: WorkspaceStore, name: str, label: str) -> str:
    known = store.environment_labels.find(name)
    labels = known.labels if known else {}
    if label not in labels:
        shown = ", ".join(sorted(labels)) or "none but 'latest'"
        raise UserErrorException(f"environment {name!r} has no label {shorten(repr(label))}; its labels are: {shorten(shown, 600)}")
    return labels[label]


def _number(registry: Registry[EnvironmentSpec], name: str, version: str | None) -> int | None:
    versions = {number: registry.get(name, number).version or str(number) for number in registry.versions(name)}
    found = [number for number, text in versions.items() if version is None or version in {text, str(number)}]
    if not found and versions:
        known = ", ".join(dict.fromkeys(versions.values()))
        raise UserErrorException(f"environment {name!r} has no version {shorten(repr(version))}; its versions are: {shorten(known, 600)}")
    return found[-1] if found else None
