"""Which store does a URL name?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.open import open_store


@pytest.mark.parametrize("spelling", ["file://{}", "{}", "{}/", "FILE://{}", "file://{}/x/.."])
def test_a_local_folder_can_be_spelt_in_several_ways(tmp_path: Path, spelling: str) -> None:
    store = open_store(spelling.format(tmp_path))
    assert (store.url, store.local_path("")) == (f"file://{tmp_path}", tmp_path)


def test_the_url_of_a_store_opens_it_again(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a %20#?é"))
    store.put("x", b"1")
    assert open_store(store.url).read("x") == b"1"


def test_opening_makes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "later"))
    assert store.list_names("") == store.match("**") == []
    assert not (tmp_path / "later").exists()


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "https://host/x?sig=secret", "simplecache::file:///x", "secret://"])
def test_what_may_be_secret_is_refused_and_not_repeated(url: str) -> None:
    """S11, S16."""
    with pytest.raises((UnsupportedFeatureError, DefinitionError)) as caught:
        open_store(url)
    assert "secret" not in str(caught.value).replace("'secret'", "")


def test_what_is_kept_there_is_named_in_the_authors_words() -> None:
    with pytest.raises(UnsupportedFeatureError, match="^a workspace on 'ftp' cannot be opened"):
        open_store("ftp://host", what="workspace")


def test_a_login_of_another_service_is_refused() -> None:
    with pytest.raises(DefinitionError, match="connection 'mine' is of type 'sftp'"):
        open_store("s3://bucket/x", login=Login("mine", "sftp"))


@pytest.mark.parametrize("url", ["", "relative/x", "./x", "~/x", "file://host/x", "file://", "/a\0b"])
def test_what_is_no_absolute_folder_is_refused(url: str) -> None:
    with pytest.raises(DefinitionError, match=r"names no absolute folder; write it as file:///"):
        open_store(url)


@pytest.mark.parametrize(("url", "client"), [("sftp://host/x", "paramiko"), ("https://host/x", "httpx")])
def test_naming_a_store_loads_no_client(url: str, client: str) -> None:
    program = f"import sys; from airflow_amlpipe.storage.open import open_store; open_store({url!r}); sys.exit({client!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
