"""What is a path called in a bucket, and which names cannot be there?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.paths import inside
from airflow_amlpipe.storage.store_url import Service

__all__ = ["key_of"]

# All three services allow 1,024 (Azure: characters).
_LONGEST = 1024
_NOUNS = {Service.S3: "S3", Service.AZURE: "Azure", Service.GCS: "Google Cloud Storage"}


def key_of(place: ObjectPlace, path: str) -> str:
    """Return the name in the bucket of what is at ``path`` below the store's root.

    :raises DefinitionError: the path leaves the store, or has what no name there can have
    """
    key = "/".join(part for part in (place.prefix, inside(place.url, path)) if part)
    trouble = _trouble(place, key)
    if trouble:
        raise DefinitionError(
            f"datastore {shorten(place.url)}: {shorten(repr(path))} cannot be kept on {_NOUNS[place.service]}: {trouble}; rename it"
        )
    return key


def _trouble(place: ObjectPlace, key: str) -> str:
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return "the name is not UTF-8"
    for character in key:
        if character < " " or character == "\x7f":
            return f"the name has the control character {character!r}"
    if place.service is Service.AZURE and "\\" in key:
        # Azure stores "a\b" as "a/b": two names would become one.
        return "Azure takes '\\' for '/'"
    if length > _LONGEST:
        return f"the name has {length} bytes, and {_LONGEST} is the most"
    return ""
