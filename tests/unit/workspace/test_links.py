"""Is the dataset that a script linked an output to what the script was allowed to say, and nothing else?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, UnknownNameError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.runtime.linking import LINK_FILE, LINK_FORMAT
from airflow_amlpipe.workspace.links import check_link
from airflow_amlpipe.workspace.workspace import WorkspaceStore

FILES = {"kind": "file"}
QUERY = {"kind": "tabular", "reading": {"format": "sql", "datastore": "db", "query": "SELECT * FROM salaries"}}


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    return open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")


def check(workspace: WorkspaceStore, folder: Path, kind: str | None = None, **document: Any) -> None:
    (folder / LINK_FILE).write_text(json.dumps({"format": LINK_FORMAT, **document}))
    check_link(workspace, "step 'choose': output 'rows'", folder, kind)


def test_a_link_to_paths_is_as_the_script_described_them(workspace: WorkspaceStore, tmp_path: Path) -> None:
    check(workspace, tmp_path, "file", paths=[["workspaceblobstore", "raw"]], definition=FILES)
    with pytest.raises(DefinitionError, match="is a LinkTabularOutputDatasetConfig, but was linked to a file dataset"):
        check(workspace, tmp_path, "tabular", paths=[["workspaceblobstore", "raw"]], definition=FILES)


def test_no_script_links_an_output_to_a_query_of_its_own(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """S16: whoever reads the output asks with a login that the script does not have."""
    with pytest.raises(DefinitionError, match="holds a query of a database, which no script can link an output to"):
        check(workspace, tmp_path, paths=[], definition=QUERY)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"paths": [["only a datastore"]], "definition": FILES},
        {"paths": [["a", "b", "c"]], "definition": FILES},
        {"paths": "raw", "definition": FILES},
        {"paths": [["a", "b"]]},
        {"paths": [["a", "b"]], "definition": "file"},
        {"id": 5, "operations": [], "timestamps": [None, None]},
        {"id": "x"},
        {"id": "x", "operations": "all", "timestamps": [None, None]},
        {"id": "x", "operations": [], "timestamps": [None]},
        {"id": "x", "operations": [], "timestamps": None},
    ],
)
def test_a_damaged_link_is_refused_with_the_output(workspace: WorkspaceStore, tmp_path: Path, document: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="^step 'choose': output 'rows': the link to a dataset: "):
        check(workspace, tmp_path, **document)


def test_a_link_to_what_is_not_there_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        check(workspace, tmp_path, id="x", operations=[], timestamps=[None, None])
    with pytest.raises(ProtocolError, match="is not of the format 'amlpipe/link/v1'"):
        check(workspace, tmp_path, format="amlpipe/link/v2")
    (tmp_path / LINK_FILE).write_text("{")
    with pytest.raises(DefinitionError, match="the link to a dataset"):
        check_link(workspace, "output 'rows'", tmp_path, None)
    (tmp_path / LINK_FILE).unlink()
    with pytest.raises(DefinitionError, match="output 'rows' was linked to no dataset"):
        check_link(workspace, "output 'rows'", tmp_path, None)
    (tmp_path / LINK_FILE).mkdir()
    with pytest.raises(DefinitionError, match="output 'rows' was linked to no dataset"):
        check_link(workspace, "output 'rows'", tmp_path, None)
