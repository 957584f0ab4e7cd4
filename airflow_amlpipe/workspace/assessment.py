"""What is the key of this step in this run, and may an earlier result stand in for it?

The one caller of ``decide_reuse``. The operator asks here before it runs a step, ``plan`` asks for a whole pipeline, and a submission
asks to find out whether an engine is needed at all: the three can never disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_amlpipe.exceptions import ReuseRequiredError, shorten
from airflow_amlpipe.fingerprint.step import KeyManifest, step_key
from airflow_amlpipe.reuse.decision import Decision, decide_reuse
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.reuse.volatile import volatile_changes, volatile_values
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.asking_again import AskingAgain
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_input
from airflow_amlpipe.workspace.parameters import bind_step, scalars_read
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Assessment", "assess_step", "enforce"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A step of one run: what identifies it, and what was decided.

    :ivar step: with the data that the run's parameters name as the data of its inputs
    :ivar parameters: the values that the script is given as text
    :ivar volatile: values that the script is given although the key does not hold them, by their names for people
    """

    step: StepSpec
    snapshot: str
    parameters: Mapping[str, Scalar]
    inputs: Mapping[str, ResolvedInput]
    key_manifest: KeyManifest
    key: str
    decision: Decision
    volatile: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was decided, as people read it; of a result that was computed with other volatile values, with which."""
        result = self.decision.result
        changes = volatile_changes(result.volatile, self.volatile) if result is not None else ()
        return self.decision.sentence + (f"; it was computed with other volatile values: {'; '.join(changes)}" if changes else "")


def assess_step(
    workspace: WorkspaceStore,
    step: StepSpec,
    *,
    snapshot: str,
    parameters: Mapping[str, ParameterValue],
    upstream: Mapping[str, Mapping[str, StoredOutput]],
    policy: ReusePolicy,
    ancestors: Collection[str],
    run_id: str | None = None,
) -> Assessment:
    """Identify ``step`` and decide. Reads, and writes nothing but listings of input data.

    :param snapshot: digest of the source snapshot
    :param parameters: the pipeline's parameters in this run
    :param upstream: what the steps before this one wrote in this run, by step id and output name
    :param ancestors: ids of all steps this one follows from
    :param run_id: the run, if there is one yet
    :raises DefinitionError: an input's data is not there
    :raises DatastoreUnavailableError: something could not be read; that is neither a hit nor a miss
    """
    where = f"step {shorten(repr(step.name))}"
    step = bind_step(workspace, step, parameters)
    inputs = {
        # What is copied has to be there: a copy of nothing would look like one that went well.
        item.name: resolve_input(workspace, where, item, upstream, takes_empty_places=step.command.has_code)
        for item in step.inputs
    }
    read = scalars_read(step, parameters)
    manifest = step_key(
        step,
        snapshot=snapshot,
        parameters=read,
        inputs={name: item.digest for name, item in inputs.items()},
        definitions={item.name: inputs[item.name].defined_for(item.mode) for item in step.inputs},
    )
    key = manifest.key
    answers = AskingAgain(workspace)
    decision = decide_reuse(step, key, workspace.results, answers, policy=policy, ancestors=ancestors, now=datetime.now(UTC), run_id=run_id)
    return Assessment(step, snapshot, read, inputs, manifest, key, decision, volatile_values(step, read))


def enforce(workspace: WorkspaceStore, assessment: Assessment, policy: ReusePolicy) -> None:
    """Act on what was found before the step goes on: remember bad results, and stop where the policy allows no computing.

    :raises ReuseRequiredError: the policy is ``require`` and the step would have to run
    """
    for rejection in assessment.decision.rejected:
        workspace.results.mark_bad(assessment.key, rejection)
    if policy.mode == "require" and not assessment.decision.is_reused:
        raise ReuseRequiredError(
            f"step {shorten(repr(assessment.step.name))} would have to run, which the reuse policy 'require' does not allow: {assessment.decision.sentence.removeprefix('ran: ')}"
        )
