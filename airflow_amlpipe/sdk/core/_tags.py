"""Which tags do people look for, and how are tags written down?"""

from __future__ import annotations

import json
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items, check_tags
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["matches_tags", "tag_changes"]


def matches_tags(tags: dict[str, str], wanted: Any) -> bool:
    """Whether tags (or properties) are those wanted: a key, ``{key: value}`` or ``[key, [key, value]]``."""
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return wanted in tags
    if isinstance(wanted, dict):
        return all(tags.get(key) == value for key, value in wanted.items())
    items = check_items("tags and properties to look for", wanted)
    if not all(isinstance(item, (str, list, tuple)) and (isinstance(item, str) or len(item) == 2) for item in items):
        raise UserErrorException(
            f"tags and properties to look for cannot be {shorten(repr(wanted))}; write 'name', {{'name': 'value'}} or a list"
        )
    return all(matches_tags(tags, item) if isinstance(item, str) else tags.get(item[0]) == item[1] for item in items)


def tag_changes(changes: dict[str, Any]) -> dict[str, str | None]:
    """Return tags as text; numbers and truth values keep their JSON form."""
    return {
        str(key): value if value is None or isinstance(value, str) else json.dumps(value, default=str)
        for key, value in check_tags("tags", changes).items()
    }
