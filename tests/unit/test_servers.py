"""Does a store that cannot be tested go unnoticed?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers


def test_a_missing_server_is_a_failure_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Nowhere: it is not installed"):
        servers.leave_out("Nowhere", "it is not installed")
    assert "Nowhere" not in servers.left_out


def test_a_missing_server_is_a_skip_elsewhere_and_is_said_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(servers, "left_out", {})
    with pytest.raises(pytest.skip.Exception, match="Nowhere: it is not installed"):
        servers.leave_out("Nowhere", "it is not installed")
    assert servers.left_out == {"Nowhere": "it is not installed"}


def test_the_end_of_a_run_in_several_processes_says_it_too(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    test = tmp_path / "test_nowhere.py"
    test.write_text("from tests.servers import leave_out\n\ndef test_it():\n    leave_out('Nowhere', 'it is not installed')\n")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(repository / "pyproject.toml"), "-n", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(test)], cwd=repository, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count("left out: Nowhere (it is not installed)")) == (0, 1), done.stdout
