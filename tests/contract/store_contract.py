"""What must hold for every store, whatever it is made of?

Inherit, and say how a store is made; ``tests/contract/test_local_store.py`` shows it.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, SourceChangedError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.storage import transfer
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store

ODD_NAMES = ("[ab]", "a b", "é", "😀", "%20", "#x", ";", "-rf", "'", '"', "+", "a{b}", "CON", " x", "x ")


class StoreContract:
    """The promise of ``storage/store.py``, one test a sentence.

    :cvar odd_names: may be shortened by a store that refuses some
    :cvar identifies_content: as ``Store.identifies_content``; a store that does not keeps no empty folders either
    """

    odd_names = ODD_NAMES
    identifies_content = True

    def make_store(self, folder: Path) -> Store:
        """Return an empty store; called again with the same folder it is the same store for another process."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return self.make_store(tmp_path / "store")

    @pytest.fixture
    def local(self, tmp_path: Path) -> Callable[..., Path]:
        """Make a local folder with the given files."""

        def make(files: dict[str, str], name: str = "source") -> Path:
            root = tmp_path / name
            root.mkdir(parents=True)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return root

        return make

    def content(self, store: Store, path: str) -> TreeIdentity:
        """Return the identity by content of what is at ``path``, however the store itself identifies it."""
        if self.identifies_content:
            return store.identify(path)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.rpartition("/")[2]
            store.fetch(path, copy)
            return identify_tree(copy)

    def test_it_says_how_it_identifies_data(self, store: Store) -> None:
        assert store.identifies_content is self.identifies_content

    # ---- objects

    def test_an_object_is_read_as_it_was_written(self, store: Store) -> None:
        for number, body in enumerate([b"", b"x", os.urandom(300_000)]):
            store.put(f"a/{number}", body)
            assert store.create_exclusive(f"b/{number}", body)
            assert store.read(f"a/{number}") == store.read(f"b/{number}") == body

    def test_reading_nothing_says_that_nothing_is_there(self, store: Store) -> None:
        store.put("folder/object", b"")
        for path in ("nothing", "folder", "folder/object/below", "no/such/folder"):
            with pytest.raises(FileNotFoundError):
                store.read(path)

    def test_put_replaces_the_whole_object(self, store: Store) -> None:
        store.put("a", b"long content")
        store.put("a", b"short")
        assert store.read("a") == b"short"

    def test_exists_knows_files_and_folders(self, store: Store) -> None:
        store.put("folder/object", b"")
        assert [store.exists(path) for path in ("folder/object", "folder", "other", "folder/object/x")] == [True, True, False, False]

    def test_when_an_object_was_written_is_known_or_the_store_says_that_it_is_not(self, store: Store) -> None:
        began = time.time()
        store.put("a/object", b"x")
        written = store.last_written("a/object")
        assert written is None or abs(written - began) < 60, "the clocks of the store and of this machine are a minute apart at most"
        if written is not None:
            for path in ("a/nothing", "a"):
                with pytest.raises(FileNotFoundError):
                    store.last_written(path)

    def test_the_size_of_an_object_is_known_and_a_folder_is_none(self, store: Store) -> None:
        store.put("a/object", b"12345")
        assert store.size_of("a/object") == 5
        for path in ("a/nothing", "a", "a/object/x"):
            with pytest.raises(FileNotFoundError):
                store.size_of(path)

    def test_a_large_file_that_is_on_its_way_can_be_given_up(self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """R11: whoever stops a step does not wait for the end of a file."""
        monkeypatch.setattr(transfer, "_clone", lambda *_: False)  # a clone is there at once
        (tmp_path / "large").write_bytes(bytes(9 << 20))
        store.ingest(tmp_path / "large", "data/large")
        told: list[tuple[int, int]] = []

        def give_up(files: int, size_bytes: int) -> None:
            told.append((files, size_bytes))
            raise InfrastructureError("nobody waits for it any more")

        with pytest.raises(InfrastructureError, match="nobody waits"):
            store.fetch("data/large", tmp_path / "here", on_progress=give_up)
        assert set(told) == {(0, 0)}
        assert not (tmp_path / "here").exists()

    def test_freshening_says_whether_an_object_is_there_and_changes_nothing_of_it(self, store: Store) -> None:
        store.put("a/object", b"x")
        assert (store.freshen("a/object"), store.freshen("a/nothing"), store.read("a/object")) == (True, False, b"x")

    def test_an_empty_folder_can_be_removed_and_no_other(self, store: Store) -> None:
        store.put("full/object", b"x")
        store.put("empty/object", b"x")
        store.remove_tree("empty/object")
        for folder in ("full", "empty", "none"):
            store.remove_empty(folder)
        assert (store.list_names(""), store.read("full/object")) == (["full"], b"x")

    def test_names_are_listed_sorted_without_what_is_below(self, store: Store) -> None:
        for path in ("f/b", "f/a", "f/c/d", "g"):
            store.put(path, b"")
        assert store.list_names("f") == ["a", "b", "c"]
        assert store.list_names("") == ["f", "g"]
        assert store.list_names("nothing") == store.list_names("g") == []

    def test_an_object_is_created_once(self, store: Store) -> None:
        assert store.create_exclusive("a/b", b"first")
        assert not store.create_exclusive("a/b", b"second")
        assert not store.create_exclusive("a/b", b"first")
        assert store.read("a/b") == b"first"

    def test_an_empty_object_is_not_created_over_another(self, store: Store) -> None:
        """R52."""
        assert store.create_exclusive("a", b"x")
        assert not store.create_exclusive("a", b"")
        assert store.read("a") == b"x"
        assert store.create_exclusive("b", b"")
        assert not store.create_exclusive("b", b"x")

    def test_of_many_who_create_one_object_one_wins(self, store: Store, tmp_path: Path) -> None:
        """R14."""
        for attempt in range(20):
            barrier = threading.Barrier(4)
            won: list[int] = []

            def create(number: int, path: str = f"race/{attempt}", barrier: threading.Barrier = barrier, won: list[int] = won) -> None:
                mine = self.make_store(tmp_path / "store")
                barrier.wait()
                if mine.create_exclusive(path, b"%d" % number, durable=False):
                    won.append(number)

            threads = [threading.Thread(target=create, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(won) == 1
            assert store.read(f"race/{attempt}") == b"%d" % won[0]

    def test_another_process_sees_at_once_what_was_written(self, store: Store, tmp_path: Path) -> None:
        """R56."""
        other = self.make_store(tmp_path / "store")
        assert not other.exists("a")
        assert other.list_names("") == []
        store.put("a", b"1")
        assert other.exists("a")
        assert other.list_names("") == ["a"]
        store.put("a", b"longer")
        assert other.read("a") == b"longer"

    @pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a/..", "..", "a\0b"])
    def test_no_path_leaves_the_store(self, store: Store, path: str) -> None:
        """S01."""
        for call in (store.read, store.exists, store.list_names, store.identify, store.match, store.remove_tree, store.local_path):
            with pytest.raises(DefinitionError, match="must be relative and stay below the root"):
                call(path)

    def test_a_log_has_every_entry_once_and_in_order(self, store: Store) -> None:
        log = AppendLog(store, "log")
        assert (log.entries(), log.latest()) == ([], None)
        assert [log.append(b"%d" % number) for number in range(12)] == list(range(1, 13))
        assert log.entries() == [(number + 1, b"%d" % number) for number in range(12)]
        assert log.latest() == (12, b"11")

    # ---- data

    def test_ingested_data_is_what_it_was(self, store: Store, local: Callable[..., Path]) -> None:
        source = local({"a": "1", "d/e/b": "2"})
        if self.identifies_content:
            (source / "empty").mkdir()
        expected = identify_tree(source)
        expected_list = expected.manifest()
        found = store.ingest(source, "x/y")
        assert self.content(store, "x/y") == expected
        assert self.content(store, "x/y").manifest() == expected_list
        assert found == (None if self.identifies_content else store.identify("x/y"))

    def test_one_file_is_ingested_and_fetched_under_another_name(self, store: Store, local: Callable[..., Path], tmp_path: Path) -> None:
        store.ingest(local({"a": "1"}) / "a", "x/model.bin", durable=True)
        identity = store.identify("x/model.bin")
        assert identity.manifest().files[0].path == "model.bin"
        store.fetch("x/model.bin", tmp_path / "copy", identity.manifest())
        assert (tmp_path / "copy").read_text() == "1"

    @pytest.mark.parametrize("checked", [True, False])
    def test_a_relative_target_is_below_the_current_folder(
        self, store: Store, local: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checked: bool
    ) -> None:
        store.ingest(local({"a": "1", "d/b": "2"}), "x")
        monkeypatch.chdir(tmp_path)
        for path, target in (("x/a", "file"), ("x", "folder"), ("x/a", "new/file")):
            store.fetch(path, Path(target), store.identify(path).manifest() if checked else None)
        found = {
            str(item.relative_to(tmp_path)): item.read_text()
            for name in ("file", "new/file", "folder/a", "folder/d/b")
            for item in [tmp_path / name]
        }
        assert found == {"file": "1", "new/file": "1", "folder/a": "1", "folder/d/b": "2"}

    def test_nothing_is_ingested_over_something(self, store: Store, local: Callable[..., Path]) -> None:
        store.put("x/a", b"kept")
        source = local({"a": "1"})
        for path in ("x", "x/a"):
            with pytest.raises(FileExistsError):
                store.ingest(source, path)
        assert store.read("x/a") == b"kept"
        assert (source / "a").exists()

    def test_links_in_what_is_ingested_become_content(self, store: Store, local: Callable[..., Path]) -> None:
        """R51."""
        source = local({"a": "1", "d/b": "2"})
        (source / "absolute").symlink_to(source / "a")
        (source / "chain").symlink_to("absolute")
        (source / "folder").symlink_to("d")
        (source / "d/up").symlink_to("../a")
        expected = identify_tree(source)
        store.ingest(source, "x")
        assert self.content(store, "x") == expected

    @pytest.mark.parametrize("path", ["a", "d"])
    def test_a_link_that_is_ingested_is_what_it_leads_to(self, store: Store, local: Callable[..., Path], tmp_path: Path, path: str) -> None:
        source = local({"a": "1", "d/a": "2"})
        (tmp_path / "link").symlink_to(source / path)
        store.ingest(tmp_path / "link", "x/a")
        assert {file.sha256 for file in self.content(store, "x/a").manifest().files} == {
            file.sha256 for file in identify_tree(source / path).manifest().files
        }
        assert (source / path).exists()

    def test_who_has_another_name_of_an_ingested_file_cannot_change_it(
        self, store: Store, local: Callable[..., Path], tmp_path: Path
    ) -> None:
        """R51."""
        source = local({"a": "1"})
        os.link(source / "a", tmp_path / "mine")
        store.ingest(source, "x")
        (tmp_path / "mine").write_text("2")
        assert store.read("x/a") == b"1"

    def test_what_cannot_be_data_is_not_ingested(self, store: Store, local: Callable[..., Path]) -> None:
        """R51."""
        source = local({"a": "1"})
        os.mkfifo(source / "pipe")
        with pytest.raises(DefinitionError, match="is a FIFO"):
            store.ingest(source, "x")
        assert not store.exists("x")

    def test_no_bytes_of_other_places_are_ever_stored_whoever_swaps_files_meanwhile(self, store: Store, tmp_path: Path) -> None:
        """S23: the result is refused, or what the output's own files held."""
        secret = tmp_path / "secret"
        secret.write_text("secret")
        for number in range(10):
            source = tmp_path / f"source-{number}"
            source.mkdir()
            for name in "abcdefgh":
                (source / name).write_text("public")
            with swapping(source / "d", secret):
                try:
                    store.ingest(source, f"x/{number}")
                    store.fetch(f"x/{number}", tmp_path / f"copy-{number}")
                except (AmlPipeError, OSError):
                    continue
            assert {path.read_text() for path in (tmp_path / f"copy-{number}").iterdir()} == {"public"}

    @pytest.mark.parametrize("checked", [True, False])
    def test_a_fetched_copy_is_private(self, store: Store, local: Callable[..., Path], tmp_path: Path, checked: bool) -> None:
        """R55."""
        source = local({"a": "1", "d/b": "2" * 3_000_000, "d/c": "3" * 2_000_000})
        if self.identifies_content:
            (source / "d/empty").mkdir()
        (source / "a").chmod(0o444)
        store.ingest(source, "x")
        identity = store.identify("x")
        store.fetch("x", tmp_path / "copy", identity.manifest() if checked else None)
        assert identify_tree(tmp_path / "copy") == self.content(store, "x")
        (tmp_path / "copy/a").write_text("changed")
        (tmp_path / "copy/d/b").unlink()
        assert store.identify("x") == identity

    def test_a_manifest_chooses_what_is_fetched(self, store: Store, local: Callable[..., Path], tmp_path: Path) -> None:
        store.ingest(local({"a.csv": "1", "d/b.csv": "2", "c.txt": "3"}), "x")
        chosen = store.identify("x", pattern=PathPattern("**/*.csv"))
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy/mine").write_text("stays")
        store.fetch("x", tmp_path / "copy", chosen.manifest())
        assert sorted(str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*.*")) == ["a.csv", "d/b.csv"]
        assert (tmp_path / "copy/mine").read_text() == "stays"

    @pytest.mark.parametrize("change", ["content", "size", "gone"])
    def test_data_that_changed_after_it_was_identified_is_not_handed_on(
        self, store: Store, local: Callable[..., Path], tmp_path: Path, change: str
    ) -> None:
        """R27, R45."""
        store.ingest(local({"a": "1", "d/b": "2"}), "x")
        manifest = store.identify("x").manifest()
        if change == "gone":
            store.remove_tree("x/d/b")
        else:
            store.put("x/d/b", b"3" if change == "content" else b"33")
        with pytest.raises(SourceChangedError, match="d/b"):
            store.fetch("x", tmp_path / "copy", manifest)
        assert not (tmp_path / "copy").exists()

    @pytest.mark.parametrize("checked", [True, False])
    def test_what_has_arrived_is_told(self, store: Store, local: Callable[..., Path], tmp_path: Path, checked: bool) -> None:
        store.ingest(local({"a": "1", "d/b": "2" * 3_000_000, "d/c": "3" * 2_000_000}), "x")
        told: list[tuple[int, int]] = []
        manifest = store.identify("x").manifest() if checked else None
        store.fetch("x", tmp_path / "copy", manifest, on_progress=lambda files, size: told.append((files, size)))
        assert (sum(files for files, _ in told), sum(size for _, size in told)) == (3, 5_000_001)

    def test_staging_again_goes_on_where_it_stopped(self, store: Store, local: Callable[..., Path], tmp_path: Path) -> None:
        """R03: of what an interrupted staging left, only files that are whole and right are kept."""
        store.ingest(local({"there": "1" * 2_000_000, "half": "2" * 2_000_000, "other": "3", "missing": "4"}), "x")
        copy = local({"there": "1" * 2_000_000, "half": "2" * 1_000_000, "other": "9"}, "copy")
        before = (copy / "there").stat().st_ino
        store.fetch("x", copy, store.identify("x").manifest())
        assert identify_tree(copy) == self.content(store, "x")
        if self.identifies_content:
            assert (copy / "there").stat().st_ino == before

    def test_fetching_nothing_says_that_nothing_is_there(self, store: Store, tmp_path: Path) -> None:
        manifest = TreeManifest((TreeFile("a", 1, "0" * 64),))
        store.put("file", b"")
        for path in ("nothing", "file/below"):
            for given in (manifest, None):
                with pytest.raises(FileNotFoundError):
                    store.fetch(path, tmp_path / "copy", given)
            with pytest.raises(FileNotFoundError):
                store.identify(path)
            with pytest.raises(FileNotFoundError):
                store.replace(path, "y")
            with pytest.raises(FileNotFoundError):
                store.overlay(path, "y", overwrite=True)
        assert not store.exists("y")

    def test_identity_is_content_whether_remembered_or_not(self, store: Store, local: Callable[..., Path], tmp_path: Path) -> None:
        memo = HashMemo(tmp_path / "memo")
        store.ingest(local({"a": "1"}), "x")
        before = store.identify("x", memo)
        assert store.identify("x", memo) == store.identify("x") == before
        store.put("x/a", b"2")
        assert store.identify("x", memo).digest != before.digest
        store.put("x/a", b"1")
        if self.identifies_content:
            assert store.identify("x", memo) == before

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("x/*.csv", ["x/a.csv"]),
            ("x/**/*.csv", ["x/a.csv", "x/d/b.csv"]),
            ("x/**", ["x/a.csv", "x/c.txt", "x/d/b.csv"]),
            ("**/b.csv", ["x/d/b.csv"]),
            ("*/?.txt", ["x/c.txt"]),
            ("x/d", ["x/d"]),
            ("x/a.csv", ["x/a.csv"]),
            ("x/nothing", []),
            ("y/*", []),
            ("x/a.csv/*", []),
        ],
    )
    def test_a_pattern_names_files(self, store: Store, local: Callable[..., Path], pattern: str, expected: list[str]) -> None:
        store.ingest(local({"a.csv": "1", "d/b.csv": "2", "c.txt": "3"}), "x")
        assert store.match(pattern) == expected

    def test_names_with_odd_characters_are_only_themselves(self, store: Store, local: Callable[..., Path], tmp_path: Path) -> None:
        """R49, R50."""
        store.ingest(local({f"{name}/{name}": name for name in [*self.odd_names, "a", "b"]}), "x")
        for name in self.odd_names:
            assert store.match(f"x/{name}/{name}") == store.match(f"x/{name}/*") == [f"x/{name}/{name}"]
            assert store.read(f"x/{name}/{name}") == name.encode()
        store.fetch("x/[ab]", tmp_path / "copy")
        assert (tmp_path / "copy/[ab]").read_text() == "[ab]"
        store.remove_tree("x/[ab]")
        assert store.list_names("x") == sorted({*self.odd_names, "a", "b"} - {"[ab]"})

    def test_new_content_takes_the_place_of_old(self, store: Store, local: Callable[..., Path]) -> None:
        store.ingest(local({"a": "new", "d/b": "2"}, "one"), "run1")
        store.ingest(local({"a": "old", "gone": "3"}, "two"), "fixed/place")
        store.replace("run1", "fixed/place")
        assert self.content(store, "fixed/place") == self.content(store, "run1")
        store.replace("run1", "fixed/other")
        assert self.content(store, "fixed/other") == self.content(store, "run1")
        store.replace("run1/a", "fixed/place")
        store.replace("run1/a", "fixed/file")
        store.replace("run1/d/b", "fixed/file")
        store.replace("run1/d", "fixed/place")
        assert store.read("fixed/file") == store.read("fixed/place/b") == b"2"
        assert store.list_names("fixed") == ["file", "other", "place"]

    def test_a_replaced_copy_is_no_tie(self, store: Store, local: Callable[..., Path]) -> None:
        store.ingest(local({"a": "1"}), "run1")
        store.replace("run1", "fixed")
        store.put("fixed/a", b"2")
        assert store.read("run1/a") == b"1"

    @pytest.mark.parametrize(("source", "path"), [("x", "x"), ("x", "x/d"), ("x/d", "x"), ("x", ""), ("", "y")])
    def test_nothing_is_replaced_by_what_is_in_it(self, store: Store, local: Callable[..., Path], source: str, path: str) -> None:
        store.ingest(local({"a": "1", "d/b": "2"}), "x")
        before = store.identify("x")
        for call in (lambda: store.replace(source, path), lambda: store.overlay(source, path, overwrite=True)):
            with pytest.raises(DefinitionError, match=r"within each other|is the root"):
                call()
        assert store.identify("x") == before

    @pytest.mark.parametrize(("overwrite", "expected"), [(True, b"new"), (False, b"old")])
    def test_files_are_laid_over_a_folder(self, store: Store, local: Callable[..., Path], overwrite: bool, expected: bytes) -> None:
        store.ingest(local({"a": "new", "d/b": "2"}, "one"), "run1")
        store.ingest(local({"a": "old", "c": "3"}, "two"), "fixed")
        for _ in range(2):
            store.overlay("run1", "fixed", overwrite=overwrite)
        assert {path: store.read(path) for path in store.match("fixed/**")} == {"fixed/a": expected, "fixed/c": b"3", "fixed/d/b": b"2"}
        store.overlay("run1/a", "fixed/a", overwrite=overwrite)
        assert store.read("fixed/a") == expected

    def test_a_tree_is_removed_with_all_it_holds(self, store: Store, local: Callable[..., Path]) -> None:
        store.ingest(local({"a": "1", "d/b": "2"}), "x/y")
        store.remove_tree("x/y/a")
        assert store.match("**") == ["x/y/d/b"]
        store.remove_tree("x/y")
        store.remove_tree("x/y")
        store.remove_tree("nothing/at/all")
        assert store.match("**") == []

    @pytest.mark.parametrize("path", ["", ".", "x/*", "*", "x?", "./"])
    def test_nothing_is_removed_by_accident(self, store: Store, local: Callable[..., Path], path: str) -> None:
        store.ingest(local({"a": "1"}), "x")
        with pytest.raises(DefinitionError, match=r"is the root|will not be deleted"):
            store.remove_tree(path)
        assert store.read("x/a") == b"1"

    def test_a_local_path_leads_to_the_bytes(self, store: Store) -> None:
        store.put("x/a", b"1")
        local = store.local_path("x/a")
        assert local is None or local.read_bytes() == b"1"


@contextmanager
def swapping(path: Path, secret: Path) -> Iterator[None]:
    """Let ``path`` be a file and a link to ``secret`` in turn, as fast as a thread can."""
    done = threading.Event()

    def swap() -> None:
        with suppress(OSError):  # its folder was moved away
            while not done.is_set():
                link, file = path.with_name("link"), path.with_name("file")
                link.symlink_to(secret)
                link.rename(path)
                file.write_text("public")
                file.rename(path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
