"""Which paths on the compute may an author name, and what do they lead to?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.places import output_place, place_input, place_output, remove_outside_links
from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec


def an_input(path: str | None) -> InputSpec:
    return InputSpec(name="raw", mode="mount", source=DatasetSource(), path_on_compute=path)


def an_output(source: str | None, name: str = "out") -> OutputSpec:
    return OutputSpec(name=name, datastore="lake", source=source)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2\n")
    return tmp_path / "data"


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_without_a_path_an_input_is_where_it_is(folder: StepFolder, data: Path) -> None:
    assert place_input("step 'x'", an_input(None), data, folder) == data


def test_a_relative_path_is_found_from_the_working_folder(folder: StepFolder, data: Path) -> None:
    place = place_input("step 'x'", an_input("deep/data"), data, folder)
    assert place == folder.code / "deep" / "data"
    assert (folder.code / "deep" / "data" / "a.csv").read_text() == "1,2\n"


def test_a_single_file_can_be_placed_too(folder: StepFolder, data: Path) -> None:
    place = place_input("step 'x'", an_input("table.csv"), data / "a.csv", folder)
    assert place.read_text() == "1,2\n"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a\nb", "C:\\x", "s3://bucket/x", "~/x"])
def test_a_relative_path_that_leaves_the_working_folder_is_refused(folder: StepFolder, data: Path, path: str) -> None:
    """S01."""
    with pytest.raises(DefinitionError, match="step 'x': input 'raw': path_on_compute"):
        place_input("step 'x'", an_input(path), data, folder)
    with pytest.raises(DefinitionError, match="step 'x': output 'out': source"):
        place_output("step 'x'", an_output(path), folder)


@pytest.mark.parametrize("path", [".", "outputs", "outputs/x", "logs/../logs"])
def test_an_input_cannot_lie_where_artifacts_are_written(folder: StepFolder, data: Path, path: str) -> None:
    with pytest.raises(DefinitionError, match="path_on_compute"):
        place_input("step 'x'", an_input(path), data, folder)


@pytest.mark.parametrize("path", ["train.py", "train.py/x"])
def test_a_path_that_the_source_folder_has_is_refused(folder: StepFolder, data: Path, path: str) -> None:
    with pytest.raises(DefinitionError, match="the source folder has something there"):
        place_input("step 'x'", an_input(path), data, folder)
    with pytest.raises(DefinitionError, match="is a file of the source folder"):
        place_output("step 'x'", an_output(path), folder)


def test_a_path_behind_a_link_of_the_snapshot_that_leaves_it_is_refused(folder: StepFolder, data: Path, tmp_path: Path) -> None:
    """S23."""
    (folder.code / "link").symlink_to(tmp_path)
    with pytest.raises(DefinitionError, match="behind a symbolic link"):
        place_input("step 'x'", an_input("link/x"), data, folder)
    with pytest.raises(DefinitionError, match="behind a symbolic link"):
        place_output("step 'x'", an_output("link/x"), folder)


@pytest.mark.parametrize("path", ["/etc/amlpipe", "/", "/tmp", "/tmp/../etc/x", "/home/x"])
def test_an_absolute_path_outside_the_folders_for_temporary_files_is_refused(folder: StepFolder, data: Path, path: str) -> None:
    with pytest.raises(DefinitionError, match="outside the folders for temporary files"):
        place_input("step 'x'", an_input(path), data, folder)
    with pytest.raises(DefinitionError, match="outside the folders for temporary files"):
        place_output("step 'x'", an_output(path), folder)


def test_an_absolute_path_leads_to_the_data_and_is_taken_away_afterwards(folder: StepFolder, temporary: Path) -> None:
    (folder.inputs / "raw").mkdir()
    wanted = temporary / "deep" / "data"
    assert place_input("step 'x'", an_input(str(wanted)), folder.inputs / "raw", folder) == wanted
    assert os.path.samefile(wanted, folder.inputs / "raw")
    remove_outside_links(folder, [str(wanted)])
    assert not wanted.is_symlink()


def test_an_absolute_path_that_another_step_uses_may_be_retried(folder: StepFolder, temporary: Path, data: Path) -> None:
    (temporary / "data").symlink_to(data)
    with pytest.raises(InfrastructureError, match="exists already on this machine, perhaps because another step is using it"):
        place_output("step 'x'", an_output(str(temporary / "data")), folder)


def test_what_a_dead_try_left_there_is_replaced(folder: StepFolder, temporary: Path) -> None:
    (temporary / "data").symlink_to(temporary / "gone")
    place_output("step 'x'", an_output(str(temporary / "data")), folder)
    assert os.path.samefile(temporary / "data", folder.outputs / "out")


def test_a_link_planted_on_the_way_is_not_walked_through(folder: StepFolder, temporary: Path, data: Path) -> None:
    """S24."""
    (temporary / "deep").symlink_to(data)
    with pytest.raises(DefinitionError, match="is no folder of this user"):
        place_output("step 'x'", an_output(str(temporary / "deep" / "out")), folder)
    assert not (data / "out").exists()


def test_links_of_others_are_left_alone(folder: StepFolder, temporary: Path, data: Path) -> None:
    (temporary / "theirs").symlink_to(data)
    (temporary / "file").write_text("x")
    remove_outside_links(folder, [str(temporary / "theirs"), str(temporary / "file"), str(temporary / "nothing")])
    assert (temporary / "theirs").is_symlink()
    assert (temporary / "file").exists()


def test_an_output_exists_before_the_script_starts(folder: StepFolder) -> None:
    assert place_output("step 'x'", an_output(None), folder) == folder.outputs / "out"
    assert place_output("step 'x'", an_output("results/model"), folder) == folder.code / "results" / "model"
    assert (folder.code / "results" / "model").is_dir()


@pytest.mark.parametrize("source", [None, "results/rows"])
def test_an_output_that_is_not_made_has_the_folder_above_it_only(folder: StepFolder, source: str | None) -> None:
    place = place_output("step 's'", an_output(source).model_copy(update={"is_made": False}), folder)
    assert place.parent.is_dir()
    assert not place.exists()


def test_behind_an_absolute_path_there_is_a_folder_in_any_case(folder: StepFolder, temporary: Path) -> None:
    place = place_output("step 's'", an_output(str(temporary / "rows")).model_copy(update={"is_made": False}), folder)
    assert place.is_dir()


def test_an_output_cannot_be_the_whole_working_folder(folder: StepFolder) -> None:
    with pytest.raises(DefinitionError, match="is the whole working folder"):
        output_place("step 'x'", an_output("."), folder)


def test_an_output_whose_name_leaves_the_folder_is_refused(folder: StepFolder) -> None:
    with pytest.raises(DefinitionError, match="cannot be used"):
        place_output("step 'x'", an_output(None, name="../x"), folder)
