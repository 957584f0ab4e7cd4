"""Which tags has a thing after somebody changed some, whoever else did meanwhile?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["changed_tags"]


def changed_tags(
    known: Mapping[str, str], tags: Mapping[str, str] | None = None, *, removed: Collection[str] = (), replaces: bool = False
) -> dict[str, str]:
    """Return the tags that are left of ``known``, and those that are set.

    :param tags: that are set
    :param removed: names that are taken away before; those that are not set are passed over
    :param replaces: whether all other tags are taken away

    >>> changed_tags({"a": "1", "b": "2"}, {"c": "3"}, removed=["a"])
    {'b': '2', 'c': '3'}
    """
    kept = {} if replaces else {name: value for name, value in known.items() if name not in removed}
    return {**kept, **(tags or {})}
