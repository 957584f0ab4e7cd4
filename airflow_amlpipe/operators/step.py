"""What does Airflow run for one step of a pipeline?

Five verbs: identify, decide, launch, wait, record. What each of them means is settled below this folder; here they are put in order and
shown in Airflow. Every task process imports this module, so whatever costs time is imported when the task executes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_amlpipe.operators.links import ProducedByLink

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import jinja2
    from airflow.sdk import BaseOperatorLink
    from airflow.sdk.definitions.context import Context

    from airflow_amlpipe.operators.execution import StepExecution
    from airflow_amlpipe.operators.single_flight import Waited

__all__ = ["StepOperator"]


class StepOperator(BaseOperator):
    """Runs one step of an Azure ML pipeline, or hands on the outputs of an earlier run of the same step.

    A reused step ends in success with outputs, asset events and datasets as if it had run. ``reuse_status`` (Rendered Templates), the task
    state store and the link "Produced by" say which of the two happened.

    The definition is carried as text that Airflow neither renders nor serialises: braces in an argument stay braces, and a DAG of a
    thousand steps stays small.

    :param step_json: the ``StepSpec`` as JSON
    :param pipeline_json: the ``PipelineOutline`` as JSON
    :param workspace: root URL of the workspace
    :param workspace_conn_id: id of the connection to log in with to a workspace that is no folder; without it, the setting of this name
    :param source_base: folder that a relative source folder starts from; ``None`` is the folder of the DAG file, wherever the worker has it
    """

    template_fields: Collection[str] = ("reuse_status",)
    overwrite_rtif_after_execution = True
    operator_extra_links: Collection[BaseOperatorLink] = (ProducedByLink(),)
    shallow_copy_attrs: Sequence[str] = ("_execution",)
    ui_color: ClassVar[str] = "#e4f0fb"  # type: ignore[misc]  # Airflow reads it from the class

    produced_by_url: str = ""
    _execution: StepExecution | None = None

    def __init__(
        self,
        *,
        step_json: str,
        pipeline_json: str,
        workspace: str,
        workspace_conn_id: str | None = None,
        source_base: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.step_json = step_json
        self.pipeline_json = pipeline_json
        self.workspace = workspace
        self.workspace_conn_id = workspace_conn_id
        self.source_base = source_base
        # Part of the serialised DAG, so that a changed definition is a new version of the DAG for Airflow too.
        self.reuse_status = f"not decided yet (definition {hashlib.sha256(step_json.encode()).hexdigest()[:12]})"

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:  # noqa: ARG002  # Airflow's signature
        """Render nothing: nothing here is a template.

        Nor is there anything to show before the step is decided and linked, and each thing that Airflow is told costs the task a request
        of about 8 ms; so the fields and links of the class are taken up again when they have something to say.
        """
        self.template_fields = self.operator_extra_links = ()

    def execute(self, context: Context) -> dict[str, Any]:
        """Run or reuse the step; the returned XCom holds ids and digests only."""
        return self._carry_out(context)

    def go_on(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Decide anew, from the beginning: the wait for another run that computes the same step is over."""
        from airflow_amlpipe.operators.single_flight import Waited

        return self._carry_out(context, Waited.heard(event))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on as Airflow asks; a trigger that failed or timed out is no reason to fail, only to wait no longer."""
        from airflow_amlpipe.version_compat import TRIGGER_FAIL_REPR

        if next_method == TRIGGER_FAIL_REPR:
            self.log.warning("step waits no longer, because its trigger ended without a word: %s", next_kwargs)
            return self.go_on(context)
        return super().resume_execution(next_method, next_kwargs, context)

    def _carry_out(self, context: Context, waited: Waited | None = None) -> dict[str, Any]:
        from airflow_amlpipe.spec.bulk import collector_paused

        with collector_paused():
            from airflow_amlpipe.operators.errors import translated
            from airflow_amlpipe.operators.opening import open_execution
            from airflow_amlpipe.operators.showing import show_decision, show_end

        self.template_fields = type(self).template_fields
        with translated():
            self._execution = step = open_execution(self, context, waited)
            with step.bad_end_recorded():
                step.identify()
                decision = step.decide().decision
                show_decision(self, step)
                if step.obstacle is not None:
                    step.pause()
                elif decision.result is not None:
                    finished = step.reuse(decision.result)
                else:
                    finished = step.carry_out()
            if step.obstacle is not None:
                from airflow_amlpipe.operators.waiting import defer_until_over

                defer_until_over(self, step)
            return show_end(self, context, step.workspace, finished)

    def on_kill(self) -> None:
        """End the step's job: the task was cancelled, cleared, marked by hand, timed out, or its worker shuts down."""
        if self._execution is not None:
            self._execution.stop()
