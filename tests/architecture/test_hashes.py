"""By what are keys and contents known? By SHA-256, everywhere."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source_tree import Module, package_modules

MODULES = [module for module in package_modules() if not module.is_empty]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_weaker_hash_than_sha256_is_used(module: Module) -> None:
    """S30."""
    weak = {"md5", "sha1", "new", "blake2s", "crc32", "adler32"}
    used = {
        node.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"hashlib", "zlib", "binascii"}
    }
    assert not used & weak
