"""Is the folder of a try private, and its own?"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from airflow_amlpipe.compute.folder import NOTICES, StepFolder, create_step_folder
from airflow_amlpipe.exceptions import InfrastructureError


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    folder = create_step_folder(tmp_path / "deep" / "try")
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.root.iterdir()) == ["inputs", "logs", "outputs", "run", "tmp"]


def test_a_try_never_takes_the_folder_of_another(tmp_path: Path) -> None:
    create_step_folder(tmp_path / "try")
    with pytest.raises(InfrastructureError, match="exists already; each try gets its own"):
        create_step_folder(tmp_path / "try")


def test_a_folder_planted_as_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "try").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InfrastructureError, match="exists already"):
        create_step_folder(tmp_path / "try")


def test_notices_are_lines_beside_the_scripts_own_logs_and_left_out_where_there_is_no_folder(tmp_path: Path) -> None:
    folder = create_step_folder(tmp_path / "try")
    folder.note("building été")
    folder.note("ready")
    StepFolder(tmp_path / "gone").note("nobody listens")
    assert (folder.logs / NOTICES).read_text(encoding="utf-8") == "building été\nready\n"
    assert not (tmp_path / "gone").exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError, match=r"could not be created: .*set AMLPIPE_HOME"):
        create_step_folder(tmp_path / "file" / "try")
