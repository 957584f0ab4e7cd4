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
_LARGEST_WRITTEN_OUT = 100_000


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
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            _check_node(root, where)
        document = None if root is None else loader.construct_document(root)
    except UserErrorException:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = "it is nested too deep" if isinstance(error, RecursionError) else getattr(error, "problem", None) or error
        raise UserErrorException(f"{where}{line}: this is not YAML ({shorten(str(problem))}); correct it") from error
    if not isinstance(document, dict):
        raise UserErrorException(f"{where} must hold a mapping (key: value), not {shorten(repr(document))}")
    return document


def dump_yaml(document: dict[str, Any]) -> str:
    """Return ``document`` as YAML text, keys in the order given."""
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False))


def _check_node(root: Any, where: str) -> None:
    """Refuse a key that is there twice, of which the first would be lost without a word, and aliases that stand for themselves or for too much."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size_of(node: Any) -> int:
        if id(node) in open_nodes:
            raise UserErrorException(
                f"{where}, line {node.start_mark.line + 1}: an alias stands for something that it is part of; write it out"
            )
        if id(node) in sizes:
            return sizes[id(node)]
        open_nodes.add(id(node))
        below = []
        if node.id == "mapping":
            _check_keys([key for key, _ in node.value], where)
            below = [part for pair in node.value for part in pair]
        elif node.id == "sequence":
            below = node.value
        size = 1 + sum(map(size_of, below))
        if size > _LARGEST_WRITTEN_OUT:
            raise UserErrorException(
                f"{where}, line {node.start_mark.line + 1}: with its aliases written out it is more than {_LARGEST_WRITTEN_OUT} values; use fewer"
            )
        open_nodes.discard(id(node))
        sizes[id(node)] = size
        return size

    size_of(root)


def _check_keys(keys: list[Any], where: str) -> None:
    seen: set[str] = set()
    for key in keys:
        name = key.value if key.id == "scalar" else None
        if name is not None and name in seen:
            raise UserErrorException(
                f"{where}, line {key.start_mark.line + 1}: the key {shorten(repr(name), 80)} is there more than once; remove one of them"
            )
        if name is not None:
            seen.add(name)
