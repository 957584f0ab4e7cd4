"""Do the commands about datastores say what there is, and keep secrets out?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.workspace import WorkspaceStore
from tests.unit.cli.conftest import Amlpipe


def test_datastores_are_registered_listed_and_shown(amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path) -> None:
    done = amlpipe("datastore", "register", "lake", str(tmp_path / "lake"), "--default", "--workspace", "team")
    assert (done.code, done.out) == (0, f"datastore 'lake' (file://{tmp_path}/lake) is registered in {workspace.url}\n")
    assert amlpipe("datastore", "register", "far", "s3://bucket/x", "--conn-id", "my_aws", "--workspace", "team").code == 0
    listed = amlpipe("datastore", "list", "--json", "--workspace", "team").document
    assert [(item["name"], item["conn_id"], item["is_default"]) for item in listed] == [
        ("far", "my_aws", False),
        ("lake", None, True),
        ("workspaceartifactstore", None, False),
        ("workspaceblobstore", None, False),
        ("workspacefilestore", None, False),
    ]
    table = amlpipe("datastore", "list", "--workspace", "team").out
    assert "lake (default)" in table
    assert "my_aws" in table
    shown = amlpipe("datastore", "show", "far", "--workspace", "team").out
    assert shown == "datastore far\n  url: s3://bucket/x\n  connection: my_aws\n  type: AzureBlob\n"
    assert amlpipe("datastore", "show", "far", "--json", "--workspace", "team").document["url"] == "s3://bucket/x"


def test_another_root_of_the_same_name_needs_overwrite(amlpipe: Amlpipe, workspace: WorkspaceStore) -> None:
    for url, further, code in (("s3://a", (), 0), ("s3://a", (), 0), ("s3://b", (), 2), ("s3://b", ("--overwrite",), 0)):
        assert amlpipe("datastore", "register", "lake", url, *further, "--workspace", "team").code == code
    assert workspace.datastores.get("lake").url == "s3://b"


def test_a_test_says_whether_a_datastore_can_be_reached(amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path) -> None:
    workspace.datastores.open("workspaceblobstore").put("a.txt", b"a")
    done = amlpipe("datastore", "test", "workspaceblobstore", "--workspace", "team")
    assert done.code == 0
    assert done.out.endswith("workspaceblobstore): it can be listed; 1 files and folders lie at its root\n")
    amlpipe("datastore", "register", "far", "s3://bucket/x", "--conn-id", "my_aws", "--workspace", "team")
    failed = amlpipe("datastore", "test", "far", "--json", "--workspace", "team")
    assert (failed.code, failed.document["reached"]) == (3, False)
    assert "the Airflow connection 'my_aws', which there is not" in failed.document["message"]
    assert amlpipe("datastore", "test", "nothing", "--workspace", "team").code == 2


@pytest.mark.parametrize("url", ["s3://key:c4n4ry@bucket", "https://host/x?sig=c4n4ry", "github://c4n4ry@x", "/proc", ""])
def test_what_cannot_be_a_datastore_is_refused_without_its_secret(amlpipe: Amlpipe, workspace: WorkspaceStore, url: str) -> None:
    """S11, S16, S17."""
    refused = amlpipe("datastore", "register", "lake", url, "--workspace", "team")
    assert refused.code == 2
    assert "c4n4ry" not in refused.out + refused.err
    assert workspace.datastores.find("lake") is None


def test_the_connection_of_config_json_is_used(amlpipe: Amlpipe, project: Path, home: Path) -> None:
    (project / "config.json").write_text('{"workspace_name": "team", "root": "s3://bucket/ws", "workspace_conn_id": "my_aws"}')
    refused = amlpipe("datastore", "list")
    assert refused.code == 2
    assert "workspace logs in with the Airflow connection 'my_aws', which there is not" in refused.err
