"""What did processes that were killed leave half written?"""

from __future__ import annotations

import time

from airflow_amlpipe.services.fsck.findings import Check
from airflow_amlpipe.services.fsck.survey import Survey
from airflow_amlpipe.storage.unfinished import unfinished_writes

__all__ = ["check_leftovers"]


def check_leftovers(survey: Survey) -> None:
    """Note every unfinished write in the workspace and on its datastores."""
    stores = {survey.workspace.store.url: survey.workspace.store}
    datastores = survey.workspace.datastores
    for name in datastores.names():
        if not datastores.get(name).is_database:

            def open_one(name: str = name) -> None:
                store = datastores.open(name)
                stores.setdefault(store.url, store)

            survey.guarded(f"datastore {name!r}", open_one)
    seen = set()
    for url, store in stores.items():
        for left in unfinished_writes(store):
            where = f"{url}/{left.path}"
            if where not in seen:
                survey.report(Check.UNFINISHED_WRITE, where, f"{left.size_bytes} bytes, {_age(time.time() - left.written)} old")
            seen.add(where)


def _age(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} seconds"
