"""Is Airflow parsing a DAG file right now?

While it is, nothing may be contacted or listed: a DAG file is parsed every few seconds, on machines that may not reach the workspace.
Look-ups are put off until the run, and what would change the workspace is refused.
"""

from __future__ import annotations

import sys

from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["is_airflow_parsing", "refuse_while_parsing"]


def is_airflow_parsing() -> bool:
    """Whether this code runs because Airflow imports a DAG file: in the DAG processor, in a worker at the start of a task, or in a DagBag.

    Airflow has no public sign of it. Its importer names the module that it executes in ``DagContext.current_autoregister_module_name``
    (airflow/dag_processing/importers/python_importer.py, 3.3), and takes the name back when it has collected the DAGs. Airflow is not
    imported to ask: where it is not imported, it is not parsing.
    """
    module = sys.modules.get("airflow.sdk.definitions._internal.contextmanager")
    context = getattr(module, "DagContext", None)
    return getattr(context, "current_autoregister_module_name", None) is not None


def refuse_while_parsing(what: str) -> None:
    """:raises UserErrorException: Airflow is parsing; ``what`` changes or reads the workspace and belongs into a script."""
    if is_airflow_parsing():
        raise UserErrorException(
            f"{what} uses the workspace, which must not happen while Airflow parses a DAG file; "
            "move it into a script, into a step, or under `if __name__ == '__main__':`"
        )
