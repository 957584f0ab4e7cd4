"""How does a task wait for another run without holding a worker slot?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from airflow_amlpipe.triggers.claim import ClaimTrigger

if TYPE_CHECKING:
    from airflow_amlpipe.operators.execution import StepExecution
    from airflow_amlpipe.operators.step import StepOperator

__all__ = ["defer_until_over"]

# The trigger gives up by itself. This is for when no triggerer runs it: then Airflow's scheduler wakes the task, which computes the step.
_LATER: Final = timedelta(seconds=60)


def defer_until_over(task: StepOperator, step: StepExecution) -> NoReturn:
    """End this process, and let Airflow start the task again when whoever computes the step has a result, has ended, or is dead."""
    run, waited = step.run, step.flight.waited
    trigger = ClaimTrigger(
        workspace=task.workspace,
        key=step.assessment.key,
        newest_seen=step.assessment.decision.newest_seen,
        run_id=run.run_id,
        step_id=run.step.id,
        step_run_id=run.step_run_id,
        ttl_seconds=step.settings.claim_ttl_seconds,
        max_wait_seconds=step.settings.claim_max_wait_seconds,
        waited_seconds=waited.seconds if waited else 0.0,
        conn_id=task.workspace_conn_id,
    )
    task.defer(trigger=trigger, method_name="go_on", timeout=timedelta(seconds=step.flight.seconds_left) + _LATER)
