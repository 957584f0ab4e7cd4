"""Which rows does a query stand for in this run?

The database is asked whenever a step that reads the query is identified; the rows are what the data is known by (decision 0019), and what
the step gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeManifest
from airflow_amlpipe.spec.dataset import SqlQuery
from airflow_amlpipe.storage.database import QueryStoppedError
from airflow_amlpipe.workspace.spool import Spool, spool_rows
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["ROWS_FILE", "ask_rows", "rows_manifest"]

ROWS_FILE = "rows"
"""What the file is called that a step finds the rows in."""

# A server that is started anew, or a connection that was cut, takes seconds.
_PAUSES_SECONDS = (1.0, 5.0)


def ask_rows(workspace: WorkspaceStore, query: SqlQuery, what: str, *, pause: Callable[[float], None] = time.sleep) -> Spool:
    """Return the rows of ``query``, asked for now. A session that is lost is begun again twice, from the first row.

    :param what: whose query it is, as messages name it
    :raises UnknownNameError: its datastore is not registered, or there is no connection to log in with
    :raises DefinitionError: the query is wrong, or the datastore is no database
    :raises DatastoreUnavailableError: the database could not say; that is neither a hit nor a miss
    """
    database = workspace.datastores.open_database(query.datastore)

    def ask() -> Spool:
        with database.ask(query, f"the {query.statement} of {what}") as answer:
            return spool_rows(answer, workspace.home / "tries", what)

    for seconds in _PAUSES_SECONDS:
        try:
            return ask()
        except QueryStoppedError:
            raise
        except DatastoreUnavailableError:
            pause(seconds)
    return ask()


def rows_manifest(spool: Spool) -> TreeManifest:
    """Return what the workspace keeps of the rows: how many bytes they are, and their digest."""
    return TreeManifest((TreeFile(ROWS_FILE, spool.size_bytes, spool.sha256),), is_file=True)
