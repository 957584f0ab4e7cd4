"""What does the caller want reused in this run?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten

__all__ = ["ReusePolicy"]

_FORMS = "auto, refresh, refresh-from:STEP, require"


@dataclass(frozen=True, slots=True)
class ReusePolicy:
    """How reuse is decided in one run.

    - ``auto``: reuse what can be reused
    - ``refresh``: run every step (SDK v1's ``regenerate_outputs=True``)
    - ``refresh-from:STEP``: run that step and those that follow from it, reuse the others
    - ``require``: fail rather than compute
    """

    mode: Literal["auto", "refresh", "refresh-from", "require"] = "auto"
    from_step: str | None = None

    @classmethod
    def parse(cls, text: str) -> ReusePolicy:
        """Return the policy that ``text`` names.

        :raises DefinitionError: it names none
        """
        mode, colon, step = text.partition(":")
        if mode == "refresh-from" and step:
            return cls("refresh-from", step)
        if not colon and mode in {"auto", "refresh", "require"}:
            return cls(mode)  # type: ignore[arg-type]  # checked on the line above
        raise DefinitionError(f"the reuse policy {shorten(repr(text))} is not known; use one of: {_FORMS}")

    def __str__(self) -> str:
        return f"refresh-from:{self.from_step}" if self.mode == "refresh-from" else self.mode

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
