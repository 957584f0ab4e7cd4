"""What does Airflow learn about this package without importing it?

Airflow reads this when it lists providers, draws connection forms, documents configuration and builds ``airflow amlpipe``; so nothing heavy
is imported here. The plugin is not declared here but as the entry point ``airflow.plugins``: Airflow reads the key ``plugins`` in one of
its modes only, and reports what is declared twice as an import error.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from airflow_amlpipe.settings import SECTION, Settings, option_type

__all__ = ["get_provider_info"]

_INTEGRATION = "Azure Machine Learning SDK v1 pipelines"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, in the form that Airflow's ``provider_info.schema.json`` asks for."""
    return {
        "package-name": "airflow-amlpipe",
        "name": "AML pipelines",
        "description": "Runs Azure Machine Learning SDK v1 pipelines without Azure, with step reuse that can be trusted and is explained.\n",
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["machine-learning"]}],
        "operators": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_amlpipe.operators.step"]}],
        "hooks": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": ["airflow_amlpipe.hooks.datastore", "airflow_amlpipe.hooks.workspace"],
            }
        ],
        "triggers": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_amlpipe.triggers.claim"]}],
        "connection-types": [_workspace_connection(), _datastore_connection()],
        "extra-links": ["airflow_amlpipe.operators.links.ProducedByLink"],
        "cli": ["airflow_amlpipe.cli.airflow_commands.airflow_commands"],
        "config": {SECTION: {"description": "Options of airflow-amlpipe.", "options": _options()}},
    }


def _workspace_connection() -> dict[str, Any]:
    return {
        "connection-type": "amlpipe_workspace",
        "hook-class-name": "airflow_amlpipe.hooks.workspace.WorkspaceHook",
        "hook-name": "AML workspace (airflow-amlpipe)",
        "ui-field-behaviour": {
            "hidden-fields": ["host", "schema", "login", "password", "port", "extra"],
            "relabeling": {},
            "placeholders": {},
        },
        "conn-fields": {
            "url": {
                "label": "Root URL",
                "description": "Folder or URL that the workspace is kept in, for example file:///srv/amlpipe/workspaces/team or s3://bucket/team; "
                "never with a key, token or password in it",
                "schema": {"type": "string", "minLength": 1},
            },
            "credentials_conn_id": _credentials_field(),
        },
    }


def _datastore_connection() -> dict[str, Any]:
    return {
        "connection-type": "amlpipe_datastore",
        "hook-class-name": "airflow_amlpipe.hooks.datastore.DatastoreHook",
        "hook-name": "AML datastore (airflow-amlpipe)",
        "ui-field-behaviour": {
            "hidden-fields": ["host", "schema", "login", "password", "port", "extra"],
            "relabeling": {},
            "placeholders": {},
        },
        "conn-fields": {
            "url": {
                "label": "Root URL",
                "description": "Folder or URL that paths on the datastore are relative to; never with a key, token or password in it",
                "schema": {"type": "string", "minLength": 1},
            },
            "credentials_conn_id": _credentials_field(),
        },
    }


def _credentials_field() -> dict[str, Any]:
    return {
        "label": "Credentials connection",
        "description": "Id of the Airflow connection that holds the credentials (of type aws, wasb, google_cloud_platform, sftp, ...); "
        "empty where the environment of the worker is enough",
        "schema": {"type": ["string", "null"], "default": None},
    }


def _options() -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for option in fields(Settings):
        default = None if option.default is MISSING else option.default
        options[option.name] = {
            "description": f"{option.metadata['describes']}\n",
            "version_added": option.metadata["added"],
            "type": option_type(option),
            "example": option.metadata["example"],
            "default": None if default is None or isinstance(default, (Path, tuple)) else str(default),
        }
    return options
