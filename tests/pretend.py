"""A run without Airflow and without processes: every step is assessed, recorded and committed as the operator would, its script pretended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.runtime.linking import LINK_FILE
from airflow_amlpipe.services.plan import ancestors_of
from airflow_amlpipe.services.sources import freeze_sources
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.workspace.assessment import assess_step
from airflow_amlpipe.workspace.ids import new_run_id, now_text
from airflow_amlpipe.workspace.records import RunRecord
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.streak import count_streak
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["pretend_run", "write_source"]

Writer = Callable[[str, str], bytes]


def write_source(base: Path, *, script: str = "train.py", text: str = "print('trained')\n") -> Path:
    """Write the source folder that ``tests.builders.a_step`` names below ``base``."""
    folder = base / "src"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / script).write_text(text)
    return folder


def pretend_run(
    workspace: WorkspaceStore,
    spec: PipelineSpec,
    base: Path,
    *,
    experiment: str = "pretended",
    parameters: Mapping[str, object] | None = None,
    policy: str = "auto",
    write: Writer = lambda step_id, output: f"{step_id} {output}".encode(),
    fail: str | None = None,
    error: BaseException | None = None,
    log: Mapping[str, str] | None = None,
    source: Mapping[str, dict[str, dict[str, object]]] | None = None,
    ask: Mapping[str, Callable[[WorkspaceStore], Told]] | None = None,
) -> str:
    """Carry out ``spec`` and return the id of its run.

    :param write: what the script of a step writes as one of its outputs
    :param fail: id of the step whose script fails; the steps after it do not start
    :param error: how it fails, if not by falling over
    :param log: what the script of a step prints, by step id
    :param source: git state by source folder that a step found, by step id
    :param ask: what the script of a step asks for by itself, by step id
    """
    frozen = freeze_sources(workspace, spec, base, limit_bytes=10**9, limit_files=10**5)
    frozen.store(workspace)
    bound = spec.bind_parameters(dict(parameters or {}))
    chosen = ReusePolicy.parse(policy)
    ancestors = ancestors_of(spec)
    run_id = new_run_id()
    order = frozen.spec.in_order()
    workspace.runs.create(
        RunRecord(
            run_id=run_id,
            pipeline=spec.name,
            experiment=experiment,
            created_at=now_text(),
            spec=workspace.put_spec(frozen.spec),
            step_ids=tuple(step.id for step in order),
            step_names={step.id: step.name for step in order},
            parameters=bound,
            policy=policy,
        )
    )
    written: dict[str, Mapping[str, StoredOutput]] = {}
    for step in order:
        run = StepRun(workspace, spec.name, run_id, step, try_number=1, source=(source or {}).get(step.id, {}))
        run.start()
        assessment = assess_step(
            workspace,
            step,
            snapshot=step.source.snapshot or "",
            parameters=bound,
            upstream=written,
            policy=chosen,
            ancestors=ancestors[step.id],
        )
        if log and step.id in log:
            workspace.store.put(f"{run.folder}/logs/stdout.txt", log[step.id].encode())
        run.streak = count_streak(workspace, assessment, pipeline=spec.name, run_id=run_id)
        if assessment.decision.result is not None:
            finished = run.finish_reused(assessment, assessment.decision.result)
        elif step.id == fail:
            run.finish_failed(error or ValueError("the script fell over"), assessment)
            workspace.runs.finish(run_id, "Failed", f"step {step.id!r} failed")
            return run_id
        else:
            produced = {}
            for output in step.outputs:
                folder = workspace.home / "pretended" / run_id / step.id / output.name
                folder.mkdir(parents=True)
                (folder / (LINK_FILE if output.mode == "link" else "data.txt")).write_bytes(write(step.id, output.name))
                produced[output.name] = folder
            told = (ask[step.id](workspace),) if ask and step.id in ask else ()
            finished = run.finish_ran(assessment, produced, told=told)
        written[step.id] = finished.outputs
    workspace.runs.finish(run_id, "Finished")
    return run_id
