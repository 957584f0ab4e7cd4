"""Do claims hold what they promise, on a local folder and where no folder is?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.store import Store
from tests.contract.claims_contract import ClaimsContract
from tests.fakes import MemoryStore


class TestClaimsInAFolder(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return LocalStore(folder)


class TestClaimsInMemory(ClaimsContract):
    @staticmethod
    def make_store(folder: Path) -> Store:
        return MemoryStore(str(folder))
