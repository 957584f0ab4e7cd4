"""How do steps become a pipeline that can be checked, turned into a DAG, and run?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text, check_workspace_given
from airflow_amlpipe.sdk._calling_file import folder_of_calling_file
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import find_unregistered, home, workspace_url
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._steps import collect_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore
    from airflow_amlpipe.sdk.pipeline.core._graph_view import Graph
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["Pipeline"]

_UNNAMED = "Pipeline"


class Pipeline:
    """Steps, in parallel unless data, ``run_after`` or a StepSequence orders them.

    :param steps: a step, a list, a StepSequence, or these nested
    :param default_datastore: where outputs without a destination go; without it, the workspace's default
    :param default_source_directory: source folder of steps that name none; without it, the current folder (in a DAG file: that file's)
    :param resolve_closure: pull in the steps that write what these read, and those they run after
    :raises ValueError: a step's script does not exist, or an argument is not known
    """

    def __init__(
        self,
        workspace: Workspace,
        steps: Any,
        description: str | None = None,
        default_datastore: AbstractDatastore | str | None = None,
        default_source_directory: str | None = None,
        resolve_closure: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UserErrorException(f"Pipeline: unknown keyword arguments {shorten(', '.join(sorted(kwargs)))}; check their spelling")
        check_workspace_given("Pipeline", workspace)
        self.workspace = workspace
        self.description = None if description is None else check_text("Pipeline: description", description)
        self._default_datastore = default_datastore
        self._default_source_directory = None if default_source_directory is None else str(default_source_directory)
        # Each step with those it waits for other than through data.
        self._steps = collect_steps(steps, resolve_closure=resolve_closure)
        self._environments: dict[int, Environment] = {}
        self._check_scripts(Path.cwd(), folder_of_calling_file())

    def validate(self) -> list[str]:
        """Return what is wrong, one sentence for each problem; never raises. Empty if the pipeline is sound."""
        from airflow_amlpipe.sdk.lowering import find_problems

        problems = find_problems(self, "pipeline", self._unregistered)
        if not problems:
            import hashlib

            for step in self._steps:
                print(f"Step {step.name} is ready to be created [{hashlib.sha256(step.name.encode()).hexdigest()[:8]}]")
        return problems

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: dict[str, Any] | None = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: str | None = None,
        credential_passthrough: bool | None = None,
        **kwargs: Any,
    ) -> PipelineRun:
        """Run this pipeline and return at once.

        :param pipeline_parameters: values for some of the parameters; the others have their defaults
        :param continue_on_step_failure: let steps that do not depend on a failed one go on
        :param regenerate_outputs: run every step, whatever could be reused
        :param kwargs: ``reuse_policy`` (``auto``, ``refresh``, ``refresh-from:STEP``, ``require``, ``max-age:7d``) and ``tags``, which are ours
        :raises DefinitionError: the pipeline is not sound, or a parameter is not known or of another type
        """
        known = {"reuse_policy": kwargs.pop("reuse_policy", None), "tags": kwargs.pop("tags", None)}
        if kwargs:
            raise UserErrorException(
                f"Pipeline.submit: unknown keyword arguments {shorten(', '.join(sorted(kwargs)))}; check their spelling"
            )
        from airflow_amlpipe.sdk.core._submission import run_pipeline
        from airflow_amlpipe.sdk.core.experiment import Experiment

        run: PipelineRun = run_pipeline(
            Experiment(self.workspace, experiment_name),
            self,
            pipeline_parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure,
            regenerate_outputs=regenerate_outputs,
            parent_run_id=parent_run_id,
            **known,
        )
        return run

    def publish(
        self,
        name: str | None = None,
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
    ) -> PublishedPipeline:
        """Freeze this pipeline as it is now, with its sources and the defaults of its parameters, and return it under an id of its own.

        :param version: any text; nothing is derived from it
        :param continue_on_step_failure: what its runs do unless they are told otherwise
        :raises DefinitionError: the pipeline is not sound
        """
        from airflow_amlpipe.sdk.pipeline.core._printed import print_steps
        from airflow_amlpipe.sdk.pipeline.core.published_pipeline import published_as
        from airflow_amlpipe.services.publish import publish_pipeline

        url = workspace_url("Pipeline.publish", self.workspace)
        for what, text in (("name", name), ("description", description), ("version", version)):
            if text is not None:
                check_text(f"Pipeline.publish: {what}", text)
        spec = self._to_spec(_UNNAMED if name is None else name, Path.cwd())
        record = publish_pipeline(
            spec,
            workspace=url,
            source_base=Path.cwd(),
            home=home(),
            description=self.description if description is None else description,
            version=version,
            continue_on_step_failure=continue_on_step_failure,
        )
        print_steps(spec)
        return published_as(self.workspace, record)

    def to_dag(self, dag_id: str, schedule: Any = None, **dag_kwargs: Any) -> Any:
        """Return this pipeline as an Airflow DAG. Relative source folders start from the file that calls this.

        Nothing is hashed, listed or contacted: Airflow calls this whenever it parses the file.

        :param schedule: whatever Airflow takes as one; ``None`` runs on demand only
        :param dag_kwargs: further arguments of ``airflow.sdk.DAG``
        :raises DefinitionError: the pipeline is not sound
        """
        check_text("Pipeline.to_dag: dag_id", dag_id)
        base = folder_of_calling_file()
        spec = self._to_spec(dag_id, base)
        from airflow_amlpipe.services.dag_file import dag_of_file

        if self.workspace._conn_id is not None:
            dag_kwargs = {"workspace_conn_id": self.workspace._conn_id, **dag_kwargs}
        return dag_of_file(spec, dag_id=dag_id, schedule=schedule, workspace=self.workspace._url, source_base=base, **dag_kwargs)

    @staticmethod
    def load_yaml(workspace: Workspace, filename: str, _workflow_provider: Any = None, _service_endpoint: Any = None) -> Pipeline:
        """Return the pipeline that a YAML file describes; its paths are relative to the current folder.

        :raises UserErrorException: a section is missing, or says what cannot be used; the message says where
        """
        from airflow_amlpipe.sdk.pipeline.core._pipeline_yaml import read_pipeline_yaml

        check_workspace_given("Pipeline.load_yaml", workspace)
        steps, description = read_pipeline_yaml(workspace, Path(check_text("Pipeline.load_yaml: filename", filename)))
        return Pipeline(workspace, steps, description)

    @property
    def graph(self) -> Graph:
        """The nodes and edges of the pipeline, to look at.

        :raises DefinitionError: the pipeline is not sound
        """
        from airflow_amlpipe.sdk.lowering import lower_pipeline
        from airflow_amlpipe.sdk.pipeline.core._graph_view import graph_of

        return graph_of(lower_pipeline(self, "pipeline"), self.workspace)

    service_endpoint = absent("Pipeline.service_endpoint", "leave it out: there is no service")

    def _set_experiment_name(self, experiment_name: str) -> None:
        """Do nothing: public samples of builders name this private method of SDK v1; the experiment is given when the pipeline is submitted."""

    def _to_spec(self, name: str, source_base: Path) -> PipelineSpec:
        """Return the specification; every script is where ``source_base`` says, every registered thing is registered."""
        from airflow_amlpipe.sdk.lowering import lower_pipeline

        self._check_scripts(source_base)
        spec = lower_pipeline(self, name)
        for problem in self._unregistered(spec):
            raise problem
        return spec

    def _unregistered(self, spec: PipelineSpec) -> Iterator[UserErrorException]:
        """Yield what is wrong with the names that ``spec`` looks up in the workspace; while Airflow parses, they are looked up at run time."""
        if not is_airflow_parsing():
            yield from find_unregistered(self.workspace, spec)

    def _source_directory(self, step: Any) -> str:
        return getattr(step, "_source_directory", None) or self._default_source_directory or "."

    def _default_datastore_name(self) -> str:
        if self._default_datastore is None:
            self._default_datastore = self.workspace.get_default_datastore()
        return str(getattr(self._default_datastore, "name", self._default_datastore))

    def _resolved_environment(self, where: str, environment: Any) -> Environment:
        """Return the registered environment, if its author set nothing but a name and version, as the guides write it."""
        from airflow_amlpipe.sdk.core.environment import Environment, is_reference

        if not isinstance(environment, Environment):
            raise UserErrorException(
                f"{where}: runconfig.environment must be an Environment, not {shorten(repr(environment))}; use Environment.get(ws, name)"
            )
        if not is_reference(environment):
            return environment
        if id(environment) not in self._environments:
            self._environments[id(environment)] = Environment.get(self.workspace, environment.name, environment.version)
        return self._environments[id(environment)]

    def _check_scripts(self, *bases: Path) -> None:
        """:raises UserErrorException: no base has a step's script, or a link leads it out of its source folder."""
        checked: set[tuple[str, str]] = set()
        for step in self._steps:
            script, directory = getattr(step, "_script_name", getattr(step, "_notebook", None)), self._source_directory(step)
            is_frozen = getattr(step, "_snapshot", None) is not None
            if script is not None and not is_frozen and (directory, script) not in checked:
                checked.add((directory, script))
                _check_script(step.name, directory, script, bases)

    def __repr__(self) -> str:
        return f"Pipeline(steps={[step.name for step in self._steps]!r})"


def _check_script(step: str, directory: str, script: str, bases: tuple[Path, ...]) -> None:
    tried: list[str] = []
    for base in bases:
        folder = base / directory
        file = folder / script
        if file.is_file():
            if not file.resolve().is_relative_to(folder.resolve()):
                raise UserErrorException(
                    f"Step [{step}]: the script {shorten(repr(script))} leads out of source_directory {shorten(repr(directory))}; "
                    "put the script itself into that folder"
                )
            return
        if str(file) not in tried:
            tried.append(str(file))
    missing = "" if any((base / directory).is_dir() for base in bases) else f"; source_directory {shorten(repr(directory))} does not exist"
    raise UserErrorException(
        f"Step [{step}]: script not found at: {shorten(' or '.join(tried), 600)}{missing}. "
        "Check script_name and source_directory, which is relative to the current folder (in a DAG file: to that file)"
    )
