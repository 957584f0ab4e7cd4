"""How are YAML files of authors read and written?

Only plain values: no tags, no aliases that blow a small file up, no file larger than a specification can be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["dump_yaml", "parse_yaml", "read_yaml"]

_LARGEST = 1024 * 1024
_MOST_ALIASES = 100


def read_yaml(file: Path, what: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    :raises UserErrorException: there is no such file, or it holds something else; the message says where
    """
    where = f"{what} {shorten(repr(str(file)), 300)}"
    try:
        if file.stat().st_size > _LARGEST:
            raise UserErrorException(f"{where} is larger than {_LARGEST} bytes; that is no {what}")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(f"{where} cannot be read ({shorten(str(error))}); check the path") from error
    return parse_yaml(text, where)


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Return the mapping that YAML text holds; see :func:`read_yaml`."""
    import yaml  # type: ignore[import-untyped]

    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        document = yaml.safe_load(text) if aliases <= _MOST_ALIASES else None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise UserErrorException(
            f"{where}{line}: this is not YAML ({shorten(str(getattr(error, 'problem', None) or error))}); correct it"
        ) from error
    if not isinstance(document, dict):
        raise UserErrorException(f"{where} must hold a mapping (key: value), not {shorten(repr(document))}")
    return document


def dump_yaml(document: dict[str, Any]) -> str:
    """Return ``document`` as YAML text, keys in the order given."""
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False))
