"""Is everything that can be wrong with a workspace found, where it is, and nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, UnknownNameError
from airflow_amlpipe.fingerprint.canonical import digest_bytes
from airflow_amlpipe.services.fsck import Check, check_workspace, repair_workspace
from airflow_amlpipe.services.publish import publish_run
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace import layout
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.published import PublishedPipeline
from airflow_amlpipe.workspace.step_run import StepRun
from tests.builders import a_step
from tests.invariants import assert_store_ok
from tests.unit.services.fsck.conftest import Filled

NUMBER_ONE = "00000001.json"
SECRET = "sig=MkZ1kxvvAbC0123456789abcdef"  # in the shape of a signature, of nothing
Plant = Callable[[Filled], str]


def dataset(filled: Filled) -> str:
    return f"{layout.log_folder('datasets', 'model')}/{NUMBER_ONE}"


def dataset_id(filled: Filled) -> str:
    return layout.dataset_id_path(filled.workspace.datasets.get("model").id)


def spec(filled: Filled) -> str:
    return layout.spec_path(str(filled.workspace.runs.get(filled.run_id).spec))


def snapshot(filled: Filled) -> str:
    (name,) = filled.workspace.store.list_names(layout.snapshots_folder())
    return f"{layout.snapshots_folder()}/{name}"


def cut(filled: Filled, path: str) -> str:
    return filled.put(path, filled.workspace.store.read(path)[:-20])


def altered_output(filled: Filled) -> str:
    store = filled.workspace.datastores.open("workspaceblobstore")
    store.put(f"{filled.output.path}/data.txt", b"TRAIN out")  # as many bytes
    return f"{filled.results}/{NUMBER_ONE}"


def lost_output(filled: Filled) -> str:
    filled.workspace.datastores.open("workspaceblobstore").remove_tree(filled.output.path)
    return f"{filled.results}/{NUMBER_ONE}"


def foreign_output(filled: Filled) -> str:
    return filled.change(f"{filled.results}/{NUMBER_ONE}", filled.output.path, "raw/customers")


def result_of_another_key(filled: Filled) -> str:
    return filled.change(f"{filled.results}/{NUMBER_ONE}", filled.key, "0" * 64)


def hole(filled: Filled) -> str:
    filled.workspace.runs.change_tags(filled.run_id, {"best": "no"})
    filled.remove(f"{filled.run}/tags/{NUMBER_ONE}")
    return f"{filled.run}/tags"


def double(filled: Filled) -> str:
    filled.put(f"{filled.run}/tags/0{NUMBER_ONE}", "{}")
    return f"{filled.run}/tags"


def finished_twice(filled: Filled) -> str:
    step_run_id = filled.try_folder.rpartition("/")[2][5:]
    to = layout.try_folder(filled.run_id, "train", 2, step_run_id)
    filled.copy(filled.try_folder, to)
    return to


def unknown_step(filled: Filled) -> str:
    to = layout.try_folder(filled.run_id, "other", 1, "0190")
    filled.copy(filled.try_folder, to)
    return to


def elsewhere(filled: Filled) -> str:
    to = layout.try_folder(filled.run_id, "train", 2, "0190")
    filled.copy(filled.try_folder, to)
    return f"{to}/started.json"


def without_start(filled: Filled) -> str:
    filled.remove(f"{filled.try_folder}/started.json")
    return filled.try_folder


def without_record(filled: Filled) -> str:
    filled.remove(f"{filled.run}/run.json")
    return filled.run


def lost_tombstone(filled: Filled) -> str:
    return filled.put(layout.key_folder(filled.key) + "/bad/00000009.json", "{}")


def unfinished_try(filled: Filled) -> str:
    run = StepRun(filled.workspace, "nightly", filled.run_id, a_step("train"), 2, step_run_id="0190163d-8694-739b-aea5-966c26f8ad90")
    run.start()
    return run.folder


def published(filled: Filled) -> PublishedPipeline:
    return publish_run(filled.workspace.url, filled.run_id, "score", home=filled.workspace.home)


def entry_of(made: PublishedPipeline) -> str:
    return f"{layout.log_folder('published', made.id)}/{NUMBER_ONE}"


def published_without_source(filled: Filled) -> str:
    published(filled)
    return filled.remove(snapshot(filled))


def draft_without_spec(filled: Filled) -> str:
    lost = filled.workspace.drafts.add(name="try", spec="0" * 64, step_names={}).spec
    return layout.spec_path(lost)


def endpoint_of_nothing(filled: Filled) -> str:
    filled.workspace.endpoints.create("score", "11111111-1111-4111-8111-111111111111")
    return f"{layout.log_folder('endpoint-names', 'all')}/{NUMBER_ONE}"


def version_of_nothing(filled: Filled) -> str:
    endpoint = filled.workspace.endpoints.create("score", published(filled).id)
    filled.workspace.endpoints.add_version(endpoint.id, "11111111-1111-4111-8111-111111111111")
    return f"{layout.log_folder('endpoints', endpoint.id)}/{NUMBER_ONE}"


def published_elsewhere(filled: Filled) -> str:
    to = f"{layout.log_folder('published', '11111111-1111-4111-8111-111111111111')}/{NUMBER_ONE}"
    return filled.put(to, filled.text(entry_of(published(filled))))


def a_model(filled: Filled) -> str:
    file = filled.base / "model.pkl"
    file.write_text("weights")
    filled.workspace.models.register("digits", file)
    return f"{layout.log_folder('models', 'digits')}/{NUMBER_ONE}"


def model_without_file(filled: Filled) -> str:
    entry = a_model(filled)
    (sha256,) = filled.workspace.models.get("digits").files.values()
    filled.remove(layout.model_file_path(sha256))
    return entry


def model_elsewhere(filled: Filled) -> str:
    return filled.change(a_model(filled), '"name": "digits"', '"name": "letters"')


def newer_manifest(filled: Filled) -> str:
    body = b'{"folders":[],"format":"amlpipe/tree/v2","is_file":false}'
    return filled.put(layout.manifest_path(digest_bytes(body)), body)


PLANTED: list[tuple[str, Check, Plant]] = [
    ("a torn result", Check.RESULT_UNREADABLE, lambda filled: cut(filled, f"{filled.results}/{NUMBER_ONE}")),
    ("an empty result", Check.RESULT_UNREADABLE, lambda filled: filled.put(f"{filled.results}/{NUMBER_ONE}", "")),
    ("a result of another key", Check.RESULT_UNREADABLE, result_of_another_key),
    ("a result that names files of somebody", Check.RESULT_ELSEWHERE, foreign_output),
    ("a lost manifest", Check.MANIFEST_GONE, lambda filled: filled.remove(layout.manifest_path(filled.output.digest))),
    ("a manifest that is no JSON", Check.MANIFEST_GONE, lambda filled: filled.put(layout.manifest_path(filled.output.digest), "half")),
    ("a lost output", Check.OUTPUT_DAMAGED, lost_output),
    ("an altered output of the same size", Check.OUTPUT_DAMAGED, altered_output),
    ("a hole in a log", Check.LOG_HOLE, hole),
    ("a number given twice", Check.LOG_DUPLICATE, double),
    ("a tombstone of nothing", Check.TOMBSTONE_LOST, lost_tombstone),
    ("a torn registration", Check.RECORD_UNREADABLE, lambda filled: cut(filled, f"{layout.log_folder('computes', 'cpu')}/{NUMBER_ONE}")),
    ("a torn entry of an unknown kind", Check.RECORD_UNREADABLE, lambda filled: filled.put(layout.log_folder("watches", "x.json"), "{")),
    ("a run without its record", Check.RUN_WITHOUT_RECORD, without_record),
    ("a torn end of a run", Check.RUN_RECORD_UNREADABLE, lambda filled: cut(filled, f"{filled.run}/finished.json")),
    ("a torn end of a try", Check.RUN_RECORD_UNREADABLE, lambda filled: cut(filled, f"{filled.try_folder}/finished.json")),
    ("a try's records in the folder of another", Check.RECORD_ELSEWHERE, elsewhere),
    ("a try without a start", Check.TRY_WITHOUT_START, without_start),
    ("an execution that ended twice", Check.FINISHED_TWICE, finished_twice),
    ("a try of a step that its run does not have", Check.STEP_UNKNOWN, unknown_step),
    ("a lost specification", Check.SPEC_GONE, lambda filled: filled.remove(spec(filled))),
    ("an altered specification", Check.CONTENT_ALTERED, lambda filled: filled.change(spec(filled), "nightly", "NIGHTLY")),
    ("a cut manifest", Check.CONTENT_ALTERED, lambda filled: cut(filled, layout.manifest_path(filled.output.digest))),
    (
        "a published pipeline without its specification",
        Check.PUBLISHED_GONE,
        lambda filled: filled.remove(layout.spec_path(published(filled).spec)),
    ),
    ("a published pipeline without its source", Check.PUBLISHED_GONE, published_without_source),
    ("a draft without its specification", Check.PUBLISHED_GONE, draft_without_spec),
    ("an endpoint that leads nowhere", Check.PUBLISHED_GONE, endpoint_of_nothing),
    ("a version that leads nowhere", Check.PUBLISHED_GONE, version_of_nothing),
    ("a published pipeline that was moved", Check.PUBLISHED_ELSEWHERE, published_elsewhere),
    ("a torn entry of a published pipeline", Check.RECORD_UNREADABLE, lambda filled: cut(filled, entry_of(published(filled)))),
    (
        "a published pipeline of a newer version",
        Check.NEWER,
        lambda filled: filled.change(entry_of(published(filled)), "published/v1", "published/v2"),
    ),
    ("a model without its file", Check.MODEL_GONE, model_without_file),
    ("a model of another name", Check.MODEL_ELSEWHERE, model_elsewhere),
    ("a cut snapshot", Check.SNAPSHOT_DAMAGED, lambda filled: cut(filled, snapshot(filled))),
    ("a snapshot that is no zip", Check.SNAPSHOT_DAMAGED, lambda filled: filled.put(snapshot(filled), "PK")),
    (
        "a version with another's number",
        Check.DATASET_ELSEWHERE,
        lambda filled: filled.change(dataset(filled), '"version": 1', '"version": 7'),
    ),
    (
        "an id that points nowhere",
        Check.DATASET_ID_LOST,
        lambda filled: filled.put(layout.dataset_id_path("gone"), '{"name": "x", "version": 1}'),
    ),
    ("an id that is torn", Check.DATASET_ID_LOST, lambda filled: cut(filled, dataset_id(filled))),
    (
        "a secret in a record",
        Check.SECRET,
        lambda filled: filled.put(f"{filled.run}/tags/00000002.json", f'{{"url": "https://x?sv=1&{SECRET}"}}'),
    ),
    ("a canary in a log", Check.CANARY, lambda filled: filled.put(f"{filled.try_folder}/logs/stdout.txt", "here is tweety-4711")),
    ("a result of a newer version", Check.NEWER, lambda filled: filled.change(f"{filled.results}/{NUMBER_ONE}", "result/v1", "result/v2")),
    ("a run of a newer version", Check.NEWER, lambda filled: filled.change(f"{filled.run}/finished.json", "{", '{"since": 2, ')),
    ("a manifest of a newer version", Check.NEWER, newer_manifest),
    ("a newer layout", Check.NEWER, lambda filled: filled.put(".amlpipe/v2/keys/x.json", "{}").rpartition("/keys")[0]),
    ("a version without its id", Check.DATASET_ID_MISSING, lambda filled: filled.remove(dataset_id(filled))),
    ("a try that never ended", Check.TRY_UNFINISHED, unfinished_try),
    ("a file of somebody", Check.FOREIGN_NAME, lambda filled: filled.put(f"{filled.run}/tags/notes.txt", "mine")),
]


@pytest.mark.parametrize(("check", "plant"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_what_is_wrong_is_named_with_its_place(filled: Filled, check: Check, plant: Plant) -> None:
    """R31, R59, S11, S28."""
    assert check_workspace(filled.workspace, canaries=["tweety-4711"]).found == ()

    where = plant(filled)

    findings = check_workspace(filled.workspace, canaries=["tweety-4711"])
    assert (check, where) in {(item.check, item.where) for item in findings.found}
    assert findings.exit_code == {"breach": 1, "trouble": 3, "note": 0}[check.severity]


def test_every_check_has_a_breach_that_was_planted() -> None:
    elsewhere_in_this_file = {Check.UNAVAILABLE, Check.UNFINISHED_WRITE, Check.RUN_RECORD_MISSING, Check.DATASET_DATA_GONE}
    assert {check for _, check, _ in PLANTED} | elsewhere_in_this_file == set(Check)


def test_published_things_that_are_whole_are_no_damage(filled: Filled) -> None:
    made = published(filled)
    endpoint = filled.workspace.endpoints.create("score", made.id)
    filled.workspace.endpoints.add_version(endpoint.id, published(filled).id, is_default=True)
    filled.workspace.endpoints.archive(endpoint.id)
    filled.workspace.published.set_status(made.id, "Disabled")
    draft = filled.workspace.drafts.add(name="try", spec="0" * 64, step_names={})
    filled.workspace.drafts.change(draft.id, spec=made.spec)
    filled.workspace.drafts.remove(filled.workspace.drafts.add(name="other", spec="0" * 64, step_names={}).id)
    assert check_workspace(filled.workspace).found == ()


def test_claims_that_were_released_are_no_damage_and_a_lost_one_is(filled: Filled) -> None:
    folder = f"{layout.key_folder(filled.key)}/claims"
    for name in ("00000001.json", "00000001.released.json", "00000002.json", "00000003.json"):
        filled.put(f"{folder}/{name}", "{}")
    assert check_workspace(filled.workspace).found == ()
    filled.remove(f"{folder}/00000002.json")
    assert [(item.check, item.where) for item in check_workspace(filled.workspace).found] == [(Check.LOG_HOLE, folder)]


def test_a_workspace_that_nobody_has_used_is_clean(filled: Filled, tmp_path: Path) -> None:
    assert_store_ok(tmp_path / "other")


def test_what_was_looked_at_is_counted(filled: Filled) -> None:
    looked_at = check_workspace(filled.workspace).looked_at
    assert {name: looked_at[name] for name in ("results", "runs", "tries", "specs", "snapshots", "manifests", "datasets")} == {
        "results": 2,
        "runs": 1,
        "tries": 2,
        "specs": 1,
        "snapshots": 1,
        "manifests": 3,
        "datasets": 1,
    }


def test_what_cannot_be_read_now_is_trouble_and_not_damage(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: a refusal says nothing about what is there."""
    read = filled.workspace.store.read

    def refused(path: str) -> bytes:
        if "/results/" in path or path.endswith("/run.json"):
            raise DatastoreUnavailableError("403: the credentials have expired")
        return read(path)

    monkeypatch.setattr(filled.workspace.store, "read", refused)

    findings = check_workspace(filled.workspace)

    assert {item.check for item in findings.found} == {Check.UNAVAILABLE}
    assert (len(findings.troubles), findings.exit_code) == (3, 3)
    assert repair_workspace(filled.workspace, findings) == []


def test_what_goes_away_between_listing_and_reading_ends_nothing_but_its_own_part(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    read = filled.workspace.store.read
    log = layout.log_folder("computes", "cpu")

    def gone(path: str) -> bytes:
        if path.startswith(log):
            raise FileNotFoundError(path)
        return read(path)

    monkeypatch.setattr(filled.workspace.store, "read", gone)
    findings = check_workspace(filled.workspace)
    assert [(item.check, item.where) for item in findings.found] == [(Check.UNAVAILABLE, log)]


def test_a_datastore_that_cannot_be_opened_here_is_trouble_and_repairs_nothing(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: a machine without the login must not set results aside that are sound."""

    def refused(name: str) -> None:
        raise UnknownNameError(f"datastore {name!r}: there is no connection 'lake'")

    monkeypatch.setattr(filled.workspace.datastores, "open", refused)
    findings = check_workspace(filled.workspace)
    assert (findings.exit_code, {item.check for item in findings.found}) == (3, {Check.UNAVAILABLE})
    assert repair_workspace(filled.workspace, findings) == []


def test_a_datastore_that_cannot_be_opened_keeps_nobody_from_looking_at_the_others(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        filled.workspace.datastores.register(name, DatastoreRecord(name=name, url="s3://bucket/x", conn_id="elsewhere"))
    real = filled.workspace.datastores.open

    def opened(name: str) -> Store:
        if name in {"a", "b"}:
            raise UnknownNameError(f"datastore {name!r}: there is no connection 'elsewhere'")
        return real(name)

    monkeypatch.setattr(filled.workspace.datastores, "open", opened)
    findings = check_workspace(filled.workspace)
    assert (findings.exit_code, [item.where for item in findings.found]) == (3, ["datastore 'a'", "datastore 'b'"])


def test_trouble_in_listing_is_trouble_and_not_a_lost_tombstone(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    altered_output(filled)
    filled.run_again()
    filled.put(f"{layout.key_folder(filled.key)}/bad/{NUMBER_ONE}", "{}")
    list_names = filled.workspace.store.list_names

    def refused(folder: str) -> list[str]:
        if folder.endswith("/bad"):
            raise DatastoreUnavailableError("503: slow down")
        return list_names(folder)

    monkeypatch.setattr(filled.workspace.store, "list_names", refused)
    assert {item.check for item in check_workspace(filled.workspace).found} == {Check.UNAVAILABLE}


def test_a_result_that_was_set_aside_may_be_as_damaged_as_it_likes(filled: Filled) -> None:
    """R28: what nobody trusts breaks no promise."""
    lost_output(filled)
    repair_workspace(filled.workspace, check_workspace(filled.workspace))
    cut(filled, f"{filled.results}/{NUMBER_ONE}")

    findings = check_workspace(filled.workspace)

    assert (findings.exit_code, [item.check for item in findings.found]) == (0, [Check.DATASET_DATA_GONE])


def test_a_secret_is_never_repeated(filled: Filled) -> None:
    """S11."""
    filled.put(f"{filled.run}/tags/00000002.json", f'{{"url": "https://x?sv=1&{SECRET}"}}')
    findings = check_workspace(filled.workspace, canaries=[SECRET])
    assert {item.check for item in findings.breaches} == {Check.SECRET, Check.CANARY}
    assert SECRET not in str(findings.to_json())


def test_a_quick_check_compares_sizes_only(filled: Filled) -> None:
    altered_output(filled)
    is_folder = filled.workspace.datastores.open("workspaceblobstore").local_path("") is not None
    assert bool(check_workspace(filled.workspace, depth="quick").breaches) is not is_folder
    filled.workspace.datastores.open("workspaceblobstore").put(f"{filled.output.path}/data.txt", b"longer than before")
    assert [item.check for item in check_workspace(filled.workspace, depth="quick").breaches] == [Check.OUTPUT_DAMAGED]


def test_a_quick_check_of_a_whole_workspace_is_clean(filled: Filled) -> None:
    assert check_workspace(filled.workspace, depth="quick").found == ()


def test_damaged_results_are_set_aside_and_their_steps_run_again(filled: Filled) -> None:
    """R28, R29, R31: after the repair the workspace is clean, and a fresh run ends well."""
    altered_output(filled)
    findings = check_workspace(filled.workspace)

    ((finding, done),) = repair_workspace(filled.workspace, findings)

    assert (finding.check, done) == (Check.OUTPUT_DAMAGED, "result 1 was set aside; its step runs again")
    assert repair_workspace(filled.workspace, findings) == [(finding, done)], "twice is fine"
    assert_store_ok(filled.workspace)
    again = filled.run_again()
    assert {step: tries[0].finished.reused for step, tries in filled.workspace.runs.steps(again).items() if tries[0].finished} == {
        "prepare": True,
        "train": False,
    }
    assert_store_ok(filled.workspace)


@pytest.mark.parametrize("damage", ["gone", "half"])
def test_a_lost_manifest_is_written_again_from_an_output_that_is_intact(filled: Filled, damage: str) -> None:
    path = layout.manifest_path(filled.output.digest)
    before = filled.text(path)
    if damage == "gone":
        filled.remove(path)
    else:
        cut(filled, path)

    repair_workspace(filled.workspace, check_workspace(filled.workspace))

    assert filled.text(path) == before
    assert_store_ok(filled.workspace)
    assert [number for number, _ in filled.workspace.results.candidates(filled.key)] == [1]


def test_a_result_that_is_torn_is_set_aside(filled: Filled) -> None:
    cut(filled, f"{filled.results}/{NUMBER_ONE}")
    repair_workspace(filled.workspace, check_workspace(filled.workspace))
    assert_store_ok(filled.workspace)


def test_a_missing_id_of_a_dataset_is_written(filled: Filled) -> None:
    record = filled.workspace.datasets.get("model")
    filled.remove(dataset_id(filled))
    repair_workspace(filled.workspace, check_workspace(filled.workspace))
    assert filled.workspace.datasets.find_id(record.id) == record
    assert check_workspace(filled.workspace).found == ()


def test_what_a_killed_process_left_is_a_note_with_its_age(filled: Filled) -> None:
    store = filled.workspace.store.local_path("")
    if store is None:
        assert check_workspace(filled.workspace).found == (), "a store of objects has no half-written ones"
        return
    left = store / "workspaceblobstore" / "azureml" / ".amlpipe-tmp-0123"
    left.mkdir()
    (left / "half").write_bytes(b"1234")
    (store / filled.run / "steps" / "train" / "0002-0190").mkdir()

    findings = check_workspace(filled.workspace)

    assert findings.exit_code == 0
    assert [(item.check, item.where.rpartition("/")[2], item.problem) for item in findings.notes] == [
        (Check.RUN_RECORD_MISSING, "0002-0190", "the folder holds nothing"),
        (Check.UNFINISHED_WRITE, ".amlpipe-tmp-0123", "4 bytes, 0 seconds old"),
    ]
