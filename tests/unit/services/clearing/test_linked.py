"""Does data stay that a kept output is linked to, and is a link that leads nowhere found?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.clearing.sweeping import _Sweep
from airflow_amlpipe.services.fsck import Check, check_workspace, repair_workspace
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.workspace.records import StepFinished
from tests.builders import LINK, OUT, a_link, a_pipeline, a_step
from tests.invariants import assert_store_ok
from tests.pretend import pretend_run
from tests.unit.services.clearing.conftest import STORE, Story, named

DATA = a_pipeline(a_step("prepare", outputs=OUT))
CHOICE = a_pipeline(a_step("choose", outputs=LINK), name="choosing")


def choose(story: Story, *targets: StoredOutput | str, policy: str = "auto") -> StepFinished:
    """Run a step whose script links its output to these places."""
    link = a_link(*(target if isinstance(target, str) else target.path for target in targets))
    run_id = pretend_run(story.workspace, CHOICE, story.base, experiment="choosing", policy=policy, write=lambda *_: link)
    return story.finished(run_id, "choose")


def change_of(story: Story, finished: StepFinished) -> str | None:
    """Return what changed behind the newest result under the key of a step that has run."""
    _, result = next(iter(story.workspace.results.candidates(str(finished.key))))
    assert story.workspace.results.find_problem(result) is None
    change = story.workspace.results.find_changed_link(result)
    return None if change is None else change.sentence


def two_runs(story: Story) -> tuple[StoredOutput, StoredOutput]:
    """Run a step twice with other code, and return what it wrote."""
    first = story.output(story.run(DATA, text="print('first')\n"), "prepare")
    return first, story.output(story.run(DATA, text="print('second')\n"), "prepare")


def test_what_a_kept_result_is_linked_to_stays_and_goes_with_it(story: Story) -> None:
    first, second = two_runs(story)
    choose(story, f"{first.path}/*.txt")

    story.clear(keep_last=1)

    assert (story.is_there(first), choose(story).reused) == (True, True)
    again = choose(story, second, policy="refresh")
    # The first choice is still the result of a run that is kept.
    pretend_run(story.workspace, CHOICE, story.base, experiment="choosing")
    story.clear(keep_last=1)
    assert (story.is_there(first), story.is_there(second)) == (False, True)
    assert choose(story).outputs == again.outputs


def test_a_glob_at_the_root_of_a_datastore_keeps_the_files_that_it_names_and_nothing_else(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_runs(story)
    third = story.output(story.run(DATA, text="print('third')\n"), "prepare")
    story.put("raw/a.csv", "1")
    globs = ("**/*.csv", f"*/{second.path.split('/')[1]}/**")
    link = choose(story, *globs)
    kind = type(story.workspace.datastores.open(STORE))

    def unavailable(*_: object) -> list[str]:
        raise DatastoreUnavailableError("the store does not answer")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(kind, "match", unavailable)
        assert not any(item.kind == "output" for item in story.plan(keep_last=1).items), "nobody can say which files those are"
    story.clear(keep_last=1)

    assert [story.is_there(output) for output in (first, second, third)] == [False, True, True]
    assert choose(story, *globs).reused
    other = choose(story, "**/*.csv", policy="refresh").outputs["out"]
    story.clear(max_bytes={STORE: third.size_bytes + other.size_bytes})
    assert [story.is_there(output) for output in (second, link.outputs["out"], third, other)] == [False, False, True, True]


def test_a_pin_and_a_registered_dataset_protect_what_is_behind_the_link(story: Story) -> None:
    first, second = two_runs(story)
    link = choose(story, first)
    story.pin("pipeline", "choosing")
    behind = choose(story, second, policy="refresh").outputs["out"]
    story.workspace.datasets.add_version("choice", (DatastorePath(datastore=STORE, path=behind.path),))
    (pin,) = story.workspace.pins.all()

    story.clear(keep_last=0, max_bytes={STORE: 0})

    assert [story.is_there(output) for output in (first, second, link.outputs["out"])] == [True, True, True]
    story.workspace.pins.remove(pin.name)
    story.clear(keep_last=0, max_bytes={STORE: 0})
    assert [story.is_there(output) for output in (first, second, behind)] == [False, True, True]


def test_a_limit_of_size_takes_the_link_with_what_it_leads_to(story: Story) -> None:
    first, second = two_runs(story)
    outputs = [choose(story, first).outputs["out"], first]
    story.clear(max_bytes={STORE: second.size_bytes})
    assert [story.is_there(output) for output in (*outputs, second)] == [False, False, True]
    assert choose(story, second).reused is False


def test_what_a_result_is_linked_to_that_was_kept_at_the_first_look_stays_at_the_second(story: Story) -> None:
    """R58. A run that had taken the result ended in between."""
    first, _ = two_runs(story)
    choose(story, first)
    plan = story.plan(keep_last=0)
    linked = [item for item in plan.items if item.is_linked]
    looks = iter([tuple(item for item in plan.items if item not in linked), plan.items])
    _Sweep(story.workspace, plan, lambda: next(looks)).run()
    assert [item.kind for item in linked] == ["result"]
    assert story.is_there(first)
    assert_store_ok(story.workspace)


@pytest.mark.parametrize("quick", [True, False])
def test_a_link_that_leads_nowhere_is_a_breach_until_its_result_is_set_aside(story: Story, quick: bool) -> None:
    """I4"""
    first, _ = two_runs(story)
    story.put("raw/a.csv", "1")
    choose(story, "raw")
    story.workspace.datastores.open(STORE).remove_tree("raw")

    found = check_workspace(story.workspace, depth="quick" if quick else "full")

    (breach,) = found.breaches
    assert (breach.check, breach.check.invariant) == (Check.OUTPUT_DAMAGED, "I4")
    assert "what output 'out' is linked to, 'raw' on datastore 'workspaceblobstore': data -> nothing" in breach.problem
    repair_workspace(story.workspace, found)
    assert_store_ok(story.workspace)
    assert story.is_there(first)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "nothing"),
        ({"a.csv": "2"}, "other data (1 files of 1 bytes)"),
        ({"a.csv": "1", "b.csv": "1"}, "other data (2 files of 2 bytes)"),
    ],
)
def test_a_result_that_is_linked_to_what_is_gone_or_altered_is_no_hit_until_that_is_back(
    story: Story, files: dict[str, str], said: str
) -> None:
    """R28, R29."""
    story.put("raw/a.csv", "1")
    first = choose(story, "raw/*.csv")
    data = story.workspace.datastores.open(STORE)
    data.remove_tree("raw/a.csv")
    for name, text in files.items():
        story.put(f"raw/{name}", text)
    story.put("raw/notes.txt", "no part of it")

    assert change_of(story, first) == f"what output 'out' is linked to, 'raw/*.csv' on datastore '{STORE}': data -> {said}"
    assert [found.check for found in check_workspace(story.workspace, depth="full").breaches] == ([] if files else [Check.OUTPUT_DAMAGED])
    again = choose(story, "raw/*.csv")
    assert (again.reason, again.key) == ("ANSWERS_CHANGED", first.key)
    later = choose(story, "raw/*.csv")
    assert later.reused is bool(files)
    data.remove_tree("raw")
    story.put("raw/a.csv", "1")
    back = choose(story, "raw/*.csv")
    # One that was linked where nothing lay is content with whatever comes.
    assert (back.reason, back.outputs) == ("MATCH", (first if files else later).outputs)


def test_nobody_says_that_data_behind_a_link_is_gone_when_it_cannot_be_read(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.put("raw/a.csv", "1")
    choose(story, "raw")
    kind = type(story.workspace.datastores.open(STORE))
    identify = kind.identify

    def unavailable(store: object, path: str, *args: object, **more: object) -> object:
        if path == "raw":
            raise DatastoreUnavailableError("the store does not answer")
        return identify(store, path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "identify", unavailable)
    with pytest.raises(DatastoreUnavailableError, match="does not answer"):
        choose(story, "raw")
    assert check_workspace(story.workspace, depth="full").exit_code == 3
    monkeypatch.undo()
    assert choose(story, "raw").reused


def test_a_link_to_a_datastore_that_is_registered_no_more_is_no_hit(story: Story) -> None:
    lake = story.workspace.datastores.get(STORE).model_copy(update={"url": (story.base / "lake").as_uri()})
    story.workspace.datastores.register("lake", lake)
    story.workspace.datastores.open("lake").put("raw/a.csv", b"1")
    link = a_link("raw", datastore="lake")
    first = story.finished(pretend_run(story.workspace, CHOICE, story.base, write=lambda *_: link), "choose")
    story.workspace.datastores.remove("lake")
    assert (
        change_of(story, first)
        == "what output 'out' is linked to, 'raw' on datastore 'lake', which is not registered any more: data -> nothing"
    )
    assert named(story.plan().items) == []
