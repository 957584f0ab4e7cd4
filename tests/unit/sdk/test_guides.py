"""Does the code of the guides, which users have in their scripts, build the pipeline that the guides describe?

The first guide ("create and run ML pipelines") is built here as it stands, snippet after snippet; tests/e2e/test_guides.py runs it, and the other two.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.services import submit
from airflow_amlpipe.spec.pipeline import PipelineSpec
from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from tests.guides import GUIDE_001, REFERENCE_001, SCHEDULES_004, SUBMIT_001, TABLE_001
from tests.unit.sdk.runs import a_run


@pytest.fixture
def guide(ws: Workspace, project: Path) -> Any:
    """Run the guide's code in a project that has the scripts and images it speaks of."""
    for script in (
        "dataprep_src/prepare.py",
        "train_src/train.py",
        "train_src/compare.py",
        "train_src/hello_world.py",
        "iris_src/iris_train.py",
        "images/0.png",
    ):
        (project / script).parent.mkdir(exist_ok=True)
        (project / script).write_text("")
    ws.write_config()
    ws.get_default_datastore().upload("images", "train-images", show_progress=False)
    (project / "iris").mkdir()
    (project / "iris" / "iris.csv").write_text("sepal,species\n5.1,setosa\n")
    ws.get_default_datastore().upload("iris", "iris", show_progress=False)
    tutorial = Environment("AzureML-Tutorial")
    tutorial.python.conda_dependencies = CondaDependencies.create(pip_packages=["scikit-learn"])
    # DEVIATION: curated environments were Microsoft's; the test registers one of that name
    tutorial.register(ws)

    def run(curated: bool) -> dict[str, Any]:
        namespace: dict[str, Any] = {"curated": curated, "__name__": "guide"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # hash_paths
            exec(GUIDE_001, namespace)
        return namespace

    return run


@pytest.fixture
def spec(guide: Any) -> PipelineSpec:
    namespace = guide(curated=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the dropped registration, tested below
        return lower_pipeline(namespace["pipeline1"], "Compare_Models_Exp")


def test_data_orders_the_steps(spec: PipelineSpec) -> None:
    assert [(step.id, step.upstream) for step in spec.steps] == [
        ("prepare.py", ()),
        ("train.py", ("prepare.py",)),
        ("compare.py", ("train.py",)),
    ]


def test_the_dataset_is_downloaded_under_its_name(spec: PipelineSpec) -> None:
    (item,) = spec.step("prepare.py").inputs
    assert (item.name, item.mode) == ("input1", "download")
    assert [(path.datastore, path.path) for path in item.source.paths] == [("workspaceblobstore", "train-images")]  # type: ignore[union-attr]


def test_unnamed_outputs_and_inputs_have_the_names_of_their_places(spec: PipelineSpec) -> None:
    assert [(output.name, output.destination) for output in spec.step("prepare.py").outputs] == [("output_1", "outputdataset/{run-id}")]
    (item,) = spec.step("train.py").inputs
    assert (item.name, item.mode, item.source.output) == ("input_1", "mount", "output_1")  # type: ignore[union-attr]


def test_a_bare_datastore_as_destination_is_taken(spec: PipelineSpec) -> None:
    (output,) = spec.step("train.py").outputs
    assert (output.name, output.datastore, output.destination) == ("training_results", "workspaceblobstore", None)


def test_packages_are_kept_and_sdk_v1s_own_are_not(spec: PipelineSpec) -> None:
    environment = spec.step("prepare.py").environment
    assert (environment.conda_packages, environment.pip_requirements, environment.python_version) == (("pandas", "scikit-learn"), (), None)


def test_the_parameter_has_its_default_and_target_is_the_compute(spec: PipelineSpec) -> None:
    assert [(item.name, item.default) for item in spec.parameters] == [("pipeline_arg", "default_val")]
    assert {step.compute for step in spec.steps} == {"aml-compute"}


def test_building_the_guides_pipeline_again_changes_nothing(guide: Any, spec: PipelineSpec) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert lower_pipeline(guide(curated=False)["pipeline1"], "Compare_Models_Exp") == spec


def test_a_curated_environment_is_the_registered_one(guide: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        spec = lower_pipeline(guide(curated=True)["pipeline1"], "x")
    assert spec.step("train.py").environment.pip_requirements == ("scikit-learn",)


def test_the_registration_that_the_guide_drops_is_warned_of(guide: Any) -> None:
    with pytest.warns(UserWarning, match=r"register_on_complete\('prepared_output_data'\) returns a copy"):
        assert guide(curated=False)["pipeline1"].validate() == []


def test_the_compute_target_is_found_the_second_time(guide: Any, capsys: pytest.CaptureFixture[str]) -> None:
    guide(curated=False)
    guide(curated=False)
    assert "Creating a new compute target..." in capsys.readouterr().out.split("Found compute target: aml-compute")[0]


def test_the_guides_submission_is_handed_over(guide: Any, ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: dict[str, Any] = {}
    signature = inspect.signature(submit.submit_pipeline)

    def take(*arguments: Any, **named: Any) -> str:
        handed.update(signature.bind(*arguments, **named).arguments)
        return a_run(ws, named["experiment"], status="Finished")

    monkeypatch.setattr(submit, "submit_pipeline", take)
    namespace = guide(curated=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exec(SUBMIT_001, namespace)
    assert (handed["experiment"], len(handed["spec"].steps)) == ("Compare_Models_Exp", 3)


def test_an_environment_is_referred_to_by_name_and_version(guide: Any, ws: Workspace) -> None:
    mine = Environment("MyEnvironment")
    mine.version = "1.0"
    mine.environment_variables = {"A": "1"}
    mine.register(ws)
    namespace = guide(curated=False)
    exec(REFERENCE_001, namespace)
    step = namespace["PythonScriptStep"]("train.py", source_directory="train_src", runconfig=namespace["aml_run_config"])
    spec = lower_pipeline(namespace["Pipeline"](ws, step), "x")
    assert spec.steps[0].environment.variables == {"A": "1"}


def test_a_table_is_an_input_by_its_name(guide: Any) -> None:
    namespace = guide(curated=False)
    exec(TABLE_001, namespace)
    spec = lower_pipeline(namespace["Pipeline"](namespace["ws"], namespace["dataset_consuming_step"]), "x")
    (item,) = spec.steps[0].inputs
    assert (item.name, item.mode) == ("iris_data", "direct")


def test_schedules_are_not_there_yet_and_say_what_to_use(guide: Any) -> None:
    namespace = guide(curated=False) | {"pipeline_id": "x", "experiment_name": "MyExperiment"}
    with pytest.raises(UnsupportedFeatureError, match="not supported by airflow-amlpipe; "):
        exec(SCHEDULES_004, namespace)
