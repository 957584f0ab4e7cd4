"""What does ``get_metrics`` return for everything a script logged?

Used by the script's side and by the host alike, so that both give the same answer (SDK v1's ``Run.get_metrics``):

* ``log``: one value stays a value, several under one name become a list in the order they came
* ``log_list``: a list; more of it under the same name goes to its end
* ``log_row``: a mapping of columns to values; with a second row, of columns to lists (``None`` where a row has no such column)
* ``log_table``: a mapping of columns to lists; more of it under the same name goes to the ends
* images and the JSON metrics: the last one
* kinds mixed under one name: a list of what each call would have given
"""

from __future__ import annotations

from airflow_amlpipe.runtime.values import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List

    from airflow_amlpipe.runtime.protocol import Event

__all__ = ["fold_metrics", "is_metric"]

SCALAR = "scalar"
LIST = "list"
ROW = "row"
TABLE = "table"


def is_metric(event: Event) -> bool:
    """Whether an event is a metric that can be read."""
    return event.get("kind") == "metric" and isinstance(event.get("name"), str) and isinstance(event.get("type"), str) and "value" in event


def fold_metrics(events: Iterable[Event]) -> Dict[str, Any]:
    """Return the metrics by name, in the order the names came up; events that are no metrics are passed over."""
    logged: Dict[str, List[Event]] = {}
    for event in events:
        if is_metric(event):
            logged.setdefault(event["name"], []).append(event)
    return {name: _fold(found) for name, found in logged.items()}


def _fold(events: List[Event]) -> Any:
    kinds = {event["type"] for event in events}
    values = [from_json(event["value"]) for event in events]
    if len(kinds) > 1:
        return values
    kind = kinds.pop()
    if kind == SCALAR:
        return values[0] if len(values) == 1 else values
    if kind == LIST:
        return [item for value in values for item in (value if isinstance(value, list) else [value])]
    if kind in (ROW, TABLE) and all(isinstance(value, dict) for value in values):
        return _fold_rows(values) if kind == ROW else _fold_tables(values)
    return values[-1]


def _fold_rows(rows: List[Dict[str, Any]]) -> Dict[str, Any]:
    if len(rows) == 1:
        return rows[0]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return {column: [row.get(column) for row in rows] for column in columns}


def _fold_tables(tables: List[Dict[str, Any]]) -> Dict[str, Any]:
    if len(tables) == 1:
        return tables[0]
    folded: Dict[str, List[Any]] = {}
    for table in tables:
        for column, values in table.items():
            folded.setdefault(column, []).extend(values if isinstance(values, list) else [values])
    return folded
