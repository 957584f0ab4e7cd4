"""How does the engine start fast? Measured on the installed Airflow; everything here is allowed to fail and then costs time only.

``dag.test()`` talks to the execution API in the same process. Before its first use that API is generated again for each of its older
versions (nine in Airflow 3.3), so that older clients are understood: 3.5 s. Here client and server are one installation, so the head
version alone is enough. The cyclic garbage collector finds nothing to collect while modules are imported, and costs a quarter of the rest.
"""

from __future__ import annotations

import gc
import importlib
import logging
import warnings

__all__ = ["import_airflow", "serve_latest_version_only"]

_log = logging.getLogger(__name__)


def import_airflow() -> None:
    """Import Airflow and what every local run needs of it, without collecting garbage meanwhile."""
    # Said by a module of FastAPI at every start; it concerns neither the run nor who reads its log.
    warnings.filterwarnings("ignore", message=".*starlette.testclient.*")
    gc.disable()
    try:
        importlib.import_module("airflow")
        serve_latest_version_only()
        importlib.import_module("airflow.sdk.execution_time.supervisor")
    finally:
        gc.freeze()
        gc.enable()


def serve_latest_version_only() -> bool:
    """Make the in-process execution API serve its newest version only; return whether that could be done.

    The parts used are not public, so whatever is missing or different leaves the API as it is.
    """
    try:
        from airflow.api_fastapi.execution_api import versions
        from airflow.api_fastapi.execution_api.routes import execution_api_router
        from cadwyn import HeadVersion, Version, VersionBundle
        from cadwyn.route_generation import _DELETED_ROUTE_TAG

        trimmed = VersionBundle(HeadVersion(), Version(versions.bundle.versions[0].value))
        # Routes that only older versions have would be refused by a bundle without those versions.
        kept = [route for route in execution_api_router.routes if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())]
    except Exception as error:  # noqa: BLE001  # other people's private parts may fail in any way
        _log.info("the execution API is served in all its versions, which takes longer to start: %s", error)
        return False
    versions.bundle = trimmed
    execution_api_router.routes[:] = kept
    return True
