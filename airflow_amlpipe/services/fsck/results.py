"""Is every result what it says, and is what it names still there? (I1, I4, and the logs of the keys: I2)"""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.fingerprint.content import size_of
from airflow_amlpipe.fingerprint.scan import scan_tree
from airflow_amlpipe.reuse.result import StepResult, StoredOutput
from airflow_amlpipe.reuse.told import NOTHING
from airflow_amlpipe.services.fsck.contents import listing_problem
from airflow_amlpipe.services.fsck.findings import Check, Repair
from airflow_amlpipe.services.fsck.survey import Survey, Unreadable, entry_number
from airflow_amlpipe.workspace.layout import key_folder, keys_folder, manifest_path
from airflow_amlpipe.workspace.results import ResultLog

__all__ = ["check_results"]

_KEY = re.compile(r"[0-9a-f]{64}")
_KINDS = {"results", "bad", "claims", "beats"}


def check_results(survey: Survey, results: ResultLog, *, quick: bool) -> None:
    """Look at every key.

    :param results: how outputs are compared with what was recorded of them
    :param quick: compare sizes only, where this machine can read the datastore directly
    """
    keys: list[tuple[str, str]] = []

    def list_keys(two: str) -> None:
        for key in survey.names(f"{keys_folder()}/{two}"):
            if _KEY.fullmatch(key) and key[:2] == two:
                keys.append((key_folder(key), key))
            else:
                survey.report(Check.FOREIGN_NAME, f"{keys_folder()}/{two}/{key}", f"{shorten(repr(key))} is no key")

    def list_all() -> None:
        survey.each(list_keys, [(f"{keys_folder()}/{two}", two) for two in survey.names(keys_folder())], "keys")

    survey.guarded(keys_folder(), list_all)
    find_damage = (lambda result: _find_size_problem(survey, results, result)) if quick else results.find_problem
    survey.each(
        lambda key: _check_key(survey, lambda result: find_damage(result) or _find_lost_link(results, result), key), sorted(keys), "results"
    )


def _check_key(survey: Survey, find_problem: Callable[[StepResult], str | None], key: str) -> None:
    folder = key_folder(key)
    names = survey.names(folder)
    for name in names:
        if name not in _KINDS:
            survey.report(Check.FOREIGN_NAME, f"{folder}/{name}", f"{shorten(repr(name))} is no part of a key")
    # A key whose results are all gone is cleared away from its first entry on; then numbers go on from the last.
    if "claims" in names:
        survey.log(f"{folder}/claims", from_one=False, marks=".released.json")
    numbers = survey.log(f"{folder}/results", from_one=False)
    bad = {entry_number(name) for name in (survey.names(f"{folder}/bad") if "bad" in names else ())}
    for number in sorted(item for item in bad if item is not None and numbers and item > numbers[-1]):
        survey.report(
            Check.TOMBSTONE_LOST, f"{folder}/bad/{number:08d}.json", f"it says that result {number} is bad, and the newest is {numbers[-1]}"
        )
    for number in numbers:
        if number not in bad:
            _check_result(survey, find_problem, key, number)


def _check_result(survey: Survey, find_problem: Callable[[StepResult], str | None], key: str, number: int) -> None:
    path = f"{key_folder(key)}/results/{number:08d}.json"
    repair = Repair("set_aside", number, key=key)
    survey.count("results")
    result = survey.record(StepResult, path, Check.RESULT_UNREADABLE, repair)
    if result is None:
        return
    if result.key != key:
        survey.report(Check.RESULT_UNREADABLE, path, f"it is a result of key {shorten(result.key, 20)}", repair)
        return
    for output in result.outputs.values():
        if result.step_run_id not in output.path:
            shown = f"output {output.name!r} at {shorten(repr(output.path))} on datastore {output.datastore!r}"
            survey.report(Check.RESULT_ELSEWHERE, path, f"{shown} is not at a place of its step run {result.step_run_id}", repair)
            return
    if _are_manifests_sound(survey, result, path, number):
        problem = find_problem(result)
        if problem is not None:
            survey.report(Check.OUTPUT_DAMAGED, path, f"step {result.step_name!r} of pipeline {result.pipeline!r}: {problem}", repair)


def _are_manifests_sound(survey: Survey, result: StepResult, path: str, number: int) -> bool:
    is_sound = True
    for output in result.outputs.values():
        manifest = manifest_path(output.digest)
        body = survey.read(manifest)
        unreadable = Unreadable("it is not there") if body is None else listing_problem(body, output.digest)
        if unreadable is not None:
            said = Unreadable(f"{unreadable.problem}; {path} names it for output {output.name!r}", unreadable.is_newer)
            mend = Repair("set_aside", number, key=result.key, digest=output.digest)
            survey.report_unreadable(said, manifest, Check.MANIFEST_GONE, mend)
            is_sound = False
    return is_sound


def _find_size_problem(survey: Survey, results: ResultLog, result: StepResult) -> str | None:
    for output in result.outputs.values():
        problem = _size_problem(survey, output)
        if problem is not None:
            return problem
    is_remote = any(survey.workspace.datastores.open(output.datastore).local_path("") is None for output in result.outputs.values())
    return results.find_problem(result) if is_remote else None


def _find_lost_link(results: ResultLog, result: StepResult) -> str | None:
    """Data that is another now is its author's affair; that there is none may be ours."""
    change = results.find_changed_link(result)
    return change.sentence if change is not None and change.now == NOTHING else None


def _size_problem(survey: Survey, output: StoredOutput) -> str | None:
    where = f"output {output.name!r} at {output.path!r} on datastore {output.datastore!r}"
    try:
        place = survey.workspace.datastores.open(output.datastore).local_path(output.path)
        if place is None:
            return None
        scan = scan_tree(place)
        manifest = survey.workspace.get_manifest(output.digest)
    except FileNotFoundError:
        return f"{where} is gone"
    except DefinitionError as error:
        return f"{where} is not what was written: {error}"
    except ProtocolError as error:
        return f"{where}: {error}"
    found = {f"{folder.path}/{name}".lstrip("/"): size_of(token) for folder in scan.folders for name, _, token in folder.files()}
    wanted = {file.path: file.size for file in manifest.files}
    if scan.is_file and manifest.is_file:
        found, wanted = dict.fromkeys(("",), *found.values()), dict.fromkeys(("",), *wanted.values())
    for path in sorted({*found, *wanted}):
        if found.get(path) != wanted.get(path):
            return f"{where} was altered: {shorten(repr(path))} has {found.get(path, 'no')} bytes, written were {wanted.get(path, 'none')}"
    return None
