"""Which results are remembered under a key, and which of them can still be trusted?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.fingerprint.canonical import digest_bytes
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.reuse.result import StepResult, StoredOutput
from airflow_amlpipe.reuse.told import Change
from airflow_amlpipe.spec.datastores import is_web_folder
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.datastores import DatastoreRegistry
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import key_folder, manifest_path
from airflow_amlpipe.workspace.record_text import record_body
from airflow_amlpipe.workspace.verification import find_link_change, find_output_problem

__all__ = ["ResultLog"]


class ResultLog:
    """The results of every key; satisfies ``reuse.decision.ResultFinder``."""

    def __init__(
        self, store: Store, datastores: DatastoreRegistry, memo: HashMemo | None, get_manifest: Callable[[str], TreeManifest]
    ) -> None:
        self._store = store
        self._datastores = datastores
        self._memo = memo
        self._get_manifest = get_manifest

    def candidates(self, key: str) -> Iterator[tuple[int, StepResult]]:
        """Yield the results under ``key`` that nobody has found bad, newest first. One that cannot be read is passed over: it is no result."""
        yield from self._good(key, self._log(key).entries())

    def find_problem(self, result: StepResult) -> str | None:
        """Compare every output with what was recorded of it: nothing less than its content, or the versions its store gave its files."""
        for output in result.outputs.values():
            problem = self._problem_of(output)
            if problem is not None:
                return problem
        return None

    def find_changed_link(self, result: StepResult) -> Change | None:
        """Return the first data that an output is linked to and that changed since. It is its author's: the result is good for what it was."""
        for output in result.outputs.values():
            for place in output.linked:
                is_known = is_web_folder(place.datastore) or self._datastores.find(place.datastore) is not None
                store = self._datastores.open(place.datastore) if is_known else None
                change = find_link_change(store, output, place, self._memo)
                if change is not None:
                    return change
        return None

    def find_newer(self, key: str, *, after: int) -> StepResult | None:
        """Return the newest result that was stored under ``key`` after number ``after`` and that nobody has found bad; its outputs are not looked at."""
        return self._newest_good(key, self._log(key).entries(after=after))

    def publish(self, result: StepResult, *, after: int | None = None) -> StepResult:
        """Append ``result``, unless a good one was appended since the step was decided, and return the one that stands: this is the commit of a step.

        However many compute the same step at once, one of their results is stored. Everybody else's is as good, and stays their own; only where
        its script was told something else is it a result beside the other.

        :param after: number of the newest result that the decision was based on; ``None`` for a result that is to be newer than any
        :raises CommitUnknownError: nobody can say whether it was stored; retry the step, nothing was deleted
        """
        log = self._log(result.key)
        body = record_body(result)
        if after is None:
            log.append(body)
            return result
        while True:
            since = log.entries(after=after)
            # Ours among them: an earlier attempt stored it, and its answer was lost.
            standing = next((other for _, other in self._good(result.key, since) if other.told == result.told), None)
            if standing is not None:
                return standing
            if log.append_after(since[-1][0] if since else after, body):
                return result

    def is_trusted(self, result: StepResult) -> bool:
        """Whether ``result`` is still one that nobody has found bad; its outputs are not looked at."""
        return any(candidate.step_run_id == result.step_run_id for _, candidate in self.candidates(result.key))

    def mark_bad(self, key: str, rejection: Rejection) -> None:
        """Remember that a result was found bad, so that nobody trusts it again even if its files come back."""
        note = {"problem": rejection.problem, "found_at": now_text()}
        crash_point("result-found-bad")
        self._store.create_exclusive(f"{key_folder(key)}/bad/{rejection.number:08d}.json", json.dumps(note).encode())

    def _newest_good(self, key: str, entries: list[tuple[int, bytes]]) -> StepResult | None:
        return next((result for _, result in self._good(key, entries)), None)

    def _good(self, key: str, entries: list[tuple[int, bytes]]) -> Iterator[tuple[int, StepResult]]:
        bad = set(self._store.list_names(f"{key_folder(key)}/bad")) if entries else set()
        for number, body in reversed(entries):
            if f"{number:08d}.json" in bad:
                continue
            try:
                result = parse_model(StepResult, body, "result")
            except DefinitionError:
                continue
            if result.key == key:
                yield number, result

    def _problem_of(self, output: StoredOutput) -> str | None:
        try:
            self._datastores.get(output.datastore)
        except UnknownNameError as error:
            return f"output {output.name!r} cannot be found: {error}"
        problem = find_output_problem(self._datastores.open(output.datastore), output, self._get_manifest, self._memo)
        # Nobody can read an output without its list: steps that follow would fail for ever, so this is no hit.
        return problem or self._problem_of_list(output)

    def _problem_of_list(self, output: StoredOutput) -> str | None:
        where = f"output {output.name!r} at {output.path!r} on datastore {output.datastore!r} cannot be read by other steps: the list of its files"
        # Read twice before it is called damaged: one answer that came short must not set a good result aside for ever.
        for _ in range(2):
            try:
                body = self._store.read(manifest_path(output.digest))
            except FileNotFoundError:
                return f"{where} is not in the workspace any more"
            if digest_bytes(body) == output.digest:
                return None
        return f"{where} was altered or cut"

    def _log(self, key: str) -> AppendLog:
        return AppendLog(self._store, f"{key_folder(key)}/results")
