"""Does a local folder keep the promise of a store?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.store import Store
from tests.contract.store_contract import ODD_NAMES, StoreContract


class TestLocalStore(StoreContract):
    odd_names = (*ODD_NAMES, "a\nb", "a\tb", "\\", "a\\b", "x" * 255, "e\u0301", "...")

    def make_store(self, folder: Path) -> Store:
        return LocalStore(folder)
