"""Is `azureml` airflow-amlpipe's SDK once the alias is imported, and only then?"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import airflow_amlpipe.azureml  # noqa: F401  serves `azureml`


def python(code: str, *path: Path) -> str:
    """Run ``code`` in a fresh interpreter and return what it printed."""
    repository = Path(__file__).resolve().parents[2]
    prepared = f"import sys; sys.path[:0] = {[str(item) for item in (*path, repository)]!r}\n" + textwrap.dedent(code)
    answer = subprocess.run([sys.executable, "-c", prepared], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout + answer.stderr


def test_it_is_the_same_modules_however_they_are_reached() -> None:
    python("""
        import airflow_amlpipe.azureml
        import azureml, azureml.core, azureml.pipeline.core.graph
        import airflow_amlpipe.sdk.core.workspace, airflow_amlpipe.sdk.pipeline.core.graph
        from azureml.core import Workspace
        from azureml.core.workspace import Workspace as Again
        from azureml.pipeline.core.graph import PipelineParameter
        from azureml.pipeline.core import PipelineParameter as Exported
        import azureml.data.dataset_factory as factory
        assert azureml is airflow_amlpipe.sdk
        assert azureml.core is sys.modules["airflow_amlpipe.sdk.core"] is sys.modules["azureml.core"]
        assert azureml.pipeline.core.graph is airflow_amlpipe.sdk.pipeline.core.graph
        assert Workspace is Again is airflow_amlpipe.sdk.core.workspace.Workspace
        assert PipelineParameter is Exported
        assert factory is sys.modules["airflow_amlpipe.sdk.data.dataset_factory"]
        names = [name for name in sys.modules if name.startswith("airflow_amlpipe.sdk.")]
        twice = [name for name in names if sys.modules.get(name.replace("airflow_amlpipe.sdk", "azureml"), sys.modules[name]) is not sys.modules[name]]
        assert not twice, twice
        assert azureml.core.__spec__.name == azureml.core.__name__ == "airflow_amlpipe.sdk.core"
    """)


def test_packages_behave_like_packages() -> None:
    python("""
        import airflow_amlpipe.azureml
        import importlib, importlib.util, pickle, pkgutil
        import azureml, azureml.core
        assert list(azureml.__path__)
        assert {"core", "data", "pipeline", "exceptions"} <= {module.name for module in pkgutil.iter_modules(azureml.__path__)}
        for module in pkgutil.walk_packages(azureml.__path__, "azureml."):
            importlib.import_module(module.name)
        assert importlib.util.find_spec("azureml.core.run") is not None
        assert importlib.reload(azureml.core) is azureml.core
        from azureml.core.conda_dependencies import CondaDependencies
        assert pickle.loads(pickle.dumps(CondaDependencies.create(pip_packages=["a"]))).as_dict()["dependencies"] == [{"pip": ["a"]}]
        assert "Workspace" in dir(azureml.core)
        assert not hasattr(azureml.core, "no_such_name")
    """)


def test_what_is_not_there_can_be_imported_and_says_what_to_use_when_it_is_used() -> None:
    printed = python("""
        import airflow_amlpipe.azureml
        from airflow_amlpipe.exceptions import UnsupportedFeatureError
        from azureml.core import ContainerRegistry, Image, LinkedService, Webservice
        from azureml.core.image import ContainerImage
        from azureml.core.model import InferenceConfig, Model
        from azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
        from azureml.core.webservice.aks import AksEndpoint
        from azureml.contrib.interpret.explanation.explanation_client import ExplanationClient
        from azureml.interpret import ExplanationClient as Client
        from azureml.explain.model.tabular_explainer import TabularExplainer
        from azureml.opendatasets import Diabetes
        from azureml.automl.core.forecasting_parameters import ForecastingParameters
        from azureml.train.automl.constants import Metric
        from azureml.monitoring import ModelDataCollector
        from azureml.core.runconfig import ContainerRegistry as Same, EnvironmentDefinition
        from azureml.core.util import NewLoggingLevel
        from azureml.data.constants import MOUNT_MODE, WORKSPACE_BLOB_DATASTORE
        from azureml.telemetry import set_diagnostics_collection

        class Mine(TabularExplainer):
            pass

        set_diagnostics_collection(send_diagnostics=True)
        for use in (
            lambda: Webservice(None, "x"),
            lambda: AciWebservice.deploy_configuration(cpu_cores=1),
            lambda: InferenceConfig("score.py"),
            lambda: ContainerImage.image_configuration(execution_script="score.py"),
            lambda: Mine(),
            lambda: Diabetes.get_tabular_dataset(),
            lambda: Metric.Accuracy(),
            lambda: ModelDataCollector("m"),
            lambda: AksEndpoint(),
            lambda: EnvironmentDefinition(),
            lambda: Same(),
            lambda: NewLoggingLevel(),
        ):
            try:
                use()
            except UnsupportedFeatureError as error:
                print(error)
        assert (MOUNT_MODE, WORKSPACE_BLOB_DATASTORE) == ("mount", "workspaceblobstore")
        assert not hasattr(AciWebservice, "_repr_html_")
    """).splitlines()
    assert len(printed) == 12
    assert all("is not supported by airflow-amlpipe; " in line and "docs/reference/coverage.md" in line for line in printed)
    assert printed[1].startswith("AciWebservice.deploy_configuration is not supported by airflow-amlpipe; serve the model outside")
    assert printed[5].startswith("Diabetes.get_tabular_dataset is not supported by airflow-amlpipe; read the public files")


def test_what_scripts_try_to_import_is_not_there_and_absent_errors_hide_no_other() -> None:
    printed = python("""
        import airflow_amlpipe.azureml
        from azureml.core.webservice import Webservice
        from azureml.exceptions import WebserviceException
        from azureml.interpret.common import ExplainError
        from azureml.monitoring import CollectorException as Collected

        for module in ("azureml.mlflow", "azureml.dataprep"):
            try:
                __import__(module)
            except ModuleNotFoundError as error:
                print(error.name, error)
        try:
            raise KeyError("of the script")
        except (WebserviceException, ExplainError):
            print("caught by a stand-in")
        except Collected:
            print("caught by a stand-in")
        except KeyError as error:
            print("caught", error)
        try:
            raise Collected("x")
        except Exception as error:
            print(error)
    """).splitlines()
    assert [line.partition(" ")[0] for line in printed[:2]] == ["azureml.mlflow", "azureml.dataprep"]
    assert "; set MLFLOW_TRACKING_URI in the step's environment_variables (docs/reference/coverage.md" in printed[0]
    assert printed[2] == "caught 'of the script'"
    assert printed[3].startswith("CollectorException is not supported by airflow-amlpipe; ")


def test_what_sdk_v1_never_had_is_not_there() -> None:
    printed = python("""
        import airflow_amlpipe.azureml
        from airflow_amlpipe.exceptions import UnsupportedFeatureError
        for statement in ("import azureml.no_such_thing", "import azureml.core.run.deeper", "from azureml.core import NoSuchName"):
            try:
                exec(statement)
            except ImportError as error:
                print(type(error).__mro__[1].__name__, getattr(error, "name", None), isinstance(error, UnsupportedFeatureError))
    """).splitlines()
    assert printed == [
        "NotSupportedYetError azureml.no_such_thing True",
        "ImportError azureml.core.run.deeper False",
        "Exception airflow_amlpipe.sdk.core False",
    ]


def test_every_class_of_sdk_v1_is_found_where_it_was_offered_and_where_it_was_defined() -> None:
    places = json.loads((Path(__file__).parents[1] / "golden/sdk_v1_places.json").read_text())
    lost = []
    for place, modules in places.items():
        name = place.rpartition(".")[2]
        found = {id(getattr(importlib.import_module(module), name, None)) for module in (place.rpartition(".")[0], *modules)}
        if len(found) != 1 or id(None) in found:
            lost.append(place)
    assert (len(places) > 120, lost) == (True, [])


def test_an_installed_azureml_is_shadowed_with_a_warning(tmp_path: Path) -> None:
    for name in ("azureml", "azureml/core"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("real = True\n")
    code = """
        import warnings
        {before}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import airflow_amlpipe.azureml
            airflow_amlpipe.azureml.install()
        import azureml, azureml.core
        assert not hasattr(azureml, "real") and not hasattr(azureml.core, "real")
        print([str(item.message)[:41] for item in caught])
    """
    for before in ("", "import azureml, azureml.core"):
        assert python(code.format(before=before), tmp_path).strip() == "['a package called azureml is installed; in']"


def test_nothing_is_warned_of_where_nothing_is_installed() -> None:
    assert python("import warnings; warnings.simplefilter('error'); import airflow_amlpipe.azureml; import azureml.core") == ""


def test_the_runtimes_own_package_in_a_step_is_no_stranger() -> None:
    shim = Path(__file__).resolve().parents[2] / "airflow_amlpipe/runtime/shim"
    for before in ("", "import azureml.core; "):
        code = f"{before}import warnings; warnings.simplefilter('error'); import airflow_amlpipe.azureml; import azureml.core; print(azureml.core.__name__)"
        assert python(code, shim).strip() == "airflow_amlpipe.sdk.core"


def test_without_the_alias_there_is_no_azureml() -> None:
    python("""
        import airflow_amlpipe.sdk.core
        try:
            import azureml
        except ModuleNotFoundError:
            pass
        else:
            raise SystemExit("azureml was importable")
    """)


def test_importing_the_surface_imports_neither_airflow_nor_pydantic() -> None:
    python("""
        import airflow_amlpipe.azureml
        from azureml.core import Dataset, Datastore, Environment, Experiment, RunConfiguration, Workspace
        from azureml.core.compute import AmlCompute, ComputeTarget
        from azureml.core.conda_dependencies import CondaDependencies
        from azureml.data import OutputFileDatasetConfig
        from azureml.pipeline.core import Pipeline, PipelineParameter, PipelineRun, StepSequence
        from azureml.pipeline.steps import PythonScriptStep
        heavy = {"airflow", "pydantic", "fsspec", "sqlalchemy", "yaml", "shutil", "tempfile", "hashlib"}
        heavy |= {"airflow_amlpipe.spec.model", "airflow_amlpipe.storage.store", "airflow_amlpipe.workspace"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """)


def test_outside_a_step_scripts_find_the_run_classes_that_they_ask_for() -> None:
    out = python("""
        import airflow_amlpipe.azureml
        from azureml.core.resource_configuration import ResourceConfiguration
        from azureml.core.run import Run, _OfflineRun, _SubmittedRun
        run = Run.get_context()
        print(isinstance(run, _OfflineRun), isinstance(run, _SubmittedRun), vars(ResourceConfiguration(cpu=1, memory_in_gb=0.5)))
    """)
    assert out == "True False {'cpu': 1, 'memory_in_gb': 0.5, 'gpu': None}\n"


REGISTER_WHAT_IS_NOT_FOUND = """
    import pickle, warnings
    import airflow_amlpipe.azureml
    from azureml.core import Datastore, Workspace
    from azureml.exceptions import UserErrorException
    {imports}
    ws = Workspace.create("ws", location="local", exist_ok=True)
    try:
        store = Datastore.get(ws, "lake")
    except {caught} as error:
        assert isinstance(error, UserErrorException) and error.message == str(error)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        print(str(error)[:34])
"""


def test_a_datastore_that_is_not_there_is_caught_as_scripts_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
    code = REGISTER_WHAT_IS_NOT_FOUND.format(imports="from msrest.exceptions import HttpOperationError", caught="HttpOperationError")
    said = "datastore 'lake' is not registered"
    assert python(code).splitlines()[-1] == said
    # the real one wants to be made from the answer of a service, and has words of its own
    (tmp_path / "msrest").mkdir()
    (tmp_path / "msrest" / "__init__.py").write_text("")
    (tmp_path / "msrest" / "exceptions.py").write_text(
        "class HttpOperationError(Exception):\n"
        "    def __init__(self, deserialize, response):\n        raise AssertionError('made from a text')\n"
        "    def __str__(self):\n        return str(self.error.error)\n"
    )
    assert python(code + "    import msrest; print(msrest.__file__)", tmp_path).splitlines()[-2:] == [
        said,
        str(tmp_path / "msrest" / "__init__.py"),
    ]
    # a script that does not know the class meets the same error without it
    assert python(REGISTER_WHAT_IS_NOT_FOUND.format(imports="", caught="UserErrorException")).splitlines()[-1] == said
    python("""
        import airflow_amlpipe.azureml
        try:
            import msrest.serialization
        except ModuleNotFoundError as error:
            assert error.name == "msrest.serialization"
        else:
            raise SystemExit("msrest.serialization was importable")
    """)
