"""What is handed over when a pipeline is submitted, and which runs does an experiment have?"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.services import submit
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from azureml.core import Dataset, Experiment, Run, Workspace, get_run
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import Pipeline, PipelineParameter, PipelineRun, StepRun
from azureml.pipeline.steps import PythonScriptStep
from tests.unit.sdk.runs import a_run, a_step_run


@pytest.fixture
def submitted(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands for the engine: keeps what it was handed, and records a run."""
    handed: dict[str, Any] = {}
    signature = inspect.signature(submit.submit_pipeline)

    def take(*arguments: Any, **named: Any) -> str:
        handed.update(signature.bind(*arguments, **named).arguments)
        return a_run(ws, named["experiment"])

    monkeypatch.setattr(submit, "submit_pipeline", take)
    return handed


def pipeline(ws: Workspace, **changes: Any) -> Pipeline:
    arguments = [PipelineParameter("rate", 0.5), PipelineParameter("size", 3), PipelineParameter("note", "a")]
    return Pipeline(ws, PythonScriptStep("train.py", name="train", source_directory="src", arguments=arguments, **changes))


# ---- names


@pytest.mark.parametrize("name", ["a", "Compare_Models_Exp", "1-a", "a" * 255])
def test_a_name_of_letters_digits_and_dashes_can_be_used(ws: Workspace, name: str) -> None:
    assert Experiment(ws, name).name == name


@pytest.mark.parametrize("name", ["", "_a", "a b", "a" * 256, "a\n", "a*", "[a]", "..", "é", 3])
def test_another_name_is_refused(ws: Workspace, name: Any) -> None:
    with pytest.raises(UserErrorException, match="Experiment: the name .* cannot be used"):
        Experiment(ws, name)


# ---- submit


def test_a_pipeline_is_handed_over_with_what_was_asked(ws: Workspace, project: Path, home: Path, submitted: dict[str, Any]) -> None:
    run = Experiment(ws, "digits").submit(
        pipeline(ws),
        tags={"a": 1, "b": "x", "c": None},
        pipeline_parameters={"rate": 1.0},
        continue_on_step_failure=True,
        parent_run_id="p",
    )
    assert isinstance(run, PipelineRun)
    assert submitted.pop("spec").name == "digits"
    assert submitted == {
        "workspace": ws._url,
        "experiment": "digits",
        "parameters": {"rate": 1.0},
        "policy": "auto",
        "tags": {"a": "1", "b": "x", "c": ""},
        "source_base": project,
        "home": home,
        "continue_on_step_failure": True,
        "parent_run_id": "p",
        "kind": "pipeline",
    }


def test_a_pipeline_submits_itself_too(ws: Workspace, submitted: dict[str, Any]) -> None:
    run = pipeline(ws).submit("digits", {"size": 4}, regenerate_outputs=True)
    assert (run.experiment.name, submitted["policy"], submitted["parameters"]) == ("digits", "refresh", {"size": 4})


def test_the_old_name_of_the_parameters_is_taken(ws: Workspace, submitted: dict[str, Any]) -> None:
    Experiment(ws, "digits").submit(pipeline(ws), pipeline_params={"size": 4}, reuse_policy="require")
    assert (submitted["parameters"], submitted["policy"]) == ({"size": 4}, "require")


def test_sdk_v1s_lines_are_printed(ws: Workspace, submitted: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run = Experiment(ws, "digits").submit(pipeline(ws))
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("Created step train [")
    assert first.endswith("], (This step is eligible to reuse a previous run's output)")
    assert second == f"Submitted PipelineRun {run.id}"
    assert third.startswith("Link to Azure Machine Learning Portal: ")
    Experiment(ws, "digits").submit(pipeline(ws, allow_reuse=False))
    assert "(This step will run and generate new outputs)" in capsys.readouterr().out


def test_a_keyword_that_is_not_known_is_warned_of(ws: Workspace, submitted: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="regenerate_output is not known and has no effect; known are: .*regenerate_outputs"):
        Experiment(ws, "digits").submit(pipeline(ws), regenerate_output=True)
    assert submitted["policy"] == "auto"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rat": 1}, "Pipeline parameter with name rat does not exist: .*its parameters are: note, rate, size"),
        ({"size": "4"}, "Expected type of the pipeline parameter size is int, but the value '4' provided is of type str: "),
        ({"size": 4.0}, "Expected type of the pipeline parameter size is int"),
        ({"rate": 1}, "Expected type of the pipeline parameter rate is float, but the value 1 provided is of type int: .*write 1.0"),
        ({"rate": "x"}, "Expected type of the pipeline parameter rate is float"),
        ({"note": 3}, "Expected type of the pipeline parameter note is str"),
        ({"note": None}, "Expected type of the pipeline parameter note is str"),
        (["rate"], "pipeline_parameters must be a dictionary"),
    ],
)
def test_parameters_are_checked_before_anything_is_handed_over(ws: Workspace, submitted: dict[str, Any], given: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Experiment(ws, "digits").submit(pipeline(ws), pipeline_parameters=given)
    assert submitted == {}


def test_contradicting_policies_are_refused(ws: Workspace, submitted: dict[str, Any]) -> None:
    with pytest.raises(UserErrorException, match="contradict each other"):
        Experiment(ws, "digits").submit(pipeline(ws), regenerate_outputs=True, reuse_policy="require")


def test_a_pipeline_is_submitted_in_its_own_workspace(ws: Workspace, submitted: dict[str, Any]) -> None:
    with pytest.raises(
        UserErrorException,
        match="the pipeline submitted to experiment 'digits' is of workspace 'team' .*used in workspace 'other' .*one workspace for both",
    ):
        Experiment(Workspace("s", "g", "other"), "digits").submit(pipeline(ws))


def test_only_pipelines_are_submitted(ws: Workspace) -> None:
    with pytest.raises(UnsupportedFeatureError, match="Experiment.submit of a str is not supported .*make the work a step of a Pipeline"):
        Experiment(ws, "digits").submit("train.py")


# ---- runs


def test_runs_come_newest_first_one_by_one(ws: Workspace) -> None:
    ids = [a_run(ws), a_run(ws, "other"), a_run(ws, tags={"a": "1"})]
    runs = Experiment(ws, "digits").get_runs()
    assert inspect.isgenerator(runs)
    assert [run.id for run in runs] == [ids[2], ids[0]]
    assert [run.number for run in Experiment(ws, "digits").get_runs()] == [2, 1]
    assert [run.id for run in Experiment(ws, "digits").get_runs(tags={"a": "1"})] == [ids[2]]
    assert [run.id for run in Experiment(ws, "digits").get_runs(tags="a")] == [ids[2]]
    assert [run.id for run in Run.list(ws.experiments["digits"], status="NotStarted")] == [ids[2], ids[0]]


def test_runs_of_steps_can_be_included(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train")
    step_run_id = a_step_run(ws, run_id)
    assert [run.id for run in Experiment(ws, "digits").get_runs(include_children=True)] == [run_id, step_run_id]
    assert [run.id for run in Experiment(ws, "digits").get_runs(type="azureml.StepRun", include_children=True)] == [step_run_id]


def test_an_experiment_is_there_once_it_has_a_run(ws: Workspace) -> None:
    assert Experiment.list(ws) == []
    a_run(ws, "one")
    a_run(ws, "two")
    assert [experiment.name for experiment in Experiment.list(ws)] == ["one", "two"]
    assert [experiment.name for experiment in Experiment.list(ws, experiment_name="two")] == ["two"]
    assert Experiment.list(ws, view_type="ArchivedOnly") == []
    assert ws.experiments["one"].id == Experiment(ws, "one").id
    with pytest.raises(UserErrorException, match="view_type 'Some' is not known"):
        Experiment.list(ws, view_type="Some")


def test_a_run_is_found_by_its_id(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train")
    step_run_id = a_step_run(ws, run_id)
    experiment = Experiment(ws, "digits")
    for found in (
        ws.get_run(run_id),
        Run.get(ws, run_id),
        get_run(experiment, run_id),
        PipelineRun(experiment, run_id),
        Run(experiment, run_id),
    ):
        assert isinstance(found, PipelineRun)
        assert found == ws.get_run(run_id)
    step = Run.get(ws, step_run_id)
    assert isinstance(step, StepRun)
    assert (step.pipeline_run_id, step.name) == (run_id, "train")


@pytest.mark.parametrize("run_id", ["nope", "../x", "", 3])
def test_an_unknown_run_is_refused(ws: Workspace, run_id: Any) -> None:
    for look in (lambda: ws.get_run(run_id), lambda: PipelineRun(Experiment(ws, "digits"), run_id), lambda: PipelineRun.get(ws, run_id)):
        with pytest.raises(ValueError, match="run"):
            look()


def test_an_experiment_is_tagged(ws: Workspace) -> None:
    a_run(ws, "digits")
    a_run(ws, "other")
    experiment = Experiment(ws, "digits")
    assert experiment.tags == {}
    experiment.tag("team", "vision")
    experiment.set_tags({"best": 1, "old": "x"})
    experiment.remove_tags(["old"])
    experiment.remove_tags("nope")
    assert ws.experiments["digits"].tags == {"team": "vision", "best": "1"}
    assert [found.name for found in Experiment.list(ws, tags={"team": "vision"})] == ["digits"]
    assert [found.name for found in Experiment.list(ws, tags="team")] == ["digits"]


def test_an_archived_experiment_is_listed_only_where_it_is_asked_for(ws: Workspace) -> None:
    run_id = a_run(ws, "digits")
    a_run(ws, "other")
    experiment = Experiment(ws, "digits")
    experiment.archive()
    experiment.archive()
    assert experiment.archived_time is not None
    assert [found.name for found in Experiment.list(ws)] == ["other"]
    assert [found.name for found in Experiment.list(ws, view_type="ArchivedOnly")] == ["digits"]
    assert [found.name for found in Experiment.list(ws, view_type="All")] == ["digits", "other"]
    assert [run.id for run in experiment.get_runs()] == [run_id]
    with pytest.raises(UserErrorException, match="an experiment cannot be renamed"):
        experiment.reactivate("new")
    experiment.reactivate()
    assert (experiment.archived_time, len(Experiment.list(ws))) == (None, 2)


def test_an_experiment_is_not_deleted(ws: Workspace) -> None:
    with pytest.raises(UnsupportedFeatureError, match="Experiment.delete is not supported"):
        Experiment.delete(ws, "id")


# ---- values of parameters that name data


def data_pipeline(ws: Workspace) -> Pipeline:
    store = ws.get_default_datastore()
    place = (PipelineParameter("where", DataPath(store, "a")), DataPathComputeBinding())
    data = DatasetConsumptionConfig("data", PipelineParameter("which", files(ws, "a"))).as_mount()
    return Pipeline(ws, PythonScriptStep("train.py", name="train", source_directory="src", arguments=[place, data], inputs=[place]))


def files(ws: Workspace, path: str) -> Any:
    return Dataset.File.from_files((ws.get_default_datastore(), path), validate=False)


def test_data_is_handed_over_as_what_names_it(ws: Workspace, submitted: dict[str, Any]) -> None:
    registered = files(ws, "b").register(ws, "rows")
    values = {"where": DataPath(ws.get_default_datastore(), "/b/c"), "which": registered}
    Experiment(ws, "digits").submit(data_pipeline(ws), pipeline_parameters=values)
    assert submitted["parameters"] == {
        "where": DatastorePath(datastore="workspaceblobstore", path="b/c"),
        "which": DatasetSource(name="rows", version=1),
    }


def test_a_truth_value_is_a_whole_number_as_for_sdk_v1(ws: Workspace, submitted: dict[str, Any]) -> None:
    Experiment(ws, "digits").submit(pipeline(ws), pipeline_parameters={"size": True})
    assert [type(value) for value in submitted["parameters"].values()] == [int]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"where": "b"}, "Expected type of the pipeline parameter where is DataPath, but the value 'b' provided is of type str: "),
        ({"which": 3}, "Expected type of the pipeline parameter which is FileDataset, but the value 3 provided is of type int: "),
        ({"which": DataPath(None, "x")}, "names no datastore"),
        ({"what": 3}, "Pipeline parameter with name what does not exist: .* its parameters are: where, which"),
    ],
)
def test_a_value_of_another_kind_of_data_is_refused(ws: Workspace, submitted: dict[str, Any], given: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Experiment(ws, "digits").submit(data_pipeline(ws), pipeline_parameters=given)
    assert not submitted


def test_a_place_is_no_dataset_and_a_dataset_no_place(ws: Workspace, submitted: dict[str, Any]) -> None:
    place = DataPath(ws.get_default_datastore(), "b")
    for given, kind in (({"which": place}, "FileDataset"), ({"where": files(ws, "b")}, "DataPath")):
        with pytest.raises(UserErrorException, match=f"is {kind}, but the value"):
            Experiment(ws, "digits").submit(data_pipeline(ws), pipeline_parameters=given)


def test_data_of_another_workspace_is_refused_as_a_value(ws: Workspace, submitted: dict[str, Any]) -> None:
    other = Workspace.create("other")
    with pytest.raises(UserErrorException, match="is of workspace 'other' .* but is used in workspace 'team'"):
        Experiment(ws, "digits").submit(data_pipeline(ws), pipeline_parameters={"where": DataPath(other.get_default_datastore(), "b")})
