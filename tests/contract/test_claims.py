"""Do claims hold what they promise: in a folder, where no folder is, and on object stores?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from tests.contract.claims_contract import ClaimsContract
from tests.fakes import MemoryStore
from tests.servers import azure_place, s3_place


class TestClaimsInAFolder(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return LocalStore(folder)


class TestClaimsInMemory(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return MemoryStore(str(folder))


class TestClaimsOnS3(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return ObjectStore(s3_place(prefix="claims"))


class TestClaimsOnAzure(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return ObjectStore(azure_place(prefix="claims"))
