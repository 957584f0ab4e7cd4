"""Does the store that tests use keep the promise of a store?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.store import Store
from tests.contract.store_contract import StoreContract
from tests.fakes import MemoryStore


class TestMemoryStore(StoreContract):
    def make_store(self, folder: Path) -> Store:
        return MemoryStore(folder.as_uri())
