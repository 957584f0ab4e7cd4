"""What made steps run: which component of the key, and which argument, parameter or file of it?

Each try that ran for want of a result is compared with the nearest of the tries before it, as ``amlpipe explain`` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.step import KeyManifest
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.explain import Listing, compare_keys, nearest
from airflow_amlpipe.reuse.subject import Subject, subjects_of
from airflow_amlpipe.workspace.history import key_manifest_of
from airflow_amlpipe.workspace.records import StepFinished

__all__ = ["Cause", "Causes"]

_MOST_TRIES: Final = 20
_FIRST = "it is the first run of the step among these runs"
_NO_RESULT = "an earlier run had the same key, but left no result"


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that made steps run.

    :ivar component: of the key; ``""`` where the key is not the reason
    :ivar what: in the author's words
    :ivar count: how many tries it made run, with others or alone
    :ivar alone: how many of them alone
    """

    component: str
    what: str
    pipeline: str
    step: str
    count: int
    alone: int

    def to_json(self) -> dict[str, Any]:
        """Return the cause as plain data."""
        return {
            "component": self.component,
            "what": self.what,
            "pipeline": self.pipeline,
            "step": self.step,
            "count": self.count,
            "alone": self.alone,
        }


@dataclass
class Causes:
    """Counts what made steps run; is shown every try, oldest first."""

    listing: Listing
    _earlier: defaultdict[tuple[str, str], deque[KeyManifest]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_MOST_TRIES))
    )
    _counts: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    _alone: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    _listings: dict[str, Any] = field(default_factory=dict)

    def see(self, pipeline: str, finished: StepFinished) -> None:
        """Count what made this try run, if it did."""
        manifest = key_manifest_of(finished)
        if manifest is None:
            return
        earlier = self._earlier[pipeline, finished.step_id]
        if finished.reason is not None and not finished.reused:
            self._count(pipeline, finished, self._found(finished, manifest, earlier))
        earlier.appendleft(manifest)

    def most_frequent(self) -> tuple[Cause, ...]:
        """Return the causes, the most frequent first."""
        found = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Cause(*place, count=count, alone=self._alone[place]) for place, count in found)

    def _found(self, finished: StepFinished, manifest: KeyManifest, earlier: Iterable[KeyManifest]) -> list[tuple[str, str]]:
        if finished.reason != Reason.NO_RECORD.name:
            known = Reason.__members__.get(finished.reason or "")
            if known is Reason.ANSWERS_CHANGED and finished.changed:
                return [("", f"what its script asked for has changed: {shorten(finished.changed, 160)}")]
            return [("", known.value.removeprefix("ran: ") if known else shorten(str(finished.reason), 80))]
        best = nearest(manifest, earlier)
        if best is None:
            return [("", _FIRST)]
        subjects = subjects_of(compare_keys(best, manifest, self._listing_of_code(best, manifest)), manifest)
        return list(dict.fromkeys((item.component, _name(item, finished)) for item in subjects)) or [("", _NO_RESULT)]

    def _count(self, pipeline: str, finished: StepFinished, found: list[tuple[str, str]]) -> None:
        for component, what in found:
            place = (component, what, pipeline, finished.step_name)
            self._counts[place] += 1
            self._alone[place] += len(found) == 1

    def _listing_of_code(self, *manifests: KeyManifest) -> Listing:
        """Name changed files of the source; of data, which may be many files and was written by somebody else, the input is enough."""
        snapshots = {str(manifest.components["code"].readable) for manifest in manifests}

        def listing(digest: str) -> Any:
            if digest not in snapshots:
                return None
            if digest not in self._listings:
                self._listings[digest] = self.listing(digest)
            return self._listings[digest]

        return listing


def _name(subject: Subject, finished: StepFinished) -> str:
    writer = finished.inputs_from.get(subject.where)
    return f"{subject.name}, which step {shorten(repr(writer), 80)} wrote" if subject.component == "inputs" and writer else subject.name
