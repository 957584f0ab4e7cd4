"""Is the password of a connection in nothing that a run in Airflow leaves: records, logs, XComs, rendered fields?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compiler.dag_builder import build_dag
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.spec.step import LiteralArgument, OutputArgument
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from tests.builders import OUT, a_pipeline, a_step
from tests.integration.test_airflow_connections import everything_in
from tests.servers import s3_place

CANARY = "c4n4ry-5ecret"


@pytest.mark.parametrize("is_right", [True, False])
def test_a_connections_password_is_in_nothing_that_a_run_leaves(
    run_dag: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    is_right: bool,
) -> None:
    """S11."""
    place = s3_place()
    extra = {"endpoint_url": place.config["endpoint"], "region_name": "us-east-1", "aws_session_token": f"{CANARY}-token"}
    fields = {"conn_type": "aws", "login": "test", "password": CANARY, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MY_AWS", json.dumps(fields))
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src/train.py").write_text(
        "import os, pathlib, sys\nprint(dict(os.environ))\npathlib.Path(sys.argv[2], 'env.txt').write_text(str(dict(os.environ)))\n"
    )
    workspace = open_workspace((tmp_path / "ws").as_uri(), home=tmp_path / "home")
    bucket = place.bucket if is_right else f"{place.bucket}-nobodys"
    workspace.datastores.register("lake", DatastoreRecord(name="lake", url=f"s3://{bucket}/lake", conn_id="my_aws"))
    outputs = tuple(output.model_copy(update={"datastore": "lake"}) for output in OUT)
    step = a_step("train", arguments=(LiteralArgument(value="x"), OutputArgument(output="out")), outputs=outputs)
    outcome = run_dag(build_dag(a_pipeline(step), dag_id=f"secrets_{is_right}", workspace=workspace.url, source_base=tmp_path))
    assert outcome.state == ("success" if is_right else "failed")
    left = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    logged = "".join(capfd.readouterr())
    shown = json.dumps([outcome.xcom("train"), outcome.rendered("train"), outcome.stored("train")], default=str)
    assert CANARY not in left.decode(errors="replace") + logged + shown
    if is_right:
        assert CANARY not in everything_in(place.bucket, str(place.config["endpoint"]))
