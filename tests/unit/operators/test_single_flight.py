"""Who computes a step, who waits, and who does neither?"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compute import backend as backends
from airflow_amlpipe.compute.backend import JobState, JobStatus, LaunchRequest
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.folder import create_step_folder
from airflow_amlpipe.compute.processes import ProcessMark
from airflow_amlpipe.exceptions import BackendUnavailableError, InfrastructureError, StepFailedError
from airflow_amlpipe.operators import preparing
from airflow_amlpipe.operators.collecting import begin_collecting
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.single_flight import Waited
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.storage import exclusive
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimRecord, ClaimState, WaitEnd
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.records import StepFinished, StepTry
from airflow_amlpipe.workspace.try_files import keep_logs
from tests.builders import OUT, a_step
from tests.contract.claims_contract import claim_of
from tests.unit.operators.flight_process import task_of
from tests.unit.operators.scripted_backend import RUNNING, SUCCEEDED, ScriptedBackend
from tests.unit.operators.test_job_note import DictStore

RUN, OTHER = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"
TRAIN = a_step("train", outputs=OUT)
EXPIRED = Waited(WaitEnd("expired", 1, ""), 60.0)

Opener = Callable[..., StepExecution]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptedBackend:
    def script(request: LaunchRequest) -> JobStatus:
        (request.folder / "outputs" / "out" / "model.txt").write_text("weights")
        return SUCCEEDED

    backend = ScriptedBackend(script=script)
    monkeypatch.setitem(backends._FACTORIES, "local", lambda: backend)
    monkeypatch.setattr(preparing, "prepare_environment", lambda *_, **__: StepInterpreter(sys.executable))
    return backend


@pytest.fixture
def open_try(tmp_path: Path) -> Opener:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print('trained')\n")

    def open_it(run_id: str = RUN, step: StepSpec = TRAIN, *, waited: Waited | None = None, **changes: Any) -> StepExecution:
        return task_of(tmp_path, step, run_id, **changes)(waited)

    return open_it


def carry_out(step: StepExecution) -> StepFinished | None:
    """Do what one execution of the task does; ``None`` if it ends in waiting."""
    with step.bad_end_recorded():
        step.identify()
        result = step.decide().decision.result
        if step.obstacle is not None:
            step.pause()
            return None
        if result is not None:
            return step.reuse(result)
        step.wait(step.launch())
        return step.record()


def claims(step: StepExecution) -> ClaimLog:
    return ClaimLog(step.workspace.store, step.assessment.key)


def claimed_by_another(open_try: Opener, claim: ClaimRecord | None = None, step: StepSpec = TRAIN) -> ClaimLog:
    """Let somebody on another machine claim the step."""
    probe = open_try(step=step)
    probe._assess()
    log = claims(probe)
    log.take(1, claim or claim_of("their-run"))
    return log


def tries(step: StepExecution) -> list[StepTry]:
    return step.workspace.runs.tries(RUN, "train")


def test_who_computes_a_step_claims_it_and_releases_it_at_the_end(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try()
    seen: list[ClaimState] = []
    script = backend.script
    backend.script = lambda request: seen.append(claims(step).newest()) or script(request)  # type: ignore[func-returns-value]
    carry_out(step)
    assert (seen, claims(step).newest()) == ([ClaimState(1, is_released=False)], ClaimState(1, is_released=True))
    owner = claims(step).owner(1)
    assert (owner.run_id, owner.step_run_id, owner.pipeline) == (RUN, step.run.step_run_id, "nightly")


def test_a_reused_step_claims_nothing(open_try: Opener, backend: ScriptedBackend) -> None:
    carry_out(open_try())
    again = open_try(OTHER)
    carry_out(again)
    assert claims(again).newest().number == 1


def test_a_step_that_somebody_else_computes_waits_and_says_for_whom(open_try: Opener, backend: ScriptedBackend) -> None:
    claimed_by_another(open_try)
    step = open_try()
    assert carry_out(step) is None
    assert backend.launched == []
    (item,) = tries(step)
    assert (item.status, item.finished) == ("Running", None)
    assert item.waiting == (
        "waiting for step 'train' of run their-run of DAG 'nightly', which computes the same since 2026-01-01T00:00:00.000+00:00 on worker-1"
    )


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (a_step("train", outputs=OUT, allow_reuse=False), {}),
        (TRAIN, {"policy": "refresh"}),
        (TRAIN, {"settings": {"single_flight": False}}),
        (TRAIN, {"settings": {"claim_max_wait_seconds": 0.0}}),
    ],
    ids=["allow_reuse=False", "refresh", "switched off", "no patience"],
)
def test_who_need_not_wait_does_not(open_try: Opener, backend: ScriptedBackend, step: StepSpec, options: dict[str, Any]) -> None:
    log = claimed_by_another(open_try, step=step)
    finished = carry_out(open_try(step=step, **options))
    assert finished is not None
    assert (finished.status, finished.reused) == ("Finished", False)
    assert log.newest() == ClaimState(1, is_released=False)


def test_a_step_that_does_not_allow_reuse_claims_nothing(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try(step=a_step("train", outputs=OUT, allow_reuse=False))
    carry_out(step)
    assert claims(step).newest().number == 0


def test_others_wait_for_a_run_that_computes_again(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try(policy="refresh")
    carry_out(step)
    assert claims(step).newest() == ClaimState(1, is_released=True)


def test_a_wait_that_is_over_goes_on_with_the_same_try(open_try: Opener, backend: ScriptedBackend) -> None:
    log = claimed_by_another(open_try)
    step = open_try()
    carry_out(step)
    log.release(1)
    again = open_try(waited=Waited(WaitEnd("released", 1), 3.0))
    finished = carry_out(again)
    assert finished is not None
    assert (finished.step_run_id, finished.started_at, finished.reused) == (step.run.step_run_id, step.run.started_at, False)
    assert [(item.status, item.waiting) for item in tries(again)] == [("Finished", "")]
    assert log.newest() == ClaimState(2, is_released=True)


def test_what_the_other_computed_is_handed_on_after_the_wait(open_try: Opener, backend: ScriptedBackend) -> None:
    log = claimed_by_another(open_try)
    carry_out(open_try())
    theirs = carry_out(open_try(OTHER, settings={"single_flight": False}))
    log.release(1)
    finished = carry_out(open_try(waited=Waited(WaitEnd("result"), 3.0)))
    assert finished is not None
    assert theirs is not None
    assert (finished.reused, finished.reason, finished.reused_from and finished.reused_from.run_id) == (True, "MATCH", OTHER)
    assert len(backend.launched) == 1
    assert log.newest() == ClaimState(1, is_released=True)


def test_a_dead_owner_is_succeeded(open_try: Opener, backend: ScriptedBackend) -> None:
    """R02, R16."""
    log = claimed_by_another(open_try)
    carry_out(open_try())
    assert carry_out(open_try(waited=EXPIRED)) is not None
    assert log.newest() == ClaimState(2, is_released=True)


def test_an_owner_that_gave_a_sign_of_life_before_it_was_succeeded_is_waited_for_again(open_try: Opener, backend: ScriptedBackend) -> None:
    log = claimed_by_another(open_try)
    carry_out(open_try())
    log.beat(1, 1)
    again = open_try(waited=EXPIRED)
    assert carry_out(again) is None
    assert [bool(item.waiting) for item in tries(again)] == [True]
    assert log.newest().number == 1


def test_who_comes_too_late_to_succeed_a_dead_owner_waits_for_the_one_who_did(open_try: Opener, backend: ScriptedBackend) -> None:
    """R15."""
    log = claimed_by_another(open_try)
    carry_out(open_try())
    log.take(2, claim_of("faster-run"))
    again = open_try(waited=EXPIRED)
    assert carry_out(again) is None
    assert "run faster-run" in tries(again)[0].waiting


def test_a_task_whose_trigger_failed_or_whose_patience_is_at_an_end_computes_the_step(open_try: Opener, backend: ScriptedBackend) -> None:
    """R61."""
    log = claimed_by_another(open_try)
    step = open_try()
    carry_out(step)
    finished = carry_out(open_try(waited=Waited.heard(None)))
    assert finished is not None
    assert (finished.status, finished.step_run_id) == ("Finished", step.run.step_run_id)
    assert log.newest() == ClaimState(1, is_released=False)


def test_a_process_of_this_machine_that_died_is_not_waited_for(open_try: Opener, backend: ScriptedBackend) -> None:
    probe = open_try(OTHER)
    probe.identify()
    probe.decide()
    record = claims(probe).owner(1)
    probe.flight.leave_to_next_try()
    # An id that is certainly no process: the kernel gives out at most 2**22.
    log = ClaimLog(probe.workspace.store, probe.assessment.key)
    log.release(1)
    log.take(2, record.model_copy(update={"pid": 2**22 + 1}))
    assert carry_out(open_try()) is not None
    assert log.newest() == ClaimState(3, is_released=True)


def test_a_claim_of_an_unknown_version_is_waited_for(open_try: Opener, backend: ScriptedBackend) -> None:
    """R59."""
    probe = open_try()
    probe._assess()
    probe.workspace.store.put(f"{key_folder(probe.assessment.key)}/claims/00000001.json", b'{"format": "amlpipe/claim/v9"}')
    step = open_try()
    assert carry_out(step) is None
    assert tries(step)[0].waiting == "waiting for a run that computes the same step, started by another version of airflow-amlpipe"


def test_a_result_that_was_stored_between_the_decision_and_the_claim_is_found(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: the other one stored its result and released its claim after this one had looked for results."""
    step = open_try()
    enter = step.flight.enter

    def late(*arguments: Any, **options: Any) -> str | None:
        if not backend.launched:
            carry_out(open_try(OTHER))
        return enter(*arguments, **options)

    monkeypatch.setattr(step.flight, "enter", late)
    finished = carry_out(step)
    assert finished is not None
    assert (finished.reused, len(backend.launched)) == (True, 1)
    assert claims(step).newest() == ClaimState(2, is_released=True)


class TestBadEnds:
    def test_a_step_that_failed_lets_the_others_go_on_at_once(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda _: JobStatus(JobState.FAILED, 1)
        step = open_try()
        with pytest.raises(StepFailedError):
            carry_out(step)
        assert claims(step).newest() == ClaimState(1, is_released=True)

    def test_a_step_that_was_stopped_lets_the_others_go_on_at_once(self, open_try: Opener, backend: ScriptedBackend) -> None:
        """R11."""
        step = open_try()
        backend.script, backend.on_wait = lambda _: RUNNING, lambda *_: step.stop()
        with pytest.raises(InfrastructureError, match="was stopped by Airflow"):
            carry_out(step)
        assert claims(step).newest() == ClaimState(1, is_released=True)
        assert [item.status for item in tries(step)] == ["Canceled"]

    def test_a_task_that_is_stopped_before_it_waits_does_not_wait(self, open_try: Opener, backend: ScriptedBackend) -> None:
        claimed_by_another(open_try)
        step = open_try()
        step.stop()
        with pytest.raises(InfrastructureError, match="was stopped by Airflow"):
            carry_out(step)
        assert [item.status for item in tries(step)] == ["Canceled"]

    def test_a_job_that_is_left_to_the_next_try_stays_claimed_and_that_try_claims_it_again(
        self, open_try: Opener, backend: ScriptedBackend
    ) -> None:
        notes = DictStore()
        script = backend.script
        backend.script = lambda request: script(request) and RUNNING
        backend.on_wait = lambda it, _: setattr(it, "is_reachable", False)
        step = open_try(notes=notes)
        with pytest.raises(BackendUnavailableError):
            carry_out(step)
        assert claims(step).newest() == ClaimState(1, is_released=False)
        backend.is_reachable, backend.on_wait = True, lambda it, job: it.jobs.update({job: SUCCEEDED})
        again = open_try(notes=notes, try_number=2)
        finished = carry_out(again)
        assert finished is not None
        assert (finished.step_run_id, finished.reused) == (step.run.step_run_id, False)
        assert claims(again).newest() == ClaimState(2, is_released=True)

    def test_a_job_that_was_found_again_goes_on_whoever_has_claimed_the_step_since(
        self, open_try: Opener, backend: ScriptedBackend
    ) -> None:
        notes = DictStore()
        crashed = open_try(notes=notes)
        crashed.identify()
        crashed.decide()
        crashed.launch()
        crashed.flight.leave_to_next_try()
        claims(crashed).take(2, claim_of("their-run"))
        finished = carry_out(open_try(notes=notes, try_number=2))
        assert finished is not None
        assert (finished.step_run_id, len(backend.launched)) == (crashed.run.step_run_id, 1)
        assert claims(crashed).newest() == ClaimState(2, is_released=False)

    def test_a_job_that_was_found_lost_is_not_waited_for(self, open_try: Opener, backend: ScriptedBackend) -> None:
        notes = DictStore()
        script = backend.script
        backend.script = lambda _: JobStatus(JobState.GONE)
        crashed = open_try(notes=notes)
        crashed.identify()
        crashed.decide()
        crashed.launch()
        backend.script = script
        assert carry_out(open_try(notes=notes, try_number=2)) is not None
        assert claims(crashed).newest() == ClaimState(2, is_released=True)


class TestTwiceTheSame:
    def test_a_wait_that_two_processes_go_on_with_becomes_two_complete_tries_and_one_result(
        self, open_try: Opener, backend: ScriptedBackend
    ) -> None:
        """R13: the task was delivered twice when it came back from waiting."""
        log = claimed_by_another(open_try)
        carry_out(open_try())
        log.release(1)
        one, two = (open_try(waited=Waited(WaitEnd("released", 1), 1.0), settings={"single_flight": False}) for _ in range(2))
        for step in (one, two):
            step.identify()
            step.decide()
        for step in (one, two):
            step.wait(step.launch())
        finished = [step.record() for step in (one, two)]
        assert [item.status for item in tries(one)] == ["Finished", "Finished"]
        assert one.run.step_run_id != two.run.step_run_id
        assert [item.lost_race_to is not None for item in finished] == [False, True]
        assert finished[0].outputs["out"].path != finished[1].outputs["out"].path

    def test_a_try_that_is_delivered_twice_is_computed_once(self, open_try: Opener, backend: ScriptedBackend) -> None:
        """R13."""
        first, second = open_try(), open_try()
        first.identify()
        first.decide()
        assert carry_out(second) is None
        first.wait(first.launch())
        first.record()
        first.flight.leave()
        again = open_try(waited=Waited(WaitEnd("result"), 1.0))
        assert carry_out(again) is not None
        assert [item.status for item in tries(again)] == ["Finished", "Finished"]
        assert len(backend.launched) == 1

    def test_a_task_that_is_cleared_while_it_waits_leaves_no_try_that_waits_for_ever(
        self, open_try: Opener, backend: ScriptedBackend
    ) -> None:
        """R60."""
        log = claimed_by_another(open_try)
        carry_out(open_try())
        log.release(1)
        again = open_try(try_number=2)
        assert carry_out(again) is not None
        assert [item.status for item in tries(again)] == ["Canceled", "Finished"]
        assert "cleared or marked by hand while this try waited" in (tries(again)[0].finished.error or "")  # type: ignore[union-attr]


class TestOneJobThatTwoProcessesFollow:
    """A worker was cut off, the next try took up its job, and then it came back."""

    @pytest.fixture
    def both(self, open_try: Opener, backend: ScriptedBackend) -> tuple[StepExecution, StepExecution]:
        notes = DictStore()
        first = open_try(notes=notes)
        first.identify()
        first.decide()
        first.launch()
        second = open_try(notes=notes, try_number=2)
        second.identify()
        second.decide()
        second.launch()
        return first, second

    def test_one_stores_what_the_job_left_and_the_other_hands_on_the_same(self, both: tuple[StepExecution, StepExecution]) -> None:
        """R12."""
        first, second = both
        assert first.run.step_run_id == second.run.step_run_id
        records: list[StepFinished] = []
        waiting = threading.Thread(target=lambda: records.append(second.record()))
        keep = first.run.finish_ran

        def slowly(*arguments: Any, **options: Any) -> StepFinished:
            waiting.start()  # in the middle of it, the other one comes to its end, too
            time.sleep(0.2)
            return keep(*arguments, **options)

        first.run.finish_ran = slowly  # type: ignore[method-assign]
        finished = first.record()
        waiting.join()
        assert records == [finished]
        assert (finished.status, finished.outputs["out"].file_count, finished.lost_race_to) == ("Finished", 1, None)
        assert [item.status for item in tries(first)] == ["Finished"]
        assert [result.run_id for _, result in first.workspace.results.candidates(first.assessment.key)] == [RUN]

    def test_one_that_comes_when_all_is_stored_and_cleared_hands_on_the_same(self, both: tuple[StepExecution, StepExecution]) -> None:
        """R12: it had followed the job to its end, and was frozen before it looked for what that left."""
        first, second = both
        finished = first.record()
        assert not first._folder.root.exists()
        assert second.record() == finished
        assert not second._folder.root.exists()
        assert [item.status for item in tries(first)] == ["Finished"]

    def test_one_that_is_stopped_while_it_waits_leaves_the_records_to_the_other(self, both: tuple[StepExecution, StepExecution]) -> None:
        """R11, R12."""
        first, second = both
        assert begin_collecting(first._folder)
        second.stop()
        with pytest.raises(InfrastructureError, match="was stopped by Airflow"), second.bad_end_recorded():
            second.record()
        assert [item.status for item in tries(second)] == ["Running"]

    def test_when_the_one_that_stored_it_dies_the_other_says_so_and_the_next_try_computes_again(
        self, both: tuple[StepExecution, StepExecution], open_try: Opener, backend: ScriptedBackend
    ) -> None:
        first, second = both
        gone = ProcessMark.of(os.getpid())
        (first._folder.root / "collector.json").write_text(json.dumps({**asdict(gone), "pid": 2**22 + 1}))
        with pytest.raises(InfrastructureError, match="did not end well; retry it"), second.bad_end_recorded():
            second.record()
        assert [item.status for item in tries(second)] == ["Failed"]
        assert carry_out(open_try(notes=second.notes, try_number=3)) is not None
        assert len(backend.launched) == 2

    def test_a_try_whose_files_are_just_being_stored_is_left_alone_by_the_next(
        self, both: tuple[StepExecution, StepExecution], open_try: Opener, backend: ScriptedBackend
    ) -> None:
        first, _ = both
        assert begin_collecting(first._folder)
        keep_logs(first.workspace, first.run.folder, first._folder.logs)
        third = open_try(notes=first.notes, try_number=3, settings={"single_flight": False})
        assert carry_out(third) is not None
        assert first._folder.root.exists()
        assert [item.status for item in tries(third)] == ["Running", "Finished"]


def test_a_folder_that_is_cleared_while_somebody_begins_to_store_what_is_in_it_was_stored_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12."""
    folder = create_step_folder(tmp_path / "try")

    def clear(*_: object) -> None:
        shutil.rmtree(folder.root)
        raise FileNotFoundError

    monkeypatch.setattr(exclusive.os, "link", clear)
    assert not begin_collecting(folder)
