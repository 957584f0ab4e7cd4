"""Does a container of Azure Blob Storage keep the promise of a store?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from tests.contract.store_contract import ODD_NAMES, StoreContract
from tests.servers import azure_place


class TestAzureStore(StoreContract):
    identifies_content = False
    odd_names = (*ODD_NAMES, "x" * 255, "e\u0301", "...")

    def make_store(self, folder: Path) -> Store:
        return ObjectStore(_place(folder))


@cache
def _place(folder: Path) -> ObjectPlace:
    return azure_place(prefix="some/where")
