"""When does a pipeline say that it cannot be run, and what does it become when it can?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import CycleError, DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.services import collect, dag_file
from airflow_amlpipe.services.collect import Collector, collecting
from azureml.core import Datastore, Environment, RunConfiguration, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep


def step(name: str = "train", **changes: Any) -> PythonScriptStep:
    return PythonScriptStep(**{"script_name": "train.py", "name": name, "source_directory": "src", **changes})


def called_from(folder: Path, **names: Any) -> Any:
    """Call ``Pipeline.to_dag`` or the like as a file in ``folder`` would."""
    namespace = {"__name__": "a_dag_file", "__file__": str(folder / "dag.py"), "Pipeline": Pipeline, **names}
    exec(
        "def make(ws, steps, **kw): return Pipeline(ws, steps, **kw)\ndef to_dag(pipeline, *a, **kw): return pipeline.to_dag(*a, **kw)",
        namespace,
    )
    return namespace


def to_dag(pipeline: Pipeline, dag_id: str = "nightly", **arguments: Any) -> Any:
    """Call ``to_dag`` as a file in the current folder would."""
    return called_from(Path.cwd())["to_dag"](pipeline, dag_id, **arguments)


# ---- validate


def test_a_sound_pipeline_has_no_problems_and_says_so(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert Pipeline(ws, [step("a"), step("b")]).validate() == []
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["Step a is ready to be created", "Step b is ready to be created"]


def test_validate_returns_texts_and_never_raises(ws: Workspace) -> None:
    a, b = step("a"), step("y")
    a.run_after(b)
    b.run_after(a)
    (problem,) = Pipeline(ws, [a, b]).validate()
    assert problem.startswith(("Cycle detected including node y(y)", "Cycle detected including node a(a)"))


def test_submitting_and_making_a_dag_raise_what_validate_returns(ws: Workspace) -> None:
    a = step("a")
    a.run_after(a)
    pipeline = Pipeline(ws, a)
    assert pipeline.validate()
    for start in (lambda: pipeline.submit("e"), lambda: to_dag(pipeline)):
        with pytest.raises(CycleError):
            start()


# ---- arguments


def test_an_unknown_argument_is_refused(ws: Workspace) -> None:
    with pytest.raises(ValueError, match="Pipeline: unknown keyword arguments step; check their spelling"):
        Pipeline(ws, [], step=[])
    with pytest.raises(ValueError, match="Pipeline.submit: unknown keyword arguments regenerate_output"):
        Pipeline(ws, step()).submit("e", regenerate_output=True)


def test_a_workspace_is_required() -> None:
    with pytest.raises(ValueError, match="workspace must be a Workspace"):
        Pipeline("team", [])  # type: ignore[arg-type]


@pytest.mark.parametrize("member", ["service_endpoint"])
def test_what_comes_later_says_so(ws: Workspace, member: str) -> None:
    with pytest.raises(UnsupportedFeatureError, match=f"Pipeline.{member} is not supported"):
        getattr(Pipeline(ws, step()), member)()


# ---- scripts


def test_a_missing_script_is_found_when_the_pipeline_is_built(ws: Workspace) -> None:
    with pytest.raises(ValueError, match=r"Step \[train\]: script not found at: .*src/nope.py.*relative to the current folder"):
        Pipeline(ws, step(script_name="nope.py"))


def test_a_missing_source_folder_is_named(ws: Workspace) -> None:
    with pytest.raises(ValueError, match=r"script not found at: .*; source_directory 'elsewhere' does not exist"):
        Pipeline(ws, step(source_directory="elsewhere"))


def test_a_script_behind_a_link_that_leaves_the_source_folder_is_refused(ws: Workspace, project: Path) -> None:
    (project / "secret.py").write_text("")
    (project / "src" / "link.py").symlink_to(project / "secret.py")
    with pytest.raises(UserErrorException, match=r"Step \[train\]: the script 'link.py' leads out of source_directory 'src'"):
        Pipeline(ws, step(script_name="link.py"))


def test_a_script_in_a_sub_folder_is_fine(ws: Workspace, project: Path) -> None:
    (project / "src" / "sub").mkdir()
    (project / "src" / "sub" / "x.py").write_text("")
    assert Pipeline(ws, step(script_name="sub/x.py")).validate() == []


def test_without_a_source_folder_the_pipelines_default_holds_and_then_the_current_one(ws: Workspace, project: Path) -> None:
    assert Pipeline(ws, step(source_directory=None), default_source_directory="src").validate() == []
    (project / "train.py").write_text("")
    assert Pipeline(ws, step(source_directory=None)).validate() == []


def test_a_pipeline_is_built_if_a_script_is_beside_the_calling_file_only(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag_folder = tmp_path / "project"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="script not found at"):
        Pipeline(ws, step())
    assert called_from(dag_folder)["make"](ws, step()).validate() == []


def test_a_dag_takes_its_sources_from_its_own_folder_only(ws: Workspace, tmp_path: Path) -> None:
    pipeline = Pipeline(ws, step())  # found in the current folder
    with pytest.raises(ValueError, match="script not found at"):
        called_from(tmp_path)["to_dag"](pipeline, "nightly")


def test_a_submission_takes_its_sources_from_the_current_folder_only(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(ws, step())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="script not found at"):
        pipeline.submit("e")


# ---- registered things


def test_an_unknown_compute_target_is_refused_in_sdk_v1s_words_and_ours(ws: Workspace) -> None:
    with pytest.raises(ValueError, match=r"step 'train': Target nope does not exist in the workspace\. .*registered are: local"):
        to_dag(Pipeline(ws, step(compute_target="nope")))


def test_validation_names_every_target_and_datastore_that_is_not_registered_and_never_raises(ws: Workspace) -> None:
    gone = step(compute_target="nope", arguments=[OutputFileDatasetConfig("o", destination=("lake", "x"))])
    compute, datastore = Pipeline(ws, [gone]).validate()
    assert compute.startswith("step 'train': Target nope does not exist in the workspace. compute target 'nope' is not registered")
    assert compute.endswith("register it once: amlpipe compute create nope, or ComputeTarget.create(...)")
    assert datastore.startswith("datastore 'lake' is not registered in the workspace")
    ComputeTarget.create(ws, "nope", AmlCompute.provisioning_configuration())
    assert Pipeline(ws, [gone]).validate() == [datastore]


def test_while_airflow_parses_validation_looks_nothing_up(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    assert Pipeline(ws, step(compute_target="nope")).validate() == []
    assert not home.exists()


@pytest.mark.parametrize("given", [PipelineParameter("cpu", "cpu-cluster"), PipelineData("cpu"), 3, "", ()])
def test_what_is_no_compute_target_is_refused_also_if_it_has_a_name(ws: Workspace, given: Any) -> None:
    with pytest.raises(UserErrorException, match="step 'train': compute_target .*no (compute target|value of a run)"):
        step(compute_target=given)
    with pytest.raises(UserErrorException, match="RunConfiguration: target .*no (compute target|value of a run)"):
        RunConfiguration().target = given


def test_a_registered_compute_target_is_found(ws: Workspace) -> None:
    ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration())
    with collecting(Collector()) as collector:
        to_dag(Pipeline(ws, step(compute_target="cpu")))
    assert collector.pipelines[0].spec.steps[0].compute == "cpu"


def test_an_unknown_datastore_is_refused(ws: Workspace) -> None:
    with pytest.raises(ValueError, match="datastore 'lake' is not registered in the workspace; registered are: workspaceartifactstore"):
        to_dag(Pipeline(ws, step(arguments=[OutputFileDatasetConfig("o", destination=("lake", "x"))])))


def test_while_airflow_parses_nothing_is_looked_up(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    lake = Datastore.get(ws, "lake")
    output = OutputFileDatasetConfig("o", destination=(lake, "x"))
    made = step(arguments=[output, OutputFileDatasetConfig()], compute_target=ws.compute_targets["nope"])
    with collecting(Collector()) as collector:
        to_dag(Pipeline(ws, made))
    assert collector.pipelines[0].spec.steps[0].compute == "nope"
    assert not home.exists()


def test_submitting_while_airflow_parses_is_refused(ws: Workspace, airflow_is_parsing: None) -> None:
    with pytest.raises(UserErrorException, match="submitting a pipeline uses the workspace, which must not happen while Airflow parses"):
        Pipeline(ws, step()).submit("e")


def test_an_environment_that_is_none_is_refused(ws: Workspace) -> None:
    runconfig = RunConfiguration()
    runconfig.environment = "AzureML-Tutorial"
    with pytest.raises(DefinitionError, match=r"runconfig.environment must be an Environment, not 'AzureML-Tutorial'"):
        to_dag(Pipeline(ws, step(runconfig=runconfig)))


# ---- becoming a DAG


def test_a_dag_is_made_of_the_specification(ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(dag_file, "_build", lambda spec, **build: made.update(spec=spec, **build) or "the DAG")
    namespace = called_from(project)
    pipeline = namespace["make"](ws, step(arguments=[PipelineParameter("rate", 0.5)]), description="about it")
    assert namespace["to_dag"](pipeline, "nightly") == "the DAG"
    assert (made["dag_id"], made["spec"].name, made["workspace"], made["source_base"]) == ("nightly", "nightly", ws._url, project)
    assert to_dag(pipeline, "x", schedule="@daily", tags=["a"]) == "the DAG"
    assert (made["schedule"], made["tags"]) == ("@daily", ["a"])


def test_while_pipelines_are_collected_no_dag_is_made(ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_file, "_build", None)
    with collecting(Collector()) as collector:
        dag = to_dag(Pipeline(ws, step()))
        dag.test()
    (collected,) = collector.pipelines
    assert isinstance(collected, collect.CollectedPipeline)
    assert (collected.dag_id, collected.workspace) == ("nightly", ws._url)


def test_the_specification_keeps_the_folder_as_it_was_written(ws: Workspace) -> None:
    with collecting(Collector()) as collector:
        to_dag(Pipeline(ws, step(source_directory="./src")))
    assert collector.pipelines[0].spec.steps[0].source.directory == "./src"


def test_one_environment_is_looked_up_once_for_many_steps(ws: Workspace) -> None:
    registered = Environment("e").register(ws)
    runconfig = RunConfiguration()
    runconfig.environment = registered
    with collecting(Collector()) as collector:
        to_dag(Pipeline(ws, [step(str(number), runconfig=runconfig) for number in range(3)]))
    assert {item.environment.name for item in collector.pipelines[0].spec.steps} == {"e"}
