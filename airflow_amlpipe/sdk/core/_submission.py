"""How is a pipeline, a script or something published handed to the engine?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow_amlpipe.sdk._arguments import check_tags
from airflow_amlpipe.sdk._parsing import refuse_while_parsing
from airflow_amlpipe.sdk._workspace_store import as_user_error, check_workspace, home, workspace_url
from airflow_amlpipe.sdk.core._tags import tag_changes
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
    from airflow_amlpipe.sdk.pipeline.core.pipeline_endpoint import PipelineEndpoint
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

__all__ = ["run_pipeline", "run_published", "run_script"]


def run_pipeline(
    experiment: Experiment,
    pipeline: Pipeline,
    *,
    tags: dict[str, Any] | None = None,
    pipeline_parameters: dict[str, Any] | None = None,
    continue_on_step_failure: bool = False,
    regenerate_outputs: bool = False,
    parent_run_id: str | None = None,
    reuse_policy: str | None = None,
    kind: Literal["pipeline", "script"] = "pipeline",
) -> Any:
    """Run a pipeline in ``experiment`` and return its run at once.

    :raises DefinitionError: it is not sound, or a parameter is not known or of another type
    """
    refuse_while_parsing(f"submitting a {kind}")
    texts = _tags(experiment, tags)
    check_workspace(f"the pipeline submitted to experiment {experiment.name!r}", pipeline.workspace, experiment.workspace)
    from airflow_amlpipe.sdk.lowering_parameters import lower_submitted
    from airflow_amlpipe.services.submit import submit_pipeline

    source_base = Path.cwd()
    spec = pipeline._to_spec(experiment.name, source_base)
    parameters = lower_submitted(pipeline.workspace, spec, pipeline_parameters)
    policy = _policy(regenerate_outputs, reuse_policy)
    run_id = submit_pipeline(
        spec,
        workspace=pipeline.workspace._url,
        experiment=experiment.name,
        parameters=parameters,
        policy=policy,
        tags=texts,
        source_base=source_base,
        home=home(),
        continue_on_step_failure=bool(continue_on_step_failure),
        parent_run_id=parent_run_id,
        kind=kind,
    )
    if kind == "script":
        from airflow_amlpipe.sdk.core.script_run import ScriptRun

        return ScriptRun(experiment, run_id)
    from airflow_amlpipe.sdk.data.abstract_dataset import save_datasets
    from airflow_amlpipe.sdk.pipeline.core._printed import print_steps, print_submitted
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

    save_datasets([*(item for step in pipeline._steps for item in step._inputs), *(pipeline_parameters or {}).values()], pipeline.workspace)
    print_steps(spec, policy)
    run = PipelineRun(experiment, run_id)
    print_submitted(run)
    return run


def run_script(experiment: Experiment, config: Any, pipeline: Pipeline, tags: Any, **options: Any) -> Any:
    """Run a script by itself, as the pipeline of one step that it is, and return its run at once.

    :raises UserErrorException: an option is not known
    """
    known = {name: options.pop(name) for name in ("regenerate_outputs", "reuse_policy", "parent_run_id") if name in options}
    if options:
        raise UserErrorException(
            f"Experiment.submit of a {type(config).__name__}: {', '.join(sorted(options))} is not known; it has no parameters of its own"
        )
    return run_pipeline(experiment, pipeline, tags=tags, kind="script", **known)


def run_published(
    experiment: Experiment,
    config: PublishedPipeline | PipelineEndpoint,
    *,
    tags: dict[str, Any] | None = None,
    pipeline_parameters: dict[str, Any] | None = None,
    continue_on_step_failure: bool | None = None,
    regenerate_outputs: bool = False,
    parent_run_id: str | None = None,
    pipeline_version: str | None = None,
    reuse_policy: str | None = None,
) -> PipelineRun:
    """Run what was published, or the version of an endpoint, and return its run at once.

    :raises UserErrorException: it is disabled, or a parameter is not known or cannot have the value
    """
    from airflow_amlpipe.sdk.lowering_parameters import lower_values
    from airflow_amlpipe.sdk.pipeline.core._printed import print_submitted
    from airflow_amlpipe.sdk.pipeline.core.pipeline_endpoint import PipelineEndpoint
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.services.endpoints import submit_endpoint
    from airflow_amlpipe.services.published import submit_published

    url = workspace_url("submitting a published pipeline", experiment.workspace)
    check_workspace(f"what is submitted to experiment {experiment.name!r}", config._workspace, experiment.workspace)
    given: dict[str, Any] = {
        "home": home(),
        "parameters": lower_values(experiment.workspace, pipeline_parameters),
        "policy": _policy(regenerate_outputs, reuse_policy),
        "tags": _tags(experiment, tags),
        "continue_on_step_failure": continue_on_step_failure,
        "parent_run_id": parent_run_id,
    }
    with as_user_error():
        if isinstance(config, PipelineEndpoint):
            run_id = submit_endpoint(url, config.id, experiment.name, version=pipeline_version, **given)
        else:
            run_id = submit_published(url, config.id, experiment.name, **given)
    run = PipelineRun(experiment, run_id)
    print_submitted(run)
    return run


def _policy(regenerate_outputs: bool, reuse_policy: str | None) -> str:
    if regenerate_outputs and reuse_policy not in {None, "refresh"}:
        raise UserErrorException(f"regenerate_outputs=True and reuse_policy={reuse_policy!r} contradict each other; give one of them")
    return "refresh" if regenerate_outputs else reuse_policy or "auto"


def _tags(experiment: Experiment, tags: Any) -> dict[str, str]:
    given = dict(check_tags(f"submitting to experiment {experiment.name!r}: tags", tags))
    return {key: value or "" for key, value in tag_changes(given).items()}
