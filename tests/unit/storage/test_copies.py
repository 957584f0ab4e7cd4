"""Do single files reach a datastore, and come back, as what they are?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.storage.copies import put_file
from airflow_amlpipe.storage.objects import ObjectStore
from tests.servers import azure_place


def test_the_same_bytes_uploaded_again_stay_the_version_that_they_are(tmp_path: Path) -> None:
    """Azure gives every upload a new version."""
    source = tmp_path / "iris.csv"
    source.write_bytes(b"a,b\n1,2\n")
    store = ObjectStore(azure_place())
    put_file(store, source, "up/iris.csv")
    before = store.identify("up").digest

    put_file(store, source, "up/iris.csv")
    assert store.identify("up").digest == before

    source.write_bytes(b"a,b\n1,3\n")  # of the same size
    put_file(store, source, "up/iris.csv")
    changed = store.identify("up").digest
    assert changed != before
    assert store.read("up/iris.csv") == b"a,b\n1,3\n"

    source.write_bytes(b"")
    put_file(store, source, "up/iris.csv")
    assert store.read("up/iris.csv") == b""
    assert store.match("**") == ["up/iris.csv"]


def test_a_file_is_not_taken_for_a_folder_that_holds_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "iris.csv"
    source.write_bytes(b"a,b\n1,2\n")
    store = ObjectStore(azure_place())
    put_file(store, source, "up/iris.csv/inner")
    put_file(store, source, "up/iris.csv")
    assert store.read("up/iris.csv") == b"a,b\n1,2\n"
