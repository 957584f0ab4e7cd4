"""What does a run's conf mean, and what of it is refused?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest, read_request
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.workspace.ids import run_id_for

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
OUTLINE = PipelineOutline(
    name="nightly",
    parameters=(ParameterSpec(name="rate", type="number", default=0.5), ParameterSpec(name="label", type="string", default="a")),
    step_names={"prepare": "prepare", "train": "train it"},
)


def read(conf: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **changes: Any) -> RunRequest:
    given: dict[str, Any] = {
        "conf": conf or {},
        "params": params or {},
        "dag_id": "nightly_dag",
        "dag_run_id": "manual__1",
        "run_after": AT,
        **changes,
    }
    return read_request(OUTLINE, **given)


def test_a_run_without_conf_takes_the_defaults() -> None:
    request = read()
    assert request.parameters == {"rate": 0.5, "label": "a"}
    assert (str(request.policy), request.experiment, request.tags) == ("auto", "nightly_dag", {})


def test_all_tasks_of_a_run_find_the_same_run_id() -> None:
    assert read().run_id == read(params={"rate": 2.0}).run_id == run_id_for("nightly_dag", "manual__1", AT)
    assert read(dag_run_id="manual__2").run_id != read().run_id


def test_the_dags_params_hold_the_defaults_and_conf_comes_first() -> None:
    assert read(params={"rate": 0.7, "label": "b"}).parameters == {"rate": 0.7, "label": "b"}
    assert read(conf={"rate": 0.9}, params={"rate": 0.7}).parameters == {"rate": 0.9, "label": "a"}


def test_a_parameter_may_have_a_name_of_several_words() -> None:
    outline = OUTLINE.model_copy(update={"parameters": (ParameterSpec(name="learning-rate of.model", type="number", default=0.5),)})
    given = {"conf": {"learning-rate of.model": 1}, "params": {}, "dag_id": "d", "dag_run_id": "r", "run_after": AT}
    assert read_request(outline, **given).parameters == {"learning-rate of.model": 1.0}  # type: ignore[arg-type]


def test_conf_names_data_as_sdk_v1s_rest_did_or_as_the_form_does() -> None:
    data = ParameterSpec(name="where", type="data_path", default=DatastorePath(datastore="lake", path="raw"))
    outline = OUTLINE.model_copy(update={"parameters": (data,)})
    shapes = [{"datastore": "lake", "path": "a"}, {"DataStoreName": "lake", "RelativePath": "a"}]
    for shape in shapes:
        given: dict[str, Any] = {"conf": {"where": shape}, "params": {"where": {"datastore": "lake", "path": "raw"}}}
        request = read_request(outline, **given, dag_id="d", dag_run_id="r", run_after=AT)
        assert request.parameters == {"where": DatastorePath(datastore="lake", path="a")}
    with pytest.raises(DefinitionError, match="parameter 'where': the path '../x' must be relative"):
        read_request(outline, conf={"where": {"datastore": "lake", "path": "../x"}}, params={}, dag_id="d", dag_run_id="r", run_after=AT)


def test_a_whole_number_for_a_number_means_the_same_as_the_number() -> None:
    value = read(conf={"rate": 1}).parameters["rate"]
    assert (value, type(value)) == (1.0, float)


@pytest.mark.parametrize("value", ["{{ conn.x.password }}", "{% for %}", "{run-id}", "; rm -rf /", "", "é" * 1000])
def test_text_is_taken_as_it_is(value: str) -> None:
    """S08, S09."""
    assert read(conf={"label": value}).parameters["label"] == value


def test_text_that_no_script_can_be_given_is_refused() -> None:
    """S08."""
    with pytest.raises(DefinitionError, match="parameter 'label' was given .* which holds a NUL character"):
        read(conf={"label": "a\x00b"})


def test_an_unknown_key_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownNameError, match="pipeline 'nightly' has no parameter 'rat'; its parameters are: label, rate"):
        read(conf={"rat": 1.0})


def test_params_that_the_dag_declares_beside_the_pipelines_are_left_to_it() -> None:
    assert read(conf={"region": "eu"}, params={"region": "eu"}, other_params=("region",)).parameters == {"rate": 0.5, "label": "a"}


@pytest.mark.parametrize("value", ["0.5", True, None, [0.5], {"a": 1}])
def test_a_value_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError):
        read(conf={"rate": value})


def test_the_reserved_key_says_which_run_it_is() -> None:
    options = {"run_id": "0190-abc_1", "experiment": "digits", "reuse": "refresh-from:train", "tags": {"who": "me"}}
    request = read(conf={"amlpipe": options, "rate": 0.1})
    assert (request.run_id, request.experiment, str(request.policy), request.tags) == (
        "0190-abc_1",
        "digits",
        "refresh-from:train",
        {"who": "me"},
    )
    assert request.parameters["rate"] == 0.1


def test_the_experiment_may_be_called_as_the_dag_whatever_that_is_called() -> None:
    assert read(dag_id="team.nightly").experiment == "team.nightly"
    assert read(conf={"amlpipe": {"experiment": "team.nightly"}}, dag_id="team.nightly").experiment == "team.nightly"


def test_options_that_are_null_are_not_given() -> None:
    assert read(conf={"amlpipe": {"run_id": None, "reuse": None}}) == read()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("auto", "reserved for a mapping of experiment, reuse, run_id, tags"),
        ({"policy": "auto"}, "has no option 'policy'; its options are: experiment, reuse, run_id, tags"),
        ({"reuse": "sometimes"}, "the reuse policy 'sometimes' is not known"),
        ({"reuse": "refresh-from:tune"}, "the reuse policy names step 'tune'; the pipeline's steps are: prepare, train"),
        ({"run_id": "../elsewhere"}, "run id '../elsewhere' cannot be used"),
        ({"run_id": "x" * 101}, "run id .* cannot be used"),
        ({"run_id": 7}, "run id 7 cannot be used"),
        ({"experiment": "two\nlines"}, "experiment: the name"),
        ({"experiment": "a.b"}, "conf key 'amlpipe': experiment: the name 'a.b' cannot be used; use letters, digits"),
        ({"experiment": "-a"}, "experiment: the name '-a'"),
        ({"experiment": "x" * 256}, "experiment: the name"),
        ({"experiment": 7}, "experiment: the name 7"),
        ({"tags": ["a"]}, "must be a mapping of text to text"),
        ({"tags": {"a": 1}}, "must be a mapping of text to text"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: object, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        read(conf={"amlpipe": options})
