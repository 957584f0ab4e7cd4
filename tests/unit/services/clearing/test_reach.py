"""Does everything stay that is needed, and go what is not?"""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, ProtocolError
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.services.clearing import planning
from airflow_amlpipe.services.publish import keep_spec, publish_pipeline, publish_run
from airflow_amlpipe.spec.data import DatastorePath, OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import DatasetById
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.storage.unfinished import UnfinishedWrite
from airflow_amlpipe.workspace import layout
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimRecord
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.published import PublishedPipeline
from airflow_amlpipe.workspace.step_run import StepRun
from tests.builders import OUT, a_pipeline, a_step
from tests.fakes import MemoryStore
from tests.pretend import pretend_run, write_source
from tests.unit.services.clearing.conftest import CHAIN, STORE, Story, days, named


def kinds(cleared: list[tuple[str, str]]) -> set[str]:
    return {kind for kind, _ in cleared}


def test_without_a_rule_nothing_that_is_finished_ever_goes(story: Story) -> None:
    story.run()
    story.run(text="print('other')\n")
    story.later(5000)
    assert story.clear() == []


def test_what_is_older_than_the_rule_goes_with_everything_that_only_it_needs(story: Story) -> None:
    old = story.run()
    outputs = [story.output(old, step) for step in ("prepare", "train")]
    story.later(100)

    cleared = story.clear(older_than_seconds=days(90))

    assert kinds(cleared) == {"result", "output", "run", "content"}
    assert not any(map(story.is_there, outputs))
    assert story.workspace.runs.ids() == []
    for folder in (layout.specs_folder(), layout.manifests_folder(), layout.snapshots_folder()):
        assert story.workspace.store.list_names(folder) == []
    again = story.run()
    assert [story.finished(again, step).reused for step in ("prepare", "train")] == [False, False]


def test_what_is_younger_than_the_rule_stays(story: Story) -> None:
    story.run()
    story.later(80)
    assert story.clear(older_than_seconds=days(90)) == []


def test_the_newest_runs_of_each_experiment_and_results_of_each_step_stay(story: Story) -> None:
    runs = [story.run(text=f"print({number})\n") for number in range(4)]
    other = story.run(a_pipeline(a_step("alone", outputs=OUT, version="weekly"), name="weekly"), experiment="other")

    story.clear(keep_last=2)

    assert sorted(story.workspace.runs.ids()) == sorted([*runs[2:], other])
    story.run(CHAIN)
    assert [story.finished(story.run(), step).reused for step in ("prepare", "train")] == [True, True]


def test_both_rules_have_to_agree(story: Story) -> None:
    runs = [story.run(text=f"print({number})\n") for number in range(3)]
    assert story.clear(keep_last=1, older_than_seconds=days(30)) == []
    story.later(31)
    story.clear(keep_last=1, older_than_seconds=days(30))
    assert story.workspace.runs.ids() == [runs[2]]


def test_outputs_that_a_kept_run_reused_stay_and_so_do_the_records_of_the_run_that_wrote_them(story: Story) -> None:
    """R58."""
    first = story.run()
    second = story.run()
    assert story.finished(second).reused

    story.clear(keep_last=1)

    assert story.is_there(story.output(second))
    assert sorted(story.workspace.runs.ids()) == sorted([first, second])
    assert story.finished(story.run()).reused


@pytest.mark.parametrize(("kind", "target"), [("run", "{run}"), ("step", "{run}/train"), ("pipeline", "nightly")])
def test_a_pin_protects_everything_that_is_reached_from_it(story: Story, kind: str, target: str) -> None:
    run = story.run()
    other = story.run(a_pipeline(a_step("alone", outputs=OUT, version="weekly"), name="weekly"))
    gone = story.output(other, "alone")
    story.pin(kind, target.format(run=run))
    story.later(100)

    story.clear(keep_last=0, max_bytes={STORE: 0})

    assert story.is_there(story.output(run, "train"))
    assert story.is_there(story.output(run, "prepare")) is (kind != "step")
    assert story.workspace.get_manifest(story.output(run).digest).files
    assert (story.workspace.runs.ids(), story.is_there(gone)) == ([run], False)


def test_a_pin_that_was_taken_out_protects_nothing(story: Story) -> None:
    run = story.run()
    story.pin("run", run)
    (pin,) = story.workspace.pins.all()
    story.workspace.pins.remove(pin.name)
    story.clear(keep_last=0)
    assert story.workspace.runs.ids() == []


def test_every_version_of_a_dataset_keeps_its_data_and_the_run_that_wrote_it(story: Story) -> None:
    registered = OutputSpec(name="out", datastore=STORE, register_as=RegistrationSpec(name="model"))
    spec = a_pipeline(a_step("train", outputs=(registered,)))
    runs = [story.run(spec, text=f"print({number})\n", policy="refresh") for number in range(2)]
    story.later(100)

    story.clear(keep_last=0, older_than_seconds=days(1), max_bytes={STORE: 0})

    assert [story.is_there(story.output(run)) for run in runs] == [True, True]
    assert story.workspace.datasets.versions("model") == [1, 2]


def test_a_dataset_without_a_name_keeps_no_data_beyond_the_run_that_it_was_handed_to(story: Story) -> None:
    """Each run that reads a table of its own outputs saves one."""
    old = story.run()
    output = story.output(old, "prepare")
    story.workspace.datasets.save((DatastorePath(datastore=STORE, path=output.path),))
    story.later(100)
    story.clear(older_than_seconds=days(90))
    assert not story.is_there(output)


@pytest.mark.parametrize("who", ["published", "draft", "run", "model"])
def test_a_dataset_without_a_name_keeps_its_data_for_whoever_names_its_id(story: Story, who: str) -> None:
    """R58: as the default of a parameter of what is published, as a value that a draft or a run that is kept was given, as what a model was made with."""
    output = story.output(story.run(), "prepare")
    saved = story.workspace.datasets.save((DatastorePath(datastore=STORE, path=f"{output.path}/*.txt"),))
    given = ParameterSpec(name="data", type="file_dataset", default=DatasetById(id=saved.id))
    if who == "published":
        spec = CHAIN.model_copy(update={"parameters": (given,)})
        publish_pipeline(spec, workspace=story.workspace.url, source_base=story.base, home=story.workspace.home)
    elif who == "draft":
        spec_digest, _ = keep_spec(story.workspace, CHAIN, source_base=story.base)
        story.workspace.drafts.add(name="try", spec=spec_digest, step_names={}, parameters={"data": given.default})
    elif who == "run":
        spec = a_pipeline(a_step("alone", outputs=OUT), parameters=(given,), name="asked")
        story.pin("run", pretend_run(story.workspace, spec, story.base, experiment="other"))
    else:
        story.workspace.models.register("iris", story.base / "src", datasets=(("training data", saved.id),))
    story.later(100)

    story.clear(keep_last=0, max_bytes={STORE: 0})

    assert story.is_there(output)
    assert not any(item.path == output.path for item in story.plan(keep_last=0).items)


def test_files_of_the_web_that_are_registered_stop_nothing(story: Story) -> None:
    story.workspace.datasets.add_version("far", (DatastorePath(datastore="https://example.org/data", path="a.csv"),))
    old = story.run()
    output = story.output(old, "prepare")
    story.later(100)
    story.clear(older_than_seconds=days(90))
    assert not story.is_there(output)


def test_data_that_somebody_registered_by_its_path_stays(story: Story) -> None:
    output = story.output(story.run())
    story.workspace.datasets.add_version("mine", (DatastorePath(datastore=STORE, path=f"{output.path}/*.txt"),))
    story.clear(keep_last=0)
    assert story.is_there(output)


def published(story: Story) -> PublishedPipeline:
    return publish_pipeline(CHAIN, workspace=story.workspace.url, source_base=story.base, home=story.workspace.home)


def is_kept(story: Story, spec: str) -> bool:
    """Whether a run of this specification could be given its source."""
    store = story.workspace.store
    if not store.exists(layout.spec_path(spec)):
        return False
    return all(store.exists(layout.snapshot_path(step.source.snapshot or "")) for step in story.workspace.get_spec(spec).steps)


@pytest.mark.parametrize("disabled", [False, True])
def test_what_a_published_pipeline_needs_stays_also_while_it_is_disabled(story: Story, disabled: bool) -> None:
    """R58"""
    made = published(story)
    run = story.run()
    if disabled:
        story.workspace.published.set_status(made.id, "Disabled")
    gone = story.output(run)
    story.later(5000)

    story.clear(keep_last=0)

    assert (story.workspace.runs.ids(), story.is_there(gone)) == ([], False)
    assert is_kept(story, made.spec)


def test_what_was_published_of_a_run_stays_when_the_run_goes(story: Story) -> None:
    """R58"""
    made = publish_run(story.workspace.url, story.run(), "kept", home=story.workspace.home)
    story.later(5000)
    story.clear(keep_last=0)
    assert (story.workspace.runs.ids(), is_kept(story, made.spec)) == ([], True)


def test_a_draft_keeps_what_it_holds_now_until_it_is_deleted(story: Story) -> None:
    drafts = story.workspace.drafts
    first, second = published_digests(story)
    draft = drafts.add(name="try", spec=first, step_names={})
    drafts.change(draft.id, spec=second)
    story.later(5000)
    story.clear()
    assert (is_kept(story, first), is_kept(story, second)) == (False, True)
    drafts.remove(draft.id)
    story.clear()
    assert not is_kept(story, second)


def published_digests(story: Story) -> list[str]:
    """Store two specifications with different sources, which nothing names."""
    found = []
    for text in ("print('first')\n", "print('second')\n"):
        write_source(story.base, text=text)
        found.append(keep_spec(story.workspace, CHAIN, source_base=story.base)[0])
    return found


def test_what_a_kind_of_record_names_that_this_version_does_not_know_stays(story: Story) -> None:
    run = story.run()
    output, spec = story.output(run, "prepare"), story.workspace.runs.get(run).spec
    body = {"spec": spec, "inputs": [{"datastore": output.datastore, "path": output.path}]}
    story.workspace.store.put(f"{layout.log_folder('watches', 'nightly')}/00000001.json", json.dumps(body).encode())
    gone = story.output(run)
    story.later(100)

    story.clear(keep_last=0)

    assert story.workspace.get_spec(str(spec)).steps
    (snapshot,) = {step.source.snapshot for step in story.workspace.get_spec(str(spec)).steps}
    assert story.workspace.store.exists(layout.snapshot_path(str(snapshot)))
    assert (story.is_there(output), story.is_there(gone)) == (True, False)


def test_a_limit_of_size_gives_up_the_oldest_outputs_first_and_keeps_the_records_of_their_runs(story: Story) -> None:
    spec = a_pipeline(a_step("train", outputs=OUT))
    runs = [story.run(spec, text=f"print({number})\n") for number in range(3)]
    size = story.output(runs[0]).size_bytes

    cleared = story.clear(max_bytes={STORE: 2 * size})

    assert [kind for kind, _ in cleared] == ["result", "output"]
    assert [story.is_there(story.output(run)) for run in runs] == [False, True, True]
    assert sorted(story.workspace.runs.ids()) == runs
    assert story.clear(max_bytes={STORE: 2 * size}) == []


def test_what_a_run_that_is_not_over_has_written_stays_whatever_the_rules_say(story: Story) -> None:
    run = story.run()
    StepRun(story.workspace, "nightly", run, a_step("train", outputs=OUT), 2).start()
    assert story.clear(keep_last=0, max_bytes={STORE: 0}) == []
    story.later(6.9)
    assert story.clear(keep_last=0, max_bytes={STORE: 0}) == []
    story.later(0.2)
    assert "run" in kinds(story.clear(keep_last=0))


def test_a_longer_guard_holds_for_longer_jobs(story: Story) -> None:
    run = story.run()
    left = story.crashed_try(run_id=run)
    story.later(20)
    assert story.clear(guard_seconds=days(21)) == []
    story.later(2)
    assert story.clear(guard_seconds=days(21))[0] == ("output", left.path)


def test_what_a_killed_process_stored_without_a_result_goes_once_it_is_old(story: Story) -> None:
    """R05, R06."""
    run = story.run()
    left = story.crashed_try(run_id=run)
    story.put(f"azureml/mine/{left.path.rpartition('/')[2]}", "of somebody")
    assert story.clear() == []
    story.later(8)

    cleared = story.clear()

    assert cleared[0] == ("output", left.path)
    assert not story.is_there(left)
    assert story.workspace.datastores.open(STORE).list_names("azureml/mine") == ["out"]
    assert all(story.is_there(story.output(run, step)) for step in ("prepare", "train"))


def test_what_a_killed_process_stored_is_found_at_the_place_that_its_author_named(story: Story) -> None:
    mine = OutputSpec(name="out", datastore=STORE, destination="models/{run-id}")
    spec = a_pipeline(a_step("train", outputs=(mine,)))
    left = story.crashed_try(spec.steps[0], run_id=story.run(spec))
    assert left.path.startswith("models/")
    story.later(8)
    assert ("output", left.path) in story.clear()


def test_what_was_stored_by_a_step_of_a_dag_file_is_found_where_outputs_go(story: Story) -> None:
    run = story.run()
    record = story.workspace.runs.get(run)
    story.workspace.store.put(f"{layout.run_folder(run)}/run.json", record.model_copy(update={"spec": None}).model_dump_json().encode())
    left = story.crashed_try(run_id=run)
    story.later(8)
    assert ("output", left.path.rpartition("/")[0]) in story.clear()


def test_files_at_a_fixed_destination_are_the_users(story: Story) -> None:
    fixed = OutputSpec(name="out", datastore=STORE, destination="best")
    run = story.run(a_pipeline(a_step("train", outputs=(fixed,))))
    story.later(100)
    story.clear(keep_last=0)
    assert (story.workspace.runs.ids(), run in story.workspace.runs.ids()) == ([], False)
    assert story.workspace.datastores.open(STORE).read("best/data.txt") == b"train out"


def test_outputs_of_a_step_that_does_not_allow_reuse_go_with_their_run(story: Story) -> None:
    output = story.output(story.run(a_pipeline(a_step("train", outputs=OUT, allow_reuse=False))))
    story.clear(keep_last=0)
    assert not story.is_there(output)


def test_a_key_that_somebody_computes_now_keeps_its_results(story: Story) -> None:
    finished = story.finished(story.run())
    claim = ClaimRecord(run_id="r", step_id="s", step_name="s", step_run_id="x", pipeline="p", since=now_text(), host="h")
    ClaimLog(story.workspace.store, str(finished.key)).take(1, claim)
    story.clear(keep_last=0, max_bytes={STORE: 0})
    assert story.is_there(finished.outputs["out"])
    ClaimLog(story.workspace.store, str(finished.key)).release(1)
    story.clear(keep_last=0, max_bytes={STORE: 0})
    assert not story.is_there(finished.outputs["out"])


def test_a_run_that_computes_for_longer_than_anything_is_taken_for_work_stays_as_long_as_it_gives_signs(story: Story) -> None:
    store = story.workspace.store
    if not isinstance(store, MemoryStore):
        pytest.skip("nobody can set the time at which a file was last changed")
    run = story.run()
    left = story.crashed_try(run_id=run)
    key = str(story.finished(run).key)
    claim = ClaimRecord(run_id=run, step_id="train", step_name="train", step_run_id="x", pipeline="p", since=now_text(), host="h")
    assert ClaimLog(store, key).take(1, claim)
    ClaimLog(store, key).beat(1, 1)
    story.later(30)
    store.write_back_to(f"{layout.key_folder(key)}/beats/00000001.json", story.now.timestamp() - 15)

    assert not {"output", "run"} & {item.kind for item in story.plan(keep_last=0).items}

    story.later(8)
    assert ("output", left.path) in story.clear(keep_last=0)
    assert not story.workspace.runs.ids()


def test_the_log_of_a_key_goes_once_all_of_its_results_were_set_aside_and_are_gone(story: Story) -> None:
    key = str(story.finished(story.run()).key)
    story.clear(keep_last=0)
    assert story.workspace.store.exists(layout.key_folder(key)), "what was just set aside is no longer needed, but young"
    story.later(8)
    assert ("key", layout.key_folder(key)) in story.clear()
    assert not story.workspace.store.exists(layout.key_folder(key))
    again = story.run()
    assert (story.finished(again).key, story.finished(again).reused) == (key, False)
    assert story.finished(story.run()).reused


def test_an_output_whose_result_was_set_aside_stays_as_long_as_its_run(story: Story) -> None:
    run = story.run()
    finished = story.finished(run)
    story.workspace.results.mark_bad(str(finished.key), Rejection(1, "altered"))
    story.later(100)
    assert story.clear() == []
    story.clear(keep_last=0)
    assert not story.is_there(finished.outputs["out"])


def test_contents_that_were_asked_for_lately_stay(story: Story) -> None:
    """Whoever goes on to refer to a manifest that is there already makes it count as new."""
    store = story.workspace.store
    if not isinstance(store, MemoryStore):
        pytest.skip("nobody can set the time at which a file was last changed; test_local.py asks the clock instead")
    run = story.run()
    manifest = layout.manifest_path(story.output(run).digest)
    for folder in (layout.run_folder(run), layout.keys_folder()):
        store.remove_tree(folder)
    store.write_back_to(manifest, time.time() - days(30))
    assert ("content", manifest) in named(story.plan().items)

    assert store.freshen(manifest)

    assert ("content", manifest) not in named(story.plan().items)


def test_a_result_without_its_manifest_is_no_hit(story: Story) -> None:
    run = story.run()
    story.workspace.store.remove_tree(layout.manifest_path(story.output(run).digest))
    assert story.finished(story.run()).reused is False


@pytest.mark.parametrize("path", ["results", "finished", "dataset"])
def test_nothing_goes_when_a_record_cannot_be_read(story: Story, path: str) -> None:
    """R31, R59: it may be the one that says what is needed."""
    finished = story.finished(story.run())
    story.workspace.datasets.add_version("mine", (DatastorePath(datastore=STORE, path="raw"),))
    place = {
        "results": f"{layout.key_folder(str(finished.key))}/results/00000001.json",
        "finished": f"{story.workspace.runs.tries(finished.run_id, 'train')[0].folder}/finished.json",
        "dataset": f"{layout.log_folder('datasets', 'mine')}/00000001.json",
    }[path]
    body = story.workspace.store.read(place)
    for damaged in (body[:-9], body.replace(b"{", b'{"since_v2": 1, ', 1)):
        story.workspace.store.put(place, damaged)
        with pytest.raises(ProtocolError, match="nothing was cleared away, because a record cannot be read"):
            story.plan(keep_last=0)


def test_unfinished_writes_go_once_they_are_old(story: Story) -> None:
    root = story.workspace.store.local_path("")
    if root is None:
        pytest.skip("a store in memory has no unfinished writes")
    story.run()
    for folder in (root / STORE / "azureml", root / layout.runs_folder()):
        (folder / ".amlpipe-tmp-77").mkdir()
        (folder / ".amlpipe-tmp-77" / "half").write_bytes(b"x")
    assert story.clear() == []
    story.later(8)
    assert {path.rpartition("/")[2] for kind, path in story.clear() if kind == "unfinished"} == {".amlpipe-tmp-77"}
    assert not list(root.rglob(".amlpipe-tmp-77"))


def test_a_folder_of_a_run_that_a_killed_process_left_empty_goes_once_it_is_old(story: Story) -> None:
    root = story.workspace.store.local_path(layout.runs_folder())
    if root is None:
        pytest.skip("a store in memory has no empty folders")
    run_id = story.run()
    empty = root / run_id.replace(run_id[-4:], "0000")
    empty.mkdir()
    assert story.clear() == []
    story.ahead = timedelta(days=8)
    assert story.clear() == [("run", f"{layout.runs_folder()}/{empty.name}")]


def test_a_folder_that_may_not_be_listed_stops_nothing_else(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    run = story.run()
    story.later(100)

    def refuse(store: Store, folder: str = "") -> list[UnfinishedWrite]:
        raise DatastoreUnavailableError("could not list 'private': Permission denied")

    monkeypatch.setattr(planning, "unfinished_writes", refuse)
    plan = story.plan(older_than_seconds=days(90))
    assert plan.kept["datastores that could not be looked through for unfinished writes"] == 4  # the records, and three datastores
    assert "run" in {item.kind for item in plan.items}
    assert story.workspace.runs.ids() == [run]
