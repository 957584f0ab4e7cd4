"""Where is a published pipeline, or an endpoint, reached from outside?

The paths are those of SDK v1's service, because people make one URL of another: they cut at ``Id``, append ``/<version>``, or put
``Name?name=`` in its place.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["endpoint_url", "pipeline_url", "rest_root"]

_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_NO_GROUP = "local"
_HERE = "http://localhost:8080"


def rest_root() -> str:
    """Return the root of the REST API: the setting ``api_url``, else ``/amlpipe`` on Airflow's API server."""
    from airflow_amlpipe.settings import Settings

    url = Settings.load().api_url
    return (url or f"{(os.environ.get('AIRFLOW__API__BASE_URL') or _HERE).rstrip('/')}/amlpipe").rstrip("/")


def pipeline_url(workspace: Workspace, pipeline_id: str) -> str:
    """Return where a published pipeline is submitted with POST."""
    return f"{_runs_url(workspace)}/PipelineSubmit/{pipeline_id}"


def endpoint_url(workspace: Workspace, endpoint_id: str) -> str:
    """Return where the default version of an endpoint is submitted with POST; ``/<version>`` behind it names another."""
    return f"{_runs_url(workspace)}/PipelineEndpointSubmit/Id/{endpoint_id}"


def _runs_url(workspace: Workspace) -> str:
    subscription = quote(workspace.subscription_id or _NO_SUBSCRIPTION, safe="")
    group, name = quote(workspace.resource_group or _NO_GROUP, safe=""), quote(workspace.name, safe="")
    return (
        f"{rest_root()}/pipelines/v1.0/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{name}/PipelineRuns"
    )
