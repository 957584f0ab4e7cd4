"""What do people see in Airflow when a step ran, was reused, failed or was stopped?"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compiler import build_dag
from airflow_amlpipe.operators import showing
from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.showing import show_end
from airflow_amlpipe.operators.step import StepOperator
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import InputSpec, OutputSpec, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import Argument, LiteralArgument, OutputArgument, ParameterArgument, PythonScript, SourceSpec, StepSpec
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.workspace import step_run
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimState
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.records import RunRecord, StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.airflow_fixtures import DagOutcome
from tests.contract.claims_contract import claim_of

RunDag = Callable[..., DagOutcome]

WRITE_ARGUMENTS = "import json, sys\njson.dump(sys.argv[2:], open(sys.argv[1] + '/arguments.json', 'w'))\nprint('wrote them')\n"
WRITE_PARAMETERS = (
    "import json, os, sys\nfound = {name: value for name, value in os.environ.items() if name.startswith('AML_PARAMETER_')}\n"
    "json.dump(found, open(sys.argv[1] + '/arguments.json', 'w'))\n"
)
FAIL = "import sys\nprint('about to fail')\nsys.exit('no such column: age')\n"
SLEEP = "import os, sys, time\nopen(sys.argv[2], 'w').write(str(os.getpid()))\ntime.sleep(60)\n"


class Project:
    """A folder with a script in it, and the workspace that its runs go to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder / "team")
        self.workspace = WorkspaceStore.open(self.url, home=Settings.load().home)

    def write(self, script: str) -> None:
        (self.folder / "src").mkdir(exist_ok=True)
        (self.folder / "src" / "step.py").write_text(script)

    def step(self, step_id: str, *arguments: Argument, **changes: Any) -> StepSpec:
        output = OutputSpec(name="out", datastore="workspaceblobstore", register_as=RegistrationSpec(name=f"{step_id}-data"))
        fields: dict[str, Any] = {"outputs": (output,), "arguments": (OutputArgument(output="out"), *arguments), **changes}
        return StepSpec(id=step_id, name=step_id, command=PythonScript(script="step.py"), source=SourceSpec(directory="src"), **fields)

    def dag(self, *steps: StepSpec, parameters: tuple[ParameterSpec, ...] = (), **dag_kwargs: Any) -> Any:
        spec = PipelineSpec(name="nightly", parameters=parameters, steps=steps).check()
        # Each test has its own DAG: Airflow's database is shared by all of them.
        dag_id = f"nightly_{self.folder.name}"
        return build_dag(spec, dag_id=dag_id, workspace=self.url, source_base=self.folder, **dag_kwargs)

    def tries(self, outcome: DagOutcome, step_id: str) -> list[StepTry]:
        (run,) = [run for run in self.workspace.runs.list() if run.airflow and run.airflow["dag_run_id"] == outcome.run_id]
        return self.workspace.runs.tries(run.run_id, step_id)

    def arguments(self, outcome: DagOutcome, step_id: str) -> Any:
        finished = self.tries(outcome, step_id)[-1].finished
        assert finished is not None
        place = finished.outputs["out"]
        return json.loads(self.workspace.datastores.open(place.datastore).read(f"{place.path}/arguments.json"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write(WRITE_ARGUMENTS)
    return project


def test_a_step_that_ran_and_the_same_step_reused(project: Project, run_dag: RunDag) -> None:
    follow = InputSpec(name="data", mode="mount", source=StepOutputSource(step="first", output="out"))
    dag = project.dag(project.step("first"), project.step("second", inputs=(follow,)))
    ran, reused = run_dag(dag), run_dag(dag)
    assert (ran.states(), reused.states()) == ({"first": "success", "second": "success"}, {"first": "success", "second": "success"})
    for task_id in ("first", "second"):
        assert ran.rendered(task_id)["reuse_status"].startswith("ran: no earlier run had the same code")
        assert reused.rendered(task_id)["reuse_status"].startswith("reused: nothing changed since an earlier run")
        assert (ran.stored(task_id)["amlpipe"]["reused"], reused.stored(task_id)["amlpipe"]["reused"]) == (False, True)
        assert ran.stored(task_id)["amlpipe"]["fingerprint"] == reused.stored(task_id)["amlpipe"]["fingerprint"]
        assert ran.xcom(task_id, "_link_ProducedByLink") is None
        page = reused.xcom(task_id, "_link_ProducedByLink")
        assert page.startswith(f"http://airflow.example/dags/{dag.dag_id}/runs/manual__")
        assert page.endswith(f"/tasks/{task_id}")


def test_what_a_task_hands_on_is_small_and_says_where_things_are(project: Project, run_dag: RunDag) -> None:
    outcome = run_dag(project.dag(project.step("train")))
    (item,) = project.tries(outcome, "train")
    assert item.finished is not None
    assert outcome.xcom("train") == {
        "run_id": item.started.run_id,
        "step_run_id": item.started.step_run_id,
        "reused": False,
        "fingerprint": item.finished.key,
        "outputs": {"out": item.finished.outputs["out"].digest},
    }


def test_a_registered_output_is_an_asset_event_with_version_and_digest(project: Project, run_dag: RunDag) -> None:
    dag = project.dag(project.step("train"))
    ran, reused = run_dag(dag), run_dag(dag)
    name = dataset_asset(project.url, "train-data").name
    event, again = ran.asset_events()[name], reused.asset_events()[name]
    record = project.workspace.datasets.get("train-data", 1)
    assert (event["version"], event["id"], event["digest"], event["reused"]) == (1, record.id, record.digest, False)
    assert (again["version"], again["digest"], again["reused"]) == (1, record.digest, True)
    assert (again["run_id"], again["step"], again["output"]) == (reused.xcom("train")["run_id"], "train", "out")


def test_the_link_leads_to_the_run_that_computed_it_and_not_to_one_that_reused_it(project: Project, run_dag: RunDag) -> None:
    dag = project.dag(project.step("train"))
    pages = [run_dag(dag).xcom("train", "_link_ProducedByLink") for _ in range(3)]
    assert pages[0] is None
    assert pages[1] == pages[2]


@pytest.mark.parametrize(
    "text", ["{{ conn.x.password }}", "{{ 7 * 7 }}", "{% for x in y %}", "{#", "$(id); rm -rf *", "--flag=x", "", "a\nb"]
)
def test_what_users_type_is_never_a_template(project: Project, run_dag: RunDag, text: str) -> None:
    """S09."""
    label = ParameterSpec(name="label", type="string", default=text)
    dag = project.dag(project.step("train", LiteralArgument(value=text), ParameterArgument(parameter="label")), parameters=(label,))
    assert project.arguments(run_dag(dag), "train") == [text, text]
    assert project.arguments(run_dag(dag, conf={"label": f"given {text}"}), "train") == [text, f"given {text}"]


def test_a_parameter_with_a_name_of_sdk_v1_goes_through_airflow_to_the_script(project: Project, run_dag: RunDag) -> None:
    project.write(WRITE_PARAMETERS)
    rate = ParameterSpec(name="learning-rate of model.1", type="number", default=0.5)
    dag = project.dag(project.step("train", ParameterArgument(parameter=rate.name)), parameters=(rate,))
    assert project.arguments(run_dag(dag), "train") == {"AML_PARAMETER_learning_rate_of_model_1": "0.5"}
    assert project.arguments(run_dag(dag, conf={rate.name: 2}), "train") == {"AML_PARAMETER_learning_rate_of_model_1": "2.0"}


def test_a_run_on_a_private_airflow_has_no_page_to_link_to(project: Project, run_dag: RunDag) -> None:
    run_id = "01900000-0000-7000-8000-000000000009"
    project.workspace.runs.create(RunRecord(run_id=run_id, pipeline="nightly", experiment="digits", created_at=now_text()))
    dag = project.dag(project.step("train"))
    run_dag(dag, conf={"amlpipe": {"run_id": run_id}})
    reused = run_dag(dag)
    assert reused.xcom("train")["reused"] is True
    assert reused.xcom("train", "_link_ProducedByLink") is None
    assert reused.rendered("train")["reuse_status"].endswith(f"produced by step train of run {run_id}")


def test_an_unknown_key_of_conf_fails_without_a_retry(project: Project, run_dag: RunDag, capfd: pytest.CaptureFixture[str]) -> None:
    dag = project.dag(project.step("train"), default_args={"retries": 3})
    outcome = run_dag(dag, conf={"rat": 0.1})
    assert (outcome.states(), outcome.tries()) == ({"train": "failed"}, {"train": 1})
    assert "pipeline 'nightly' has no parameter 'rat'" in capfd.readouterr().out
    assert list(project.workspace.runs.ids()) == []


def test_a_parameter_of_the_wrong_type_is_refused_before_anything_runs(project: Project, run_dag: RunDag) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    rate = ParameterSpec(name="rate", type="number", default=0.5)
    dag = project.dag(project.step("train", ParameterArgument(parameter="rate")), parameters=(rate,))
    with pytest.raises((ParamValidationError, ValueError), match="'fast' is not of type 'number'"):
        run_dag(dag, conf={"rate": "fast"})
    assert list(project.workspace.runs.ids()) == []


def test_a_whole_number_for_a_number_is_the_same_step_as_the_number(project: Project, run_dag: RunDag) -> None:
    rate = ParameterSpec(name="rate", type="number", default=0.5)
    dag = project.dag(project.step("train", ParameterArgument(parameter="rate")), parameters=(rate,))
    run_dag(dag, conf={"rate": 1})
    assert run_dag(dag, conf={"rate": 1.0}).xcom("train")["reused"] is True


def test_a_failing_script_is_retried_and_leaves_its_last_lines(project: Project, run_dag: RunDag) -> None:
    project.write(FAIL)
    outcome = run_dag(project.dag(project.step("train"), default_args={"retries": 1, "retry_delay": 0}))
    assert (outcome.states(), outcome.tries()) == ({"train": "failed"}, {"train": 2})
    tries = project.tries(outcome, "train")
    assert [item.started.try_number for item in tries] == [1, 2]
    for item in tries:
        assert item.finished is not None
        assert (item.finished.status, item.finished.exit_code) == ("Failed", 1)
        assert "about to fail" in item.finished.log_tail
        assert "no such column: age" in item.finished.log_tail
        assert "step 'train'" in (item.finished.error or "")
        assert project.workspace.store.read(f"{item.folder}/logs/stdout.txt") == b"about to fail\n"
    # The try that failed told why it had to run; nothing stood in for it.
    assert outcome.rendered("train")["reuse_status"].startswith("ran: no earlier run")


def test_a_step_after_a_failed_one_does_not_run(project: Project, run_dag: RunDag) -> None:
    project.write(FAIL)
    outcome = run_dag(project.dag(project.step("first"), project.step("second", run_after=("first",))))
    assert outcome.states() == {"first": "failed", "second": "upstream_failed"}


def test_a_missing_script_is_the_authors_to_mend(project: Project, run_dag: RunDag) -> None:
    (project.folder / "src" / "step.py").rename(project.folder / "src" / "other.py")
    outcome = run_dag(project.dag(project.step("train"), default_args={"retries": 3}))
    assert outcome.tries() == {"train": 1}
    finished = project.tries(outcome, "train")[0].finished
    assert finished is not None
    assert "the script 'step.py' is not in the source folder 'src'" in (finished.error or "")


@pytest.mark.parametrize("policy", ["refresh", "refresh-from:train"])
def test_a_run_can_ask_to_compute_again(project: Project, run_dag: RunDag, policy: str) -> None:
    dag = project.dag(project.step("train"))
    run_dag(dag)
    again = run_dag(dag, conf={"amlpipe": {"reuse": policy, "experiment": "digits", "tags": {"why": "look again"}}})
    assert again.rendered("train")["reuse_status"].startswith("ran: this run asked to compute it again")
    record = project.workspace.runs.get(again.xcom("train")["run_id"])
    assert (record.experiment, record.policy, record.tags) == ("digits", policy, {"why": "look again"})


def test_a_run_can_ask_for_young_results_and_a_step_too(project: Project, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch) -> None:
    step = project.step("train")
    limited = step.model_copy(update={"reuse_max_age_seconds": 3600})
    with monkeypatch.context() as earlier:
        earlier.setattr(step_run, "now_text", lambda: "2020-01-01T00:00:00.000+00:00")
        run_dag(project.dag(step))
    assert run_dag(project.dag(step)).xcom("train")["reused"] is True
    again = run_dag(project.dag(step), conf={"amlpipe": {"reuse": "max-age:7d"}})
    assert again.rendered("train")["reuse_status"].startswith("ran: an earlier run had the same key, but its result is older than max-age")
    assert run_dag(project.dag(limited)).xcom("train")["reused"] is True


def test_a_volatile_parameter_reaches_the_script_and_is_no_reason_to_run_it_again(project: Project, run_dag: RunDag) -> None:
    marked = ParameterArgument(parameter="build", volatile=True)
    declared = (ParameterSpec(name="build", type="string", default="b1", volatile=True),)
    dag = project.dag(project.step("train", LiteralArgument(value="--build"), marked), parameters=declared)
    assert project.arguments(run_dag(dag), "train") == ["--build", "b1"]
    again = run_dag(dag, conf={"build": "b2"})
    assert again.xcom("train")["reused"] is True
    assert (
        "it was computed with other volatile values: parameter 'build' was 'b1' and is 'b2' now" in again.rendered("train")["reuse_status"]
    )


def test_a_run_can_be_given_its_id(project: Project, run_dag: RunDag) -> None:
    run_id = "01900000-0000-7000-8000-000000000009"
    outcome = run_dag(project.dag(project.step("train")), conf={"amlpipe": {"run_id": run_id}})
    assert outcome.xcom("train")["run_id"] == run_id
    assert project.workspace.runs.status(run_id) == "Finished"


def test_stopping_the_task_stops_the_script(project: Project, run_dag: RunDag) -> None:
    """R11."""
    project.write(SLEEP)
    mark = project.folder / "pid"

    def stop() -> None:
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.02)
        # What Airflow's supervisor sends to a task that was marked, cleared or cancelled.
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    try:
        started = time.monotonic()
        outcome = run_dag(project.dag(project.step("train", LiteralArgument(value=str(mark)))))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - started < 20
    assert outcome.states() == {"train": "failed"}
    assert [item.status for item in project.tries(outcome, "train")] == ["Canceled"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_step_that_runs_longer_than_its_time_limit_is_stopped(project: Project, run_dag: RunDag) -> None:
    project.write(SLEEP)
    mark = project.folder / "pid"
    outcome = run_dag(project.dag(project.step("train", LiteralArgument(value=str(mark)), timeout_seconds=0.8)))
    finished = project.tries(outcome, "train")[0].finished
    assert finished is not None
    assert (finished.status, finished.exit_code) == ("Failed", None)
    assert "timeout of 0.8 s" in (finished.error or "")


def test_sources_are_found_beside_the_dag_file_wherever_the_worker_has_it(project: Project, run_dag: RunDag) -> None:
    spec = PipelineSpec(name="nightly", steps=(project.step("train"),)).check()
    dag = build_dag(spec, dag_id=f"nightly_{project.folder.name}", workspace=project.url)
    dag.fileloc = str(project.folder / "nightly.py")
    assert run_dag(dag).states() == {"train": "success"}


def test_a_step_whose_airflow_takes_no_notes_commits_all_the_same_and_is_reused_by_the_retry(
    project: Project, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R62."""
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse
    from airflow.sdk.execution_time.context import TaskStateStoreAccessor

    def down(*_: object, **__: object) -> None:
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 503}))

    dag = project.dag(project.step("train"))
    with monkeypatch.context() as patch:
        patch.setattr(TaskStateStoreAccessor, "set", down)
        ran, reused = run_dag(dag), run_dag(dag)
    assert (ran.states(), ran.xcom("train")["reused"], ran.stored("train")) == ({"train": "success"}, False, {})
    assert (reused.states(), reused.xcom("train")["reused"]) == ({"train": "success"}, True)


def test_a_step_that_could_not_tell_airflow_of_its_end_is_reused_by_the_retry(
    project: Project, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R62."""
    lost: list[int] = []

    def lose_once(*arguments: Any) -> dict[str, Any]:
        if not lost:
            lost.append(1)
            raise ConnectionError("the API server does not answer")
        return show_end(*arguments)

    monkeypatch.setattr(showing, "show_end", lose_once)
    outcome = run_dag(project.dag(project.step("train"), default_args={"retries": 1, "retry_delay": 0}))
    assert (outcome.states(), outcome.tries(), outcome.xcom("train")["reused"]) == ({"train": "success"}, {"train": 2}, True)
    assert [item.status for item in project.tries(outcome, "train")] == ["Finished", "Finished"]
    assert project.workspace.datasets.versions("train-data") == [1]


@pytest.fixture
def key_without_result(project: Project, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the step ``train``, whose one result was found bad since; who waits for it does not wait long."""
    key: str = run_dag(project.dag(project.step("train"))).xcom("train")["fingerprint"]
    project.workspace.results.mark_bad(key, Rejection(1, "its files are gone"))
    monkeypatch.setenv("AMLPIPE_CLAIM_TTL_SECONDS", "0.5")
    return key


def test_a_task_defers_while_another_run_computes_its_step_and_takes_over_when_that_one_is_dead(
    project: Project, run_dag: RunDag, key_without_result: str
) -> None:
    log = ClaimLog(project.workspace.store, key_without_result)
    log.take(2, claim_of("their-run"))
    outcome = run_dag(project.dag(project.step("train")))
    assert (outcome.states(), outcome.tries()) == ({"train": "success"}, {"train": 1})
    assert outcome.rendered("train")["reuse_status"].startswith("ran: no earlier run")
    assert [(item.status, item.waiting) for item in project.tries(outcome, "train")] == [("Finished", "")]
    assert log.newest() == ClaimState(3, is_released=True)


def test_a_task_that_waited_hands_on_what_the_other_run_computed(project: Project, run_dag: RunDag, key_without_result: str) -> None:
    log = ClaimLog(project.workspace.store, key_without_result)
    log.take(2, claim_of("their-run"))
    (theirs,) = [json.loads(body) for _, body in AppendLog(project.workspace.store, f"{key_folder(key_without_result)}/results").entries()]

    def store_a_result() -> None:
        # The folder of the new try is the first thing that the waiting task leaves.
        runs = project.workspace.runs
        while not any(item.waiting for run in runs.ids() for item in runs.tries(run, "train")):
            time.sleep(0.02)
        project.workspace.results.publish(StepResult.model_validate(theirs), after=1)
        log.release(2)

    storing = threading.Thread(target=store_a_result)
    storing.start()
    outcome = run_dag(project.dag(project.step("train")))
    storing.join()
    assert outcome.xcom("train")["reused"] is True
    assert outcome.rendered("train")["reuse_status"].startswith("reused: nothing changed since an earlier run")
    assert log.newest() == ClaimState(2, is_released=True)


def test_a_trigger_that_failed_does_not_fail_the_task() -> None:
    """R61."""
    task = StepOperator(task_id="train", step_json="{}", pipeline_json="{}", workspace="/ws")
    went_on: list[object] = []
    task.go_on = lambda context, event=None: went_on.append(event)  # type: ignore[assignment,method-assign,misc,return-value]
    task.resume_execution("__fail__", {"error": "Trigger timeout"}, {})  # type: ignore[typeddict-item]
    assert went_on == [None]


def test_a_task_shows_nothing_before_it_is_decided() -> None:
    task = StepOperator(task_id="train", step_json="{}", pipeline_json="{}", workspace="/ws")
    task.render_template_fields({})  # type: ignore[typeddict-item]
    assert (list(task.template_fields), list(task.operator_extra_links)) == ([], [])
    assert list(StepOperator.template_fields) == ["reuse_status"]
