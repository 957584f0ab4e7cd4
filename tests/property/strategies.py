"""Which folders, files and paths should hold for every rule about trees?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hypothesis import strategies as st

from airflow_amlpipe.fingerprint.tree import TreeFile, TreeManifest

__all__ = ["contents", "file_names", "manifests", "trees", "write_tree"]

# What a local file system takes in a name: all but "/" and NUL. Odd ones first, because they find the mistakes.
_odd_names = st.sampled_from(
    [
        "[ab]",
        "a",
        "b",
        "a-b",
        "a b",
        " ",
        "a\nb",
        "a\tb",
        '"',
        "'",
        "\\",
        "a\\b",
        "*",
        "?",
        "%20",
        "#",
        ";",
        "-rf",
        "é",
        "é",
        "😀",
        "\u202ex",
        "CON",
        "...",
    ]
)
_any_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=6)
file_names = (_odd_names | _any_names).filter(lambda name: name not in {".", ".."} and not name.startswith(".amlpipe-tmp-"))
contents = st.binary(max_size=20)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, bytes | None]:
    """Return the content of each file by its path; ``None`` for an empty folder. No path is a file here and a folder there."""
    paths = draw(st.lists(st.lists(file_names, min_size=1, max_size=3).map(tuple), max_size=6, unique=True))
    leaves = [path for path in paths if not any(other != path and other[: len(path)] == path for other in paths)]
    return {"/".join(path): draw(st.none() | contents) for path in leaves}


@st.composite
def manifests(draw: st.DrawFn) -> TreeManifest:
    """Return a manifest of a tree that could exist."""
    tree = draw(trees())
    files = tuple(TreeFile(path, len(body), hashlib.sha256(body).hexdigest()) for path, body in tree.items() if body is not None)
    return TreeManifest(files, tuple(path for path, body in tree.items() if body is None))


def write_tree(root: Path, tree: dict[str, bytes | None]) -> Path:
    """Make the folder ``root`` hold ``tree`` and return it."""
    root.mkdir(parents=True)
    for path, body in tree.items():
        place = os.path.join(root, path)  # pathlib would tidy the path up
        os.makedirs(place if body is None else os.path.dirname(place), exist_ok=True)
        if body is not None:
            with open(place, "wb") as file:
                file.write(body)
    return root
