"""Do published pipelines, endpoints and drafts hold what they promise: in a folder, where no folder is, and on object stores?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from tests.contract.published_contract import PublishedContract
from tests.fakes import MemoryStore
from tests.servers import azure_place, s3_place


class TestPublishedInAFolder(PublishedContract):
    many = 100

    @staticmethod
    def make_store(folder: Path) -> Store:
        return LocalStore(folder)


class TestPublishedInMemory(PublishedContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return MemoryStore(str(folder))


class TestPublishedOnS3(PublishedContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return ObjectStore(s3_place(prefix="published"))


class TestPublishedOnAzure(PublishedContract):
    many = 6

    @staticmethod
    def make_store(folder: Path) -> Store:
        return ObjectStore(azure_place(prefix="published"))
