"""What is kept of the commit that a source folder was at?"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from airflow_amlpipe.workspace.git_state import git_state, without_credentials

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "train.py").write_text("print(1)\n")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "first")
    return folder


def test_a_clean_checkout_has_commit_and_branch(checkout: Path) -> None:
    assert git_state(checkout / "src") == {"commit": git(checkout, "rev-parse", "HEAD"), "branch": "main", "dirty": False, "remote": None}


def test_changed_and_new_files_below_the_source_folder_make_it_dirty(checkout: Path) -> None:
    (checkout / "elsewhere.txt").write_text("not source\n")
    assert (git_state(checkout / "src") or {})["dirty"] is False

    (checkout / "src" / "new.py").write_text("print(2)\n")
    assert (git_state(checkout / "src") or {})["dirty"] is True


def test_the_remote_is_kept_without_its_credentials(checkout: Path) -> None:
    """S11."""
    git(checkout, "remote", "add", "origin", "https://me:secret@git.example.org/team/code.git")

    assert (git_state(checkout) or {})["remote"] == "https://git.example.org/team/code.git"


def test_a_checkout_without_commits_or_branch_says_so(tmp_path: Path, checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "--detach")
    assert (git_state(checkout) or {})["branch"] is None

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "--quiet")
    assert (git_state(fresh) or {})["commit"] is None


def test_a_folder_in_no_repository_has_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None


def test_a_machine_without_git_has_no_state(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) is None


@pytest.mark.parametrize(
    ("remote", "kept"),
    [
        ("git@example.org:team/code.git", "git@example.org:team/code.git"),
        ("ssh://git@example.org/code", "ssh://example.org/code"),
        ("https://example.org/code?token=secret#x", "https://example.org/code"),
        ("/srv/git/code", "/srv/git/code"),
    ],
)
def test_no_credential_survives(remote: str, kept: str) -> None:
    """S11."""
    assert without_credentials(remote) == kept
