"""Does the button "Produced by" lead to the right page?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from airflow_amlpipe.operators import links


def test_it_leads_to_where_the_operator_noted() -> None:
    noted: Any = SimpleNamespace(produced_by_url="https://airflow.example/dags/a")
    assert links.ProducedByLink().get_link(noted, ti_key=cast("Any", None)) == "https://airflow.example/dags/a"


@pytest.mark.parametrize("operator", [SimpleNamespace(), SimpleNamespace(produced_by_url="")])
def test_a_step_that_ran_has_no_button(operator: Any) -> None:
    assert links.ProducedByLink().get_link(operator, ti_key=cast("Any", None)) == ""


def test_ids_are_quoted_and_the_address_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/prefix/")
    page = links.task_page(dag_id="nightly", run_id="manual__2026-01-02T03:04:05+00:00", task_id="train")
    assert page == "https://airflow.example/prefix/dags/nightly/runs/manual__2026-01-02T03%3A04%3A05%2B00%3A00/tasks/train"
