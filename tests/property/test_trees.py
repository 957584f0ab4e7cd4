"""Do two trees share a digest exactly when they hold the same?"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.source import SourceSnapshot, snapshot_source
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.snapshots import extract_snapshot, put_snapshot
from tests.property.strategies import file_names, manifests, trees, write_tree

ON_DISK = settings(max_examples=40)


@given(manifests())
def test_a_manifest_survives_being_written_and_read(manifest: TreeManifest) -> None:
    assert TreeManifest.decode(manifest.encode()) == manifest


@given(manifests(), st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(manifest: TreeManifest, random: object) -> None:
    files = list(manifest.files)
    random.shuffle(files)  # type: ignore[attr-defined]
    assert TreeManifest(tuple(files), manifest.empty_folders[::-1]).digest == manifest.digest


@given(manifests(), manifests())
def test_two_manifests_share_a_digest_only_if_they_are_equal(first: TreeManifest, second: TreeManifest) -> None:
    assert (first.digest == second.digest) == (first == second)


@ON_DISK
@given(trees(), trees())
def test_two_folders_share_a_digest_only_if_they_hold_the_same(first: dict[str, bytes | None], second: dict[str, bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = identify_tree(write_tree(Path(folder) / "one", first))
        two = identify_tree(write_tree(Path(folder) / "two", second))
    assert (one.digest == two.digest) == (first == second)


@ON_DISK
@given(trees())
def test_times_place_memo_and_order_of_writing_do_not_matter(tree: dict[str, bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = write_tree(Path(folder) / "one", tree)
        two = write_tree(Path(folder) / "elsewhere" / "two", dict(reversed(tree.items())))
        for path in tree:
            os.utime(os.path.join(two, path), (1, 1))
        memo = HashMemo(Path(folder) / "memo")
        digests = {identify_tree(root, known).digest for root in (one, two, one) for known in (None, memo)}
        assert len(digests) == 1
        assert identify_tree(one, memo).manifest().digest in digests


@ON_DISK
@given(trees())
def test_a_fetched_copy_is_the_same_data(tree: dict[str, bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder) / "store" / "data", tree)
        store = LocalStore(Path(folder) / "store")
        identity = store.identify("data")
        store.fetch("data", Path(folder) / "checked", identity.manifest())
        store.fetch("data", Path(folder) / "plain")
        store.replace("data", "published")
        store.ingest(Path(folder) / "plain", "ingested")
        assert {identify_tree(Path(folder) / "checked").digest, store.identify("published").digest, store.identify("ingested").digest} == {
            identity.digest
        }


@ON_DISK
@given(trees())
def test_an_unpacked_snapshot_is_the_same_source(tree: dict[str, bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_tree(Path(folder) / "source", {f"x{path}": body for path, body in tree.items()})  # no ignore file by chance
        snapshot = snapshot_source(source)
        assert SourceSnapshot.decode(snapshot.encode()).entries == snapshot.entries
        store = LocalStore(Path(folder) / "store")
        put_snapshot(store, "snapshot.zip", source, snapshot)
        assert extract_snapshot(store, "snapshot.zip", Path(folder) / "unpacked").digest == snapshot.digest
        assert snapshot_source(Path(folder) / "unpacked").digest == snapshot.digest


@given(st.lists(file_names.filter(lambda name: "*" not in name and "?" not in name), min_size=1, max_size=4))
def test_a_path_without_wild_cards_matches_itself_and_everything_matches_it(parts: list[str]) -> None:
    path = "/".join(parts)
    assert PathPattern(path).matches(path)
    assert PathPattern("**").matches(path)
    assert PathPattern("/".join("*" * len(part) for part in parts)).matches(path)
    assert PathPattern("**/" + parts[-1]).matches(path)
    assert not PathPattern(path).matches(path + "x")
