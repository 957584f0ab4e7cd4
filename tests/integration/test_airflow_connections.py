"""Do the connections of a real Airflow lead to stores, test themselves, and keep their secrets?

Through Airflow's own command line and database, in processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import s3_place

pytestmark = pytest.mark.e2e
CANARY = "c4n4ry-5ecret"


@pytest.fixture
def airflow(tmp_path: Path) -> dict[str, str]:
    """The environment of an Airflow of its own."""
    (tmp_path / "airflow").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS", "AMLPIPE"))}
    environment = {
        **kept,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AMLPIPE_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__FERNET_KEY": "",
    }
    run(environment, "db", "migrate")
    return environment


def run(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_connections_of_a_real_airflow_lead_to_s3(airflow: dict[str, str], tmp_path: Path) -> None:
    """S11."""
    place = s3_place()
    aws = {"endpoint_url": place.config["endpoint"], "region_name": "us-east-1", "aws_session_token": f"{CANARY}-token"}
    credentials = {"conn_type": "aws", "login": "test", "password": CANARY, "extra": aws}
    root = {"url": f"s3://{place.bucket}/ws", "credentials_conn_id": "my_aws"}
    lost = {"conn_type": "amlpipe_datastore", "extra": {**root, "credentials_conn_id": "nobodys"}}
    team = {"conn_type": "amlpipe_workspace", "extra": root}
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"my_aws": credentials, "team": team, "lost": lost}))
    run(airflow, "connections", "import", str(file))
    file.unlink()
    seen = run(airflow, "connections", "test", "team")
    assert "Connection success!" in seen
    refused = run(airflow, "connections", "test", "lost", code=1)
    assert "datastore 'lost' logs in with the Airflow connection 'nobodys', which there is not" in " ".join(refused.split())
    # The same connection by its id in a record, and for the workspace's own root by the setting.
    asking = {**airflow, "AMLPIPE_WORKSPACE": f"s3://{place.bucket}/ws", "AMLPIPE_WORKSPACE_CONN_ID": "my_aws"}
    seen += run(asking, "amlpipe", "datastore", "register", "far", f"s3://{place.bucket}/far", "--conn-id", "my_aws")
    tested = run(asking, "amlpipe", "datastore", "test", "far")
    assert "it can be listed; 0 files and folders lie at its root" in tested
    assert CANARY not in seen + refused + tested
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file.name != "airflow.db")
    assert CANARY.encode() not in kept
    assert CANARY not in everything_in(place.bucket, str(place.config["endpoint"]))


def everything_in(bucket: str, endpoint: str) -> str:
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    found = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert found
    return "".join(
        client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode(errors="replace") + item["Key"] for item in found
    )
