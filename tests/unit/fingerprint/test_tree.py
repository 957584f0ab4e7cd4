"""How is the content of a folder written down?"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeManifest

HASH = "a" * 64


def test_the_encoding_is_frozen() -> None:
    manifest = TreeManifest((TreeFile("d/é", 3, HASH), TreeFile("b", 1, HASH)), ("empty",))
    assert manifest.encode() == (
        b'{"folders":[["",[["b",1,"' + b"a" * 64 + b'"]]],["d",[["\\u00e9",3,"' + b"a" * 64 + b'"]]],["empty",[]]],'
        b'"format":"amlpipe/tree/v1","is_file":false}'
    )
    assert manifest.digest == "a80d9a9b83aa2ecf0e809ef93f84fa91e1ac3dd07a1de1233a3f8f744671328f"


def test_files_are_sorted_by_the_bytes_of_their_paths() -> None:
    paths = ["z", "é", "a/b", "a-b", "😀", "Z"]
    manifest = TreeManifest(tuple(TreeFile(path, 0, HASH) for path in paths))
    assert [file.path for file in manifest.files] == sorted(paths, key=lambda path: path.encode())


def test_sizes_are_summed() -> None:
    assert TreeManifest((TreeFile("a", 2, HASH), TreeFile("b", 3, HASH))).size_bytes == 5


def test_a_file_and_a_folder_that_holds_it_are_two_things() -> None:
    assert TreeManifest((TreeFile("a", 2, HASH),), is_file=True).digest != TreeManifest((TreeFile("a", 2, HASH),)).digest


def test_an_empty_folder_counts() -> None:
    assert len({TreeManifest().digest, TreeManifest((), ("",)).digest, TreeManifest((), ("a",)).digest}) == 3


def encoded(folders: object, **changes: object) -> bytes:
    return json.dumps({"folders": folders, "format": "amlpipe/tree/v1", "is_file": False, **changes}, separators=(",", ":")).encode()


def test_what_the_table_of_damage_starts_from_is_sound() -> None:
    assert TreeManifest.decode(encoded([["", [["a", 1, HASH]]]])).files == (TreeFile("a", 1, HASH),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"not json",
        b"[" * 100_000,
        b"null",
        b"[]",
        encoded([["", [["a", 1, HASH]]]])[:-10],
        encoded([["", [["a", 1, HASH]]]], format="amlpipe/tree/v2"),
        encoded(7),
        encoded([["", [["a", 1]]]]),
        encoded([["", [["a", -1, HASH]]]]),
        encoded([["", [["a", 1.5, HASH]]]]),
        encoded([["", [["a", True, HASH]]]]),
        encoded([["", [["a", 1, "A" * 64]]]]),
        encoded([["", [["a", 1, 7]]]]),
        encoded([["..", [["a", 1, HASH]]]]),
        encoded([["", [["..", 1, HASH]]]]),
        encoded([["/etc", [["a", 1, HASH]]]]),
        encoded([["", [["../a", 1, HASH]]]]),
        encoded([["a//b", [["a", 1, HASH]]]]),
        encoded([["", [["a\0", 1, HASH]]]]),
        encoded([["", [["", 1, HASH]]]]),
        encoded([["", [["b", 1, HASH], ["a", 1, HASH]]]]),
        encoded([["", [["a/b", 1, HASH]]]]),
        encoded([["", [["a", 1, HASH], ["b", 1, HASH]]]], is_file=True),
        encoded([["", [["a", 1, HASH]]]], is_file=1),
        encoded([["", [["a", 1, HASH]]]], extra=1),
        b" " + encoded([["", [["a", 1, HASH]]]]),
        encoded([["", [["\ud800", 1, HASH]]]]),
    ],
)
def test_a_damaged_or_foreign_manifest_is_not_believed(content: bytes) -> None:
    """R31, S28."""
    with pytest.raises(ProtocolError, match="data manifest"):
        TreeManifest.decode(content)


def test_a_pickle_where_a_manifest_should_be_is_not_loaded(tmp_path: Path) -> None:
    """S13."""
    planted = tmp_path / "planted"

    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(planted),)

    with pytest.raises(ProtocolError, match="data manifest"):
        TreeManifest.decode(pickle.dumps(Evil()))
    assert not planted.exists()
