"""What did whoever started this run ask for?

A run's ``conf`` holds the pipeline's parameters by name, and under the reserved key ``amlpipe`` what belongs to the run itself:
``{"run_id": ..., "experiment": ..., "reuse": ..., "tags": {...}}``, each of them optional. Nothing of it is ever a template.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.spec.names import RESERVED_KEY, check_experiment_name
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.workspace.ids import run_id_for

__all__ = ["RunRequest", "read_request"]

_OPTIONS = ("experiment", "reuse", "run_id", "tags")
_LONGEST_RUN_ID = 100


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run as it was asked for: which one it is, and with which values."""

    run_id: str
    experiment: str
    policy: ReusePolicy
    tags: Mapping[str, str]
    parameters: Mapping[str, ParameterValue]


def read_request(
    outline: PipelineOutline,
    *,
    conf: Mapping[str, object],
    params: Mapping[str, object],
    other_params: Collection[str] = (),
    dag_id: str,
    dag_run_id: str,
    run_after: datetime,
) -> RunRequest:
    """Return what a run of ``outline`` was asked for.

    :param conf: the DAG run's ``conf``, as it was given
    :param params: the DAG's params in this run, which hold the defaults
    :param other_params: params that the DAG declares beside the pipeline's
    :raises UnknownNameError: ``conf`` has a key that is no parameter, or the policy names a step that the pipeline has not
    :raises DefinitionError: a value is of the wrong type
    """
    options = _options(conf.get(RESERVED_KEY, {}))
    values = {name: value for name, value in conf.items() if name != RESERVED_KEY and name not in other_params}
    defaults = {parameter.name: params[parameter.name] for parameter in outline.parameters if parameter.name in params}
    policy = ReusePolicy.parse(str(options.get("reuse", "auto")))
    policy.check_step(outline.step_names)
    return RunRequest(
        run_id=_run_id(options["run_id"]) if "run_id" in options else run_id_for(dag_id, dag_run_id, run_after),
        experiment=_experiment(options.get("experiment", dag_id), dag_id),
        policy=policy,
        tags=_tags(options.get("tags", {})),
        parameters=outline.bind_parameters({**defaults, **values}),
    )


def _options(given: object) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise DefinitionError(
            f"conf key {RESERVED_KEY!r} is reserved for a mapping of {', '.join(_OPTIONS)}, but was given {shorten(repr(given))}"
        )
    for name in given:
        if name not in _OPTIONS:
            raise UnknownNameError(f"conf key {RESERVED_KEY!r} has no option {shorten(repr(name))}; its options are: {', '.join(_OPTIONS)}")
    return {name: value for name, value in given.items() if value is not None}


def _run_id(given: object) -> str:
    # The id names a folder of the workspace store.
    if (
        not isinstance(given, str)
        or not given.replace("-", "").replace("_", "").isalnum()
        or not given.isascii()
        or len(given) > _LONGEST_RUN_ID
    ):
        raise DefinitionError(
            f"run id {shorten(repr(given))} cannot be used; use letters, digits, '-' and '_', at most {_LONGEST_RUN_ID} characters, or leave it out"
        )
    return given


def _experiment(given: object, dag_id: str) -> str:
    # The runs of a DAG are kept together under its id, which may have dots.
    return dag_id if given == dag_id else check_experiment_name(f"conf key {RESERVED_KEY!r}: experiment", given)


def _tags(given: object) -> Mapping[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and isinstance(value, str) for name, value in given.items()):
        raise DefinitionError(f"the run's tags must be a mapping of text to text, but were given as {shorten(repr(given))}")
    return dict(given)
