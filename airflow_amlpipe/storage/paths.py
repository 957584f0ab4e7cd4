"""Which paths may be given to a store?

Every store asks here, so that a path that leaves one store leaves none, and says so in the same words.
"""

from __future__ import annotations

from posixpath import normpath

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.pattern import is_pattern

__all__ = ["apart", "below_root", "exactly_one", "inside"]


def inside(url: str, path: str) -> str:
    """Return ``path`` without empty parts and ``.``; ``""`` is the root of the store at ``url``.

    :raises DefinitionError: it is absolute, or has ``..`` or NUL
    """
    if path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise DefinitionError(
            f"datastore {shorten(url)}: the path {shorten(repr(path))} must be relative and stay below the root; remove '..' and leading '/'"
        )
    found = normpath(path) if path else ""
    return "" if found == "." else found


def below_root(url: str, path: str) -> str:
    """Return what :func:`inside` does, for what must not be done to a whole store.

    :raises DefinitionError: it is the root, or leaves it
    """
    found = inside(url, path)
    if not found:
        raise DefinitionError(f"datastore {shorten(url)}: {shorten(repr(path))} is the root of the datastore; name something below it")
    return found


def exactly_one(url: str, path: str) -> str:
    """Return what :func:`below_root` does, for what is to be deleted.

    :raises DefinitionError: it has wild cards, is the root, or leaves it
    """
    if is_pattern(path):
        raise DefinitionError(
            f"datastore {shorten(url)}: {shorten(repr(path))} will not be deleted: it has '*' or '?'; name one thing exactly"
        )
    return below_root(url, path)


def apart(url: str, source_path: str, path: str) -> tuple[str, str]:
    """Return both paths as :func:`below_root` does, for what is copied from one to the other.

    :raises DefinitionError: one lies within the other, is the root, or leaves it
    """
    source, place = below_root(url, source_path), below_root(url, path)
    if f"{source}/".startswith(f"{place}/") or f"{place}/".startswith(f"{source}/"):
        raise DefinitionError(
            f"datastore {shorten(url)}: {shorten(repr(source_path))} and {shorten(repr(path))} lie within each other; choose separate paths"
        )
    return source, place
