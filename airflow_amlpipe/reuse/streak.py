"""Does one thing alone make a step run, again and again?

Then the author probably does not mean it to: a build id among the arguments, a log in the source folder, a time in what an earlier step writes.
"""

from __future__ import annotations

from airflow_amlpipe.reuse.subject import Subject
from airflow_amlpipe.spec.model import SpecModel

__all__ = ["Streak", "continue_streak"]


class Streak(SpecModel):
    """One thing that was all that changed since the run before, in each of the last ``runs`` runs of a step.

    :ivar component: the part of the key it belongs to
    :ivar where: names it within the component; of an input, the input
    :ivar name: what people call it
    """

    component: str
    where: str
    name: str
    runs: int

    @property
    def advice(self) -> str | None:
        """What the author can do, ``None`` where the change is what a step is there for: new code, new data."""
        if self.component == "arguments":
            return "if it does not influence the outputs, declare it volatile: Volatile(...) in arguments=[...]"
        if self.component == "parameters":
            return "if it does not influence the outputs, declare it volatile: PipelineParameter(..., volatile=True), or Volatile(...) in params"
        if self.component == "code":
            is_source = not self.where or self.where.endswith(".py")
            return None if is_source else "if the script does not read it, name it in .amlignore"
        if self.component == "inputs":
            return "nothing that goes into that step changed: let it write sorted, seed what is random, and leave times out"
        if self.component == "outputs":
            return "leave the destination as it is; {run-id} in it keeps the runs apart"
        if self.component == "environment" and self.where.startswith("variables."):
            return "if it does not influence the outputs, hand it over as a volatile argument"
        return "leave it as it is until the step is to be computed again"

    def sentence(self, at_least: int) -> str | None:
        """Return the warning, ``None`` if there is none to give: too short, or no advice.

        :param at_least: runs from which on it is given; 0 for never
        """
        if not 0 < at_least <= self.runs or self.advice is None:
            return None
        runs = f"each of the last {self.runs} runs" if self.runs > 1 else "the last run"
        return f"{self.name} changed in {runs} and alone made this step run; {self.advice}"


def continue_streak(subject: Subject, before: Streak | None) -> Streak:
    """Return the streak of ``subject``, which changed since the run whose streak was ``before``."""
    goes_on = before is not None and (before.component, before.where) == (subject.component, subject.where)
    runs = before.runs + 1 if before is not None and goes_on else 1
    return Streak(component=subject.component, where=subject.where, name=subject.name, runs=runs)
