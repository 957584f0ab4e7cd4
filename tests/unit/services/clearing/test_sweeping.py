"""Is exactly what a plan lists deleted, as far as nothing needs it by then?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError, UnknownNameError
from airflow_amlpipe.services.clearing import ClearingItem, ClearingPlan, RetentionPolicy, apply_plan, keep_plan, load_plan, plan_clearing
from airflow_amlpipe.services.clearing.safety import refuse_unsafe
from airflow_amlpipe.services.clearing.sweeping import _Sweep
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace import layout
from airflow_amlpipe.workspace.assessment import assess_step
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.inputs import resolve_input
from airflow_amlpipe.workspace.records import StepReusing
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.invariants import assert_store_ok
from tests.unit.services.clearing.conftest import CHAIN, STORE, Story, days, named

OWNER = "0190163d-8694-739b-aea5-966c26f8ad90"


def everything_in(workspace: WorkspaceStore) -> set[str]:
    return {*below(workspace.store), *(f"{STORE}/{path}" for path in below(workspace.datastores.open(STORE)))}


def below(store: Store, folder: str = "") -> set[str]:
    found = set()
    for name in store.list_names(folder):
        path = f"{folder}/{name}" if folder else name
        found |= below(store, path) or {path}
    return found


def test_what_a_plan_lists_is_what_is_deleted_and_nothing_else(story: Story) -> None:
    """R58."""
    story.run()
    kept = story.run(text="print('other')\n", experiment="other")
    story.pin("run", kept)
    story.later(100)
    plan = story.plan(keep_last=0)
    before = everything_in(story.workspace)

    swept = story.apply(plan)

    gone = {item.path if item.datastore is None else f"{item.datastore}/{item.path}" for item in plan.items if item.kind != "result"}
    deleted = before - everything_in(story.workspace)
    assert {path for path in deleted if not any(f"{path}/".startswith(f"{place}/") for place in gone)} == set()
    assert {place for place in gone if not any(f"{path}/".startswith(f"{place}/") for path in deleted)} == set()
    assert (named(swept.done), swept.left) == (named(plan.items), [])
    assert everything_in(story.workspace) - before == {
        f"{layout.key_folder(item.key)}/bad/00000001.json" for item in plan.items if item.kind == "result"
    }
    assert_store_ok(story.workspace)


def test_planning_deletes_nothing_and_says_the_same_twice(story: Story) -> None:
    story.run()
    before = everything_in(story.workspace)
    first, second = story.plan(keep_last=0), story.plan(keep_last=0)
    assert (first.items, everything_in(story.workspace)) == (second.items, before)


def test_applying_twice_finds_nothing_left_to_do(story: Story) -> None:
    story.run()
    plan = story.plan(keep_last=0)
    story.apply(plan)
    again = story.apply(plan)
    assert (again.done, named(again.left)) == ([], named(plan.items))


def test_a_plan_is_kept_and_read_back(story: Story) -> None:
    story.run()
    plan = story.plan(keep_last=0)
    path = keep_plan(story.workspace, plan)
    assert (load_plan(story.workspace, plan.id), path) == (plan, f"{layout.log_folder('gc', 'plans')}/{plan.id}.json")
    with pytest.raises(DefinitionError, match=f"no plan 'other'; the newest are: {plan.id}"):
        load_plan(story.workspace, "other")
    assert_store_ok(story.workspace)


def test_old_plans_go_too(story: Story) -> None:
    plan = story.plan()
    keep_plan(story.workspace, plan)
    story.later(31)
    assert story.clear() == [("plan", f"{layout.log_folder('gc', 'plans')}/{plan.id}.json")]


def hit(story: Story) -> None:
    assert story.finished(story.run()).reused


def pinned(story: Story) -> None:
    story.pin("pipeline", "nightly")


def registered(story: Story) -> None:
    run_id = story.workspace.runs.ids()[-1]
    for step in ("prepare", "train"):
        path = DatastorePath(datastore=STORE, path=story.output(run_id, step).path)
        story.workspace.datasets.add_version("mine", (path,))


@pytest.mark.parametrize("meanwhile", [hit, pinned, registered], ids=["a fresh hit", "a new pin", "a new version of a dataset"])
def test_what_is_needed_since_the_plan_was_made_is_left_and_said(story: Story, meanwhile: Callable[[Story], None]) -> None:
    """R58."""
    run = story.run()
    outputs = [story.output(run, step) for step in ("prepare", "train")]
    # Two newer runs of something else, so that a fresh hit is among the newest.
    plan = plan_clearing(story.workspace, RetentionPolicy(keep_last=1), now=story.now)
    assert plan.items == ()
    story.run(a_pipeline(a_step("prepare", outputs=OUT, version="2"), a_step("train", inputs=reading("prepare"), outputs=OUT, version="2")))
    plan = story.plan(keep_last=1)
    assert {item.kind for item in plan.items} == {"result", "output", "run"}

    meanwhile(story)
    swept = story.apply(plan)

    assert [story.is_there(output) for output in outputs] == [True, True]
    assert {item.path for item in swept.left} >= {output.path for output in outputs}
    assert_store_ok(story.workspace)


def test_a_run_that_took_a_result_just_before_it_was_set_aside_keeps_the_outputs(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """R58: the announcement of the run and the tombstone of the clearing-up cannot both be missed."""
    run = story.run()
    finished = story.finished(run)
    plan = story.plan(keep_last=0)
    mark_bad, announced = story.workspace.results.mark_bad, []

    def announced_first(key: str, rejection: object) -> None:
        if not announced:
            late = StepRun(story.workspace, "nightly", story.workspace.runs.ids()[-1], a_step("train", outputs=OUT), 2)
            late.start()
            folder = late.folder
            story.workspace.runs.announce_reuse(
                folder, StepReusing(key=str(finished.key), step_run_id=finished.step_run_id, outputs=dict(finished.outputs))
            )
            announced.append(folder)
        mark_bad(key, rejection)  # type: ignore[arg-type]

    monkeypatch.setattr(story.workspace.results, "mark_bad", announced_first)

    swept = story.apply(plan)

    assert story.is_there(finished.outputs["out"])
    assert ("output", finished.outputs["out"].path) in named(swept.left)
    assert_store_ok(story.workspace)


def test_a_run_that_comes_after_a_result_was_set_aside_does_not_hand_it_on(story: Story) -> None:
    """R58: the other half."""
    run = story.run(CHAIN)
    frozen = story.workspace.get_spec(str(story.workspace.runs.get(run).spec)).steps[0]
    policy = _policy()
    assessment = assess_step(
        story.workspace, frozen, snapshot=str(frozen.source.snapshot), parameters={}, upstream={}, policy=policy, ancestors=()
    )
    assert assessment.decision.result is not None
    story.apply(story.plan(keep_last=0))
    late = StepRun(story.workspace, "nightly", new_run_id(), frozen, 1)

    with pytest.raises(DatastoreUnavailableError, match="was cleared away, or found bad, in this very moment; run again"):
        late.finish_reused(assessment, assessment.decision.result)

    assert story.finished(story.run(), "prepare").reused is False


def test_outputs_that_vanish_before_the_next_step_is_staged_are_named_and_computed_by_the_next_run(story: Story) -> None:
    """R30."""
    run = story.run()
    output = story.output(run, "prepare")
    resolved = resolve_input(story.workspace, "step 'train'", CHAIN.steps[1].inputs[0], {"prepare": {"out": output}})
    story.workspace.datastores.open(STORE).remove_tree(output.path)

    gone = f"input 'data': what was at '{output.path}' on datastore '{STORE}' is gone.*submit the run again"
    with pytest.raises(SourceChangedError, match=gone):
        fetch_input(story.workspace, resolved, story.base / "staged")

    again = story.run()
    assert story.finished(again, "prepare").reused is False
    assert story.is_there(story.output(again, "prepare"))


def test_a_clearing_up_beside_runs_harms_none_of_them(story: Story) -> None:
    """R58: while one thread clears away whatever it may, others run, reuse and read what they were given."""
    stop = threading.Event()

    def clear() -> None:
        while not stop.is_set():
            apply_plan(story.workspace, plan_clearing(story.workspace, RetentionPolicy(keep_last=0)))

    def run(number: int) -> int:
        spec, ended_well = a_pipeline(a_step("train", outputs=OUT, version=str(number % 2))), 0
        for _ in range(6):
            # The one thing that may happen: a result goes away in the moment in which it is taken.
            with suppress(DatastoreUnavailableError):
                story.run(spec)
                ended_well += 1
        return ended_well

    with ThreadPoolExecutor() as pool:
        clearing = pool.submit(clear)
        running = [pool.submit(run, number) for number in range(3)]
        ended_well = [future.result() for future in running]
        stop.set()
        clearing.result()
    assert all(ended_well)
    assert_store_ok(story.workspace)


def test_what_belongs_to_a_result_that_was_kept_at_the_first_look_stays_although_it_may_go_at_the_second(story: Story) -> None:
    """R58. A run that had taken the result ended in between."""
    output = story.output(story.run())
    plan = story.plan(keep_last=0)
    looks = iter([(), plan.items])
    _Sweep(story.workspace, plan, lambda: next(looks)).run()
    assert story.is_there(output)
    assert_store_ok(story.workspace)


def test_a_plan_of_another_workspace_is_refused(story: Story) -> None:
    plan = story.plan().model_copy(update={"workspace": "file:///elsewhere"})
    with pytest.raises(DefinitionError, match="is of the workspace file:///elsewhere"):
        story.apply(plan)


def test_more_files_than_were_meant_are_not_deleted(story: Story) -> None:
    """S34."""
    run = story.run()
    plan = story.plan(keep_last=0)
    with pytest.raises(
        DefinitionError, match=f"deletes {plan.object_count} files, which is more than 2; look through it, and give --max-objects"
    ):
        apply_plan(story.workspace, plan, most_objects=2)
    assert story.is_there(story.output(run))


UNSAFE = {
    "the root of a datastore": {"kind": "output", "datastore": STORE, "path": "", "owner": OWNER},
    "the root by another name": {"kind": "output", "datastore": STORE, "path": ".", "owner": OWNER},
    "a pattern": {"kind": "output", "datastore": STORE, "path": f"azureml/{OWNER}/*", "owner": OWNER},
    "a question mark": {"kind": "output", "datastore": STORE, "path": f"azureml/{OWNER}/?", "owner": OWNER},
    "a path that leaves the datastore": {"kind": "output", "datastore": STORE, "path": f"../other/{OWNER}", "owner": OWNER},
    "an absolute path": {"kind": "output", "datastore": STORE, "path": f"/data/{OWNER}", "owner": OWNER},
    "a folder of somebody": {"kind": "output", "datastore": STORE, "path": "raw/customers", "owner": OWNER},
    "an owner that is no step run": {"kind": "output", "datastore": STORE, "path": "raw/customers", "owner": "customers"},
    "a URL": {"kind": "output", "datastore": STORE, "path": f"s3://other/{OWNER}", "owner": OWNER},
    "the records of the workspace": {"kind": "output", "datastore": "root", "path": f".amlpipe/v1/runs/{OWNER}", "owner": OWNER},
    "all runs": {"kind": "run", "path": ".amlpipe/v1/runs", "owner": ""},
    "another run": {"kind": "run", "path": f".amlpipe/v1/runs/{OWNER}", "owner": OWNER[:-1]},
    "all manifests": {"kind": "content", "path": ".amlpipe/v1/manifests"},
    "a dataset": {"kind": "content", "path": ".amlpipe/v1/datasets/model/00000001.json"},
    "all keys": {"kind": "key", "path": ".amlpipe/v1/keys", "key": ""},
    "a run on a datastore": {"kind": "run", "datastore": STORE, "path": f".amlpipe/v1/runs/{OWNER}", "owner": OWNER},
    "a file called as nothing of ours": {"kind": "unfinished", "datastore": STORE, "path": "raw/customers.csv"},
    "a plan elsewhere": {"kind": "plan", "path": ".amlpipe/v1/pins/x/00000001.json"},
}


@pytest.mark.parametrize("given", UNSAFE.values(), ids=UNSAFE.keys())
def test_what_is_not_exactly_one_thing_of_ours_is_never_deleted(story: Story, given: dict[str, str]) -> None:
    """S34, R50."""

    story.workspace.datastores.register("root", DatastoreRecord(name="root", url=story.workspace.url))
    run = story.run()
    item = ClearingItem(reason="because", **given)  # type: ignore[arg-type]

    with pytest.raises(DefinitionError):
        refuse_unsafe(story.workspace, item)

    # And even a plan that somebody wrote by hand deletes only what a plan made now would.
    plan = story.plan(keep_last=0)
    swept = story.apply(ClearingPlan(**{**plan.model_dump(), "items": (item,)}))
    assert (swept.done, swept.left) == ([], [item])
    assert story.is_there(story.output(run))


def test_only_the_exact_file_goes_when_names_look_like_patterns(story: Story) -> None:
    """R50."""
    left = story.crashed_try(run_id=story.run())
    for name in ("[ab]", "a", "b"):
        story.put(f"azureml/{name}", name)
    story.later(8)
    story.clear()
    assert not story.is_there(left)
    assert {"[ab]", "a", "b"} <= set(story.workspace.datastores.open(STORE).list_names("azureml"))


def test_outputs_on_a_datastore_that_is_registered_no_more_stay_with_the_records_that_prove_whose_they_are(story: Story) -> None:
    from airflow_amlpipe.spec.data import OutputSpec

    story.workspace.datastores.register("lake", DatastoreRecord(name="lake", url=(story.base / "lake").as_uri()))
    run = story.run(a_pipeline(a_step("train", outputs=(OutputSpec(name="out", datastore="lake"),))))
    story.workspace.datastores.remove("lake")
    fresh = WorkspaceStore(story.workspace.store, url=story.workspace.url, home=story.workspace.home)
    plan = plan_clearing(fresh, RetentionPolicy(keep_last=0), now=story.now)
    assert "run" not in {item.kind for item in plan.items}
    assert plan.kept["outputs on datastores that are not registered any more"] > 0
    assert run in fresh.runs.ids()


def test_a_datastore_that_cannot_be_opened_here_and_holds_nothing_of_ours_holds_nothing_up(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.workspace.datastores.register("far", DatastoreRecord(name="far", url="s3://bucket/x", conn_id="elsewhere"))
    outputs = [story.output(story.run(), step) for step in ("prepare", "train")]
    real = story.workspace.datastores.open

    def opened(name: str) -> Store:
        if name == "far":
            raise UnknownNameError("datastore 'far' logs in with the Airflow connection 'elsewhere', which there is not")
        return real(name)

    monkeypatch.setattr(story.workspace.datastores, "open", opened)
    plan = story.plan(keep_last=0)
    assert plan.kept["datastores that cannot be opened here"] == 1
    story.apply(plan)
    assert not any(map(story.is_there, outputs))


def test_a_datastore_that_cannot_be_opened_here_and_holds_outputs_holds_everything_up(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.run()

    def refused(name: str) -> Store:
        raise UnknownNameError(f"datastore {name!r} logs in with the Airflow connection 'elsewhere', which there is not")

    monkeypatch.setattr(story.workspace.datastores, "open", refused)
    with pytest.raises(UnknownNameError, match="elsewhere"):
        story.plan(keep_last=0)


def test_trouble_while_deleting_stops_it_and_the_next_goes_on(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    run = story.run()
    outputs = [story.output(run, step) for step in ("prepare", "train")]
    plan = story.plan(keep_last=0)
    store = story.workspace.datastores.open(STORE)
    with monkeypatch.context() as patched:

        def refused(path: str) -> None:
            raise DatastoreUnavailableError("503: slow down")

        patched.setattr(store, "remove_tree", refused)
        with pytest.raises(DatastoreUnavailableError, match="slow down"):
            story.apply(plan)
    assert run in story.workspace.runs.ids(), "what proves whose the outputs are goes last"
    assert_store_ok(story.workspace)

    story.clear(keep_last=0)

    assert not any(map(story.is_there, outputs))
    assert story.workspace.runs.ids() == []


def _policy():  # type: ignore[no-untyped-def]
    from airflow_amlpipe.reuse.policy import ReusePolicy

    return ReusePolicy.parse("auto")


def test_a_guard_below_a_week_is_refused() -> None:
    with pytest.raises(ValueError, match="604800"):
        RetentionPolicy(guard_seconds=days(6))
