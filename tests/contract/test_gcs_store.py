"""Does a bucket of Google Cloud Storage keep the promise of a store?

On the emulator, with what it lacks in front of it (``tests/gcs_xml.py``).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from tests.contract.store_contract import ODD_NAMES, StoreContract
from tests.servers import gcs_place


class TestGcsStore(StoreContract):
    identifies_content = False
    odd_names = (*ODD_NAMES, "\\", "a\\b", "x" * 255, "e\u0301", "...")

    def make_store(self, folder: Path) -> Store:
        return ObjectStore(_place(folder))


@cache
def _place(folder: Path) -> ObjectPlace:
    return gcs_place(prefix="some/where")


def test_a_store_that_creates_what_exists_holds_no_workspace_but_data(tmp_path: Path) -> None:
    """R22."""
    store = ObjectStore(gcs_place(enforces=False))
    with pytest.raises(DefinitionError, match="the store gs://.* cannot hold a workspace.*keep the workspace on another store or a folder"):
        store.create_exclusive("a", b"1")
    assert not store.exists("a")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/b").write_text("2")
    expected = identify_tree(tmp_path / "source")
    assert store.ingest(tmp_path / "source", "data") == store.identify("data")
    store.fetch("data", tmp_path / "copy")
    assert identify_tree(tmp_path / "copy") == expected
    with pytest.raises(DefinitionError, match="cannot hold a workspace"):
        ObjectStore(store._place).create_exclusive("a", b"1")


def test_a_store_is_asked_once_whether_it_refuses_what_exists() -> None:
    """R22."""
    place = gcs_place()
    for number in range(3):
        assert ObjectStore(place).create_exclusive(f"a/{number}", b"")
    assert ObjectStore(place).list_names(".amlpipe/v1") == ["probe.json"]
