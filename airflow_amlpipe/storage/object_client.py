"""How does one talk to a bucket: which requests are there, and what do they answer?

Nothing is remembered between two calls but connections. Each process makes its own (``object_engine.py``), when it first needs them.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.storage.object_engine import engine
from airflow_amlpipe.storage.object_errors import answered
from airflow_amlpipe.storage.store_url import Service

__all__ = ["UNPINNED", "Found", "ObjectClient", "ObjectPlace", "version_of"]

# How a version begins that the store cannot be asked for.
UNPINNED = "modified "

_STORES = {Service.S3: "S3Store", Service.AZURE: "AzureStore", Service.GCS: "GCSStore"}
# A part of 8 MiB on a slow line takes its time; a record does not.
_TIMEOUTS = {"records": timedelta(seconds=30), "data": timedelta(minutes=5)}


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """Where a store is, and what obstore's client of it is told (``S3Config``, ``AzureConfig``, ``GCSConfig``, ``ClientConfig``).

    :ivar url: as people are shown it; holds no secret
    :ivar bucket: bucket or container
    :ivar prefix: what all names begin with, without ``/`` at either end
    :ivar credential_provider: called for credentials; without it, what ``config`` and the environment say
    :ivar patience_seconds: how long is tried again what is refused for the moment
    """

    service: Service
    url: str
    bucket: str
    prefix: str = ""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    client_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    credential_provider: Callable[[], Any] | None = field(default=None, repr=False)
    patience_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its name in the bucket, its size, and the ETag without quotes (a listing of Azure's has none, a single answer has)."""

    key: str
    size: int
    version: str


class ObjectClient:
    """The requests, with errors that say what to do. Keys are whole names in the bucket, already checked."""

    def __init__(self, place: ObjectPlace) -> None:
        self.place = place
        self._open: dict[tuple[int, str], Any] = {}

    def store(self, purpose: Literal["records", "data"]) -> Any:
        """Return obstore's store for this process."""
        mine = (os.getpid(), purpose)
        if mine not in self._open:
            place = self.place
            kind = getattr(engine().store, _STORES[place.service])
            backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2}
            with self.writing("open", self.place.prefix):
                self._open[mine] = kind(
                    place.bucket,
                    config=dict(place.config),
                    client_options={"connect_timeout": timedelta(seconds=10), "timeout": _TIMEOUTS[purpose], **place.client_options},
                    retry_config={"backoff": backoff, "max_retries": 4, "retry_timeout": timedelta(seconds=place.patience_seconds)},
                    **({"credential_provider": place.credential_provider} if place.credential_provider else {}),
                )
        return self._open[mine]

    def doing(self, what: str, key: str) -> AbstractContextManager[None]:
        """Return the context in which obstore may be called; ``what`` completes "could not ..."."""
        return answered(self.place.url, self.place.bucket, what, self.shown(key))

    def writing(self, what: str, key: str) -> AbstractContextManager[None]:
        """Return the context for requests that need nothing to be there but the bucket."""
        return answered(self.place.url, self.place.bucket, what, self.shown(key), needs_only_bucket=True)

    def shown(self, key: str) -> str:
        """Return ``key`` as people know it: below the store's root."""
        return key[len(self.place.prefix) + 1 :] if self.place.prefix else key

    def read(self, key: str) -> bytes:
        """:raises FileNotFoundError: there is no such object."""
        with self.doing("read", key):
            return bytes(engine().get(self.store("records"), key).bytes())

    def find(self, key: str) -> Found | None:
        """Return what is called ``key``, ``None`` if nothing is."""
        try:
            with self.doing("look for", key):
                meta = engine().head(self.store("records"), key)
        except FileNotFoundError:
            return None
        return Found(key, meta["size"], version_of(meta))

    def last_modified(self, key: str) -> float:
        """Return when an object was written, in seconds since 1970 by the store's clock.

        :raises FileNotFoundError: there is no such object
        """
        with self.doing("look at", key):
            written: float = engine().head(self.store("records"), key)["last_modified"].timestamp()
            return written

    def attributes(self, key: str) -> Mapping[str, str]:
        """Return what was written down beside an object.

        :raises FileNotFoundError: there is no such object
        """
        with self.doing("read", key):
            found: Mapping[str, str] = engine().get(self.store("records"), key, options={"head": True}).attributes
            return found

    def put(self, key: str, body: bytes) -> None:
        """Store an object whole, in place of what was there."""
        with self.writing("write", key):
            engine().put(self.store("records"), key, body, use_multipart=False)

    def below(self, key: str) -> Iterator[Found]:
        """Yield every object below the folder ``key``, in no order. The object of that very name is none of them."""
        with self.doing("list", key):
            for chunk in engine().list(self.store("records"), prefix=key or None):
                for meta in chunk:
                    yield Found(meta["path"], meta["size"], version_of(meta))

    def has_any_below(self, key: str) -> bool:
        """Whether there is a folder ``key``: something is below it."""
        return next(self.below(key), None) is not None

    def names(self, key: str) -> set[str]:
        """Return the names in the folder ``key``, of objects and of folders."""
        with self.doing("list", key):
            found = engine().list_with_delimiter(self.store("records"), prefix=key or None)
        start = len(key) + 1 if key else 0
        return {path[start:] for path in (*found["common_prefixes"], *(meta["path"] for meta in found["objects"]))}

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is gone already is fine."""
        with self.doing("delete", keys[0] if keys else ""):
            for start in range(0, len(keys), _BATCH[self.place.service]):
                self._delete_batch(keys[start : start + _BATCH[self.place.service]])

    def copy(self, source: str, target: str, size: int) -> None:
        """Make ``target`` the same as ``source``, inside the store where it can."""
        with self.doing(f"copy {shorten(repr(self.shown(source)))} to", target):
            store = self.store("data")
            if size > _LARGEST_COPY:
                # CopyObject takes 5 GB; larger objects pass through here, part by part.
                # In a thread of its own: the caller may be in an event loop already.
                with ThreadPoolExecutor(max_workers=1) as pool:
                    pool.submit(lambda: asyncio.run(_copy_through(store, source, target))).result()
            else:
                engine().copy(store, source, target)

    def copy_if_absent(self, source: str, target: str, size: int) -> None:
        """Do what :meth:`copy` does unless something is called ``target``."""
        if self.find(target) is not None:
            return
        if self.place.service is not Service.S3 and size <= _LARGEST_COPY:
            with self.doing(f"copy {shorten(repr(self.shown(source)))} to", target), suppress(engine().exceptions.AlreadyExistsError):
                engine().copy(self.store("data"), source, target, overwrite=False)
        elif size <= _PART:
            # S3 copies without a condition, but stores with one.
            body = self.read(source)
            with self.writing("write", target), suppress(engine().exceptions.AlreadyExistsError):
                engine().put(self.store("data"), target, body, mode="create", use_multipart=False)
        else:
            # What appears here between the look and the copy is replaced: data of a place that two write to at once.
            self.copy(source, target, size)

    def filesystem(self) -> Any:
        """Return fsspec's file system of this store; names in it begin with the bucket's."""
        engine()
        make: Any = importlib.import_module("obstore.fsspec").FsspecStore
        place = self.place
        protocol = {Service.S3: "s3", Service.AZURE: "abfs", Service.GCS: "gs"}[place.service]
        given = {"credential_provider": place.credential_provider} if place.credential_provider else {}
        return make(
            protocol,
            config=dict(place.config),
            client_options=dict(place.client_options),
            skip_instance_cache=True,
            **given,
        )

    def _delete_batch(self, keys: Sequence[str]) -> None:
        try:
            engine().delete(self.store("records"), list(keys))
        except FileNotFoundError:
            # Somebody else deleted one of them; which of the others were deleted is not said.
            for key in keys:
                try:
                    engine().delete(self.store("records"), key)
                except FileNotFoundError:
                    continue


async def _copy_through(store: Any, source: str, target: str) -> None:
    answer = await engine().get_async(store, source)
    await engine().put_async(store, target, answer.stream(_PART), chunk_size=_PART)


_BATCH = {Service.S3: 1000, Service.AZURE: 256, Service.GCS: 100}
_LARGEST_COPY = 5_000_000_000
_PART = 8 << 20


def version_of(answer: Mapping[str, Any]) -> str:
    """Return the version that an answer names: its ETag without quotes; without one, its time, which is better than nothing."""
    etag = (answer.get("e_tag") or "").removeprefix("W/").strip('"')
    if etag or not answer.get("last_modified"):
        return etag
    return f"{UNPINNED}{answer['last_modified'].isoformat()}"
