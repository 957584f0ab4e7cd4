"""What does the caller want reused in this run?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.spec.duration import DURATION_FORMS, duration_text, parse_duration

__all__ = ["ReusePolicy"]

_FORMS = f"auto, refresh, refresh-from:STEP, require; all but refresh take a limit, as in auto,max-age:7d, and max-age:7d alone means the same (an age is {DURATION_FORMS})"
_MAX_AGE = "max-age"


@dataclass(frozen=True, slots=True)
class ReusePolicy:
    """How reuse is decided in one run.

    - ``auto``: reuse what can be reused
    - ``refresh``: run every step (SDK v1's ``regenerate_outputs=True``)
    - ``refresh-from:STEP``: run that step and those that follow from it, reuse the others
    - ``require``: fail rather than compute

    Each but ``refresh`` may be followed by ``,max-age:AGE``: results that were computed longer ago are not reused; ``max-age:AGE`` alone is
    short for ``auto,max-age:AGE``.
    """

    mode: Literal["auto", "refresh", "refresh-from", "require"] = "auto"
    from_step: str | None = None
    max_age_seconds: int | None = None

    @classmethod
    def parse(cls, text: str) -> ReusePolicy:
        """Return the policy that ``text`` names.

        :raises DefinitionError: it names none
        """
        asked, max_age = text, None
        before, comma, last = text.rpartition(",")
        if last.startswith(f"{_MAX_AGE}:"):
            asked = before if comma else "auto"
            max_age = parse_duration(f"the reuse policy {shorten(repr(text))}", last.removeprefix(f"{_MAX_AGE}:"))
        mode, colon, step = asked.partition(":")
        if mode == "refresh-from" and step:
            return cls("refresh-from", step, max_age)
        if not colon and (mode in {"auto", "require"} or (mode == "refresh" and max_age is None)):
            return cls(mode, max_age_seconds=max_age)  # type: ignore[arg-type]  # checked on the line above
        raise DefinitionError(f"the reuse policy {shorten(repr(text))} is not known; use one of: {_FORMS}")

    def __str__(self) -> str:
        mode = f"refresh-from:{self.from_step}" if self.mode == "refresh-from" else self.mode
        if self.max_age_seconds is None:
            return mode
        limit = f"{_MAX_AGE}:{duration_text(self.max_age_seconds)}"
        return limit if mode == "auto" else f"{mode},{limit}"

    def check_step(self, step_ids: Collection[str]) -> None:
        """:raises UnknownNameError: the policy names a step that the pipeline does not have."""
        if self.mode == "refresh-from" and self.from_step not in step_ids:
            known = ", ".join(sorted(step_ids))
            raise UnknownNameError(
                f"the reuse policy names step {shorten(repr(self.from_step))}; the pipeline's steps are: {shorten(known, 600)}"
            )

    def forces(self, step_id: str, ancestors: Collection[str]) -> bool:
        """Whether the step has to run whatever was computed before; ``ancestors`` are all steps it follows from."""
        return self.mode == "refresh" or (self.mode == "refresh-from" and (step_id == self.from_step or self.from_step in ancestors))
