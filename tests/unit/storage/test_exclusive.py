"""Is a file created whole or not at all, and only once, whatever happens?"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import CommitUnknownError
from airflow_amlpipe.storage import exclusive
from airflow_amlpipe.storage.exclusive import create_whole, make_folders, replace_whole
from airflow_amlpipe.storage.local import LocalStore
from tests.unit.storage.racing import create_many, in_processes


def test_of_many_processes_one_wins_each_round(tmp_path: Path) -> None:
    """R14."""
    won = in_processes(4, create_many, str(tmp_path), 150)
    assert Counter(turn for rounds in won for turn in rounds) == dict.fromkeys(range(150), 1)
    for number, rounds in enumerate(won):
        assert all((tmp_path / f"race/{turn}").read_bytes() == b"%d" % number * 1000 for turn in rounds)
    assert len(list((tmp_path / "race").iterdir())) == 150, "nothing else is left"


def test_the_file_is_on_disk_before_its_name_and_the_name_before_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R32."""
    done: list[str] = []
    fsync, link = os.fsync, os.link

    def seen_fsync(descriptor: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def seen_link(source: str, target: str) -> None:
        done.append("link")
        link(source, target)

    monkeypatch.setattr(exclusive.os, "fsync", seen_fsync)
    monkeypatch.setattr(exclusive.os, "link", seen_link)
    assert create_whole(str(tmp_path / "a"), b"x", durable=True)
    assert done == ["file", "link", "folder"]
    done.clear()
    assert create_whole(str(tmp_path / "new/folder/a"), b"x", durable=True)
    assert done == ["folder", "folder", "file", "link", "folder"]
    done.clear()
    replace_whole(str(tmp_path / "a"), b"y", durable=True)
    assert done == ["file", "folder"]
    done.clear()
    assert create_whole(str(tmp_path / "b"), b"x", durable=False)
    assert done == ["link"]


@pytest.mark.parametrize("step", ["write", "fsync", "link", "unlink"])
def test_a_process_killed_at_any_point_leaves_all_or_nothing(tmp_path: Path, step: str) -> None:
    """R05."""
    script = (
        "import os, signal, sys\n"
        "from airflow_amlpipe.storage.local import LocalStore\n"
        "real = getattr(os, sys.argv[2])\n"
        "def kill(*a, **k):\n"
        "    if sys.argv[2] == 'unlink': real(*a, **k)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "setattr(os, sys.argv[2], kill)\n"
        "LocalStore(sys.argv[1]).create_exclusive('f/a', b'whole')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), step], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    store = LocalStore(tmp_path)
    assert store.list_names("f") == (["a"] if step == "unlink" else [])
    assert store.create_exclusive("f/a", b"again") == (step != "unlink")
    assert store.read("f/a") == (b"whole" if step == "unlink" else b"again")


def failing(code: int):  # type: ignore[no-untyped-def]
    def fail(*arguments: object, **_: object) -> None:
        raise OSError(code, os.strerror(code), *map(str, arguments[:1]))

    return fail


def test_an_answer_lost_on_the_way_is_recognised_as_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R19."""
    link = os.link
    for code in (errno.EEXIST, errno.EIO, errno.ETIMEDOUT):

        def made_but_lost(source: str, target: str, code: int = code) -> None:
            link(source, target)
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(exclusive.os, "link", made_but_lost)
        assert create_whole(str(tmp_path / str(code)), b"x", durable=False)


@pytest.mark.parametrize("code", [errno.EIO, errno.ETIMEDOUT, errno.ESTALE])
def test_no_answer_is_neither_won_nor_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """R20."""
    monkeypatch.setattr(exclusive.os, "link", failing(code))
    with pytest.raises(CommitUnknownError, match=r"nobody can say whether .*a was created.*nothing was deleted, run again"):
        create_whole(str(tmp_path / "a"), b"x", durable=False)


def test_a_disk_that_does_not_confirm_the_name_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R20, R32."""
    monkeypatch.setattr(exclusive, "sync_folder", failing(errno.EIO))
    with pytest.raises(CommitUnknownError, match="did not confirm"):
        create_whole(str(tmp_path / "a"), b"x", durable=True)
    assert (tmp_path / "a").read_bytes() == b"x"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_definite_refusal_is_certainly_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """R24, R25."""
    monkeypatch.setattr(exclusive.os, "link", failing(code))
    with pytest.raises(OSError, match=os.strerror(code)):
        create_whole(str(tmp_path / "a"), b"x", durable=False)
    assert not list(tmp_path.iterdir())


def test_without_hard_links_it_is_renamed_without_replacing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exclusive.os, "link", failing(errno.EPERM))
    assert create_whole(str(tmp_path / "a"), b"first", durable=True)
    monkeypatch.setattr(exclusive.os.path, "lexists", lambda path: False)  # somebody else was between our look and our rename
    assert not create_whole(str(tmp_path / "a"), b"second", durable=True)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"first")]


def test_a_file_system_that_can_do_neither_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exclusive.os, "link", failing(errno.EPERM))
    monkeypatch.setattr(exclusive, "rename_if_absent", lambda source, target: False)
    with pytest.raises(OSError, match="can neither link nor rename without replacing"):
        create_whole(str(tmp_path / "a"), b"x", durable=False)


def test_folders_made_by_somebody_else_meanwhile_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def twice(path: str) -> None:
        mkdir(path)
        mkdir(path)

    monkeypatch.setattr(exclusive.os, "mkdir", twice)
    make_folders(str(tmp_path / "a/b"), durable=True)
    assert (tmp_path / "a/b").is_dir()
