"""Would a script be told the same now as when its result was computed?

What a script asks its host for while it runs is in no key, because the key is made before the script runs. So each answer's identity is kept
with the result, and compared with what the same question is answered now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_amlpipe.spec.model import SpecModel, added_later

__all__ = ["NOTHING", "Change", "Told", "find_change"]

NOTHING: Final = "nothing"
"""Said of a question that is answered with: there is none."""

# What is different where the words for both answers are the same.
_ALTERED: Final = {
    "dataset": "its description or its tags are others",
    "dataset-data": "its content is another",
    "datastore": "it is registered otherwise",
    "datastore-download": "their content is another",
    "environment": "it is defined otherwise",
    "models": "what is said of one of them is something else",
    "run": "it logged something else, or has other tags",
}


class Told(SpecModel):
    """A question of a script, and what identifies the answer that it got.

    :ivar verb: of ``runtime.questions.VERBS``
    :ivar arguments: what was asked with it
    :ivar what: the thing that was asked for, in the author's words
    :ivar answer: in a few words, for people
    :ivar digest: equal for equal answers; ``""`` where there was nothing to be had
    :ivar within: the pipeline's run, of a question for the run of a step: nobody has to search all runs for it again
    :ivar dataset_id: of the dataset that was found, by which the script asks for its data; another version that is the same has another
    """

    verb: str
    arguments: dict[str, str | int | None]
    what: str
    answer: str
    digest: str
    within: str | None = added_later(None)
    dataset_id: str | None = added_later(None)

    @property
    def is_of_latest_dataset(self) -> bool:
        """Whether it depends on which version of a dataset is the latest."""
        return self.verb == "dataset" and self.arguments.get("id") is None and self.arguments.get("version") is None


@dataclass(frozen=True, slots=True)
class Change:
    """A script would be told something else now.

    :ivar what: the thing that was asked for
    :ivar was: the answer then, in words
    :ivar now: the answer now; the same words where these do not tell the two apart
    """

    verb: str
    what: str
    was: str
    now: str

    @property
    def sentence(self) -> str:
        """The change as people read it."""
        if self.was != self.now:
            return f"{self.what}: {self.was} -> {self.now}"
        return f"{self.what}: {self.was}, but {_ALTERED.get(self.verb, 'it is something else now')}"


def find_change(then: Told, now: Told) -> Change | None:
    """Return how the answer to one question differs, ``None`` when it is the same."""
    return None if then.digest == now.digest else Change(then.verb, then.what, then.answer, now.answer)
