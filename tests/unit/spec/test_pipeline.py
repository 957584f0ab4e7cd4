"""Which definitions are sound, and what is said of the others?"""

from __future__ import annotations

import json

import pytest

from airflow_amlpipe.exceptions import AmlPipeError, CycleError, DefinitionError, ProtocolError, UnknownNameError
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.document import dump_pipeline, load_pipeline
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, ParameterArgument, PythonScript, StepVariable
from tests.builders import OUT, a_pipeline, a_step, reading

ONE = StepVariable(name="a-b", value=LiteralArgument(value=1))
DOTTED = StepVariable(name="a_b", value=ParameterArgument(parameter="a.b"))


def test_a_pipeline_survives_the_round_trip_through_json() -> None:
    spec = a_pipeline(
        a_step(
            "prepare",
            outputs=(
                OutputSpec(
                    name="out", datastore="lake", destination="x/{run-id}", register_as=RegistrationSpec(name="images", tags={"a": "b"})
                ),
            ),
            arguments=(
                LiteralArgument(value=1),
                LiteralArgument(value="1"),
                LiteralArgument(value=True),
                LiteralArgument(value=0.5),
                OutputArgument(output="out"),
            ),
            inputs=(
                InputSpec(name="raw", mode="download", source=DatasetSource(paths=(DatastorePath(datastore="lake", path="raw/*.csv"),))),
            ),
        ),
        a_step(
            "train",
            inputs=reading("prepare"),
            arguments=(InputArgument(input="data"), ParameterArgument(parameter="rate")),
            timeout_seconds=60.0,
        ),
        parameters=(ParameterSpec(name="rate", type="number", default=0.5),),
    ).check()
    assert load_pipeline(dump_pipeline(spec)) == spec
    assert [type(argument.value) for argument in load_pipeline(dump_pipeline(spec)).steps[0].arguments[:4]] == [int, str, bool, float]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda document: document.update(format="amlpipe/pipeline/v2"),
            ProtocolError,
            ["'amlpipe/pipeline/v2'", "this version reads 'amlpipe/pipeline/v1'"],
        ),
        (lambda document: document.update(colour="red"), DefinitionError, ["colour", "Extra inputs are not permitted"]),
        (lambda document: document["steps"][0].update(allow_reuse="yes"), DefinitionError, ["steps.0.allow_reuse", "'yes'"]),
        (lambda document: document["steps"][0].pop("command"), DefinitionError, ["steps.0.command", "Field required"]),
        (
            lambda document: document["steps"][0]["arguments"].append({"kind": "literal", "value": None}),
            DefinitionError,
            ["steps.0.arguments.0"],
        ),
    ],
)
def test_a_document_that_is_no_pipeline_is_refused_with_the_place(change, error: type[AmlPipeError], words: list[str]) -> None:  # type: ignore[no-untyped-def]
    document = json.loads(dump_pipeline(a_pipeline()))
    change(document)
    with pytest.raises(error) as caught:
        load_pipeline(json.dumps(document))
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_text_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(AmlPipeError):
        load_pipeline(text)


@pytest.mark.parametrize(
    ("pipeline", "error", "words"),
    [
        (a_pipeline(steps=()), DefinitionError, ["'nightly' has no steps"]),
        (a_pipeline(a_step("a"), a_step("a")), DefinitionError, ["2 steps are called 'a'"]),
        (a_pipeline(a_step("a", run_after=("b",)), a_step("b", run_after=("a",))), CycleError, ["cycle detected", "a -> b"]),
        (a_pipeline(a_step("a", run_after=("a",))), CycleError, ["a -> a"]),
        (a_pipeline(a_step("a", run_after=("gone",))), UnknownNameError, ["runs after step 'gone'", "steps=[...]"]),
        (a_pipeline(a_step("a", inputs=reading("gone"))), UnknownNameError, ["output 'out' of step 'gone'"]),
        (a_pipeline(a_step("a", outputs=OUT), a_step("b", inputs=reading("a", "other"))), UnknownNameError, ["output 'other' of step 'a'"]),
        (a_pipeline(a_step("a", arguments=(ParameterArgument(parameter="rate"),))), UnknownNameError, ["reads parameter 'rate'"]),
        (a_pipeline(a_step("a", arguments=(InputArgument(input="x"),))), UnknownNameError, ["names input 'x'"]),
        (a_pipeline(a_step("a", arguments=(OutputArgument(output="x"),))), UnknownNameError, ["names output 'x'"]),
        (a_pipeline(a_step("a", command=PythonScript(script="../evil.py"))), DefinitionError, ["script_name", "stay below its root"]),
        (a_pipeline(a_step("a", command=PythonScript(script="/etc/evil.py"))), DefinitionError, ["script_name"]),
        (a_pipeline(a_step("a", command=PythonScript(script="-c"))), DefinitionError, ["starts with '-'"]),
        (a_pipeline(a_step("", name="train")), DefinitionError, ["step 'train': the id ''", "letters, digits"]),
        (a_pipeline(a_step("..", name="train")), DefinitionError, ["step 'train': the id '..'"]),
        (a_pipeline(a_step(".")), DefinitionError, ["the id '.'"]),
        (a_pipeline(a_step("../../evil")), DefinitionError, ["the id '../../evil'"]),
        (a_pipeline(a_step("a b")), DefinitionError, ["the id 'a b'"]),
        (a_pipeline(a_step("é")), DefinitionError, ["the id 'é'"]),
        (a_pipeline(a_step("a\n", name="train")), DefinitionError, ["the id 'a\\n'"]),
        (a_pipeline(a_step("i" * 251, name="train")), DefinitionError, ["the id", "at most 250"]),
        (a_pipeline(a_step("a", name="a\nb")), DefinitionError, ["'a\\nb'", "printable"]),
        (a_pipeline(a_step("a", name="n" * 300)), DefinitionError, ["at most 255"]),
        (a_pipeline(name="p" * 300), DefinitionError, ["at most 255"]),
        (
            a_pipeline(a_step("a", outputs=(OutputSpec(name="o[1]", datastore="d"),))),
            DefinitionError,
            ["'o[1]'", "letters, digits and '_'"],
        ),
        (a_pipeline(a_step("a", outputs=(OutputSpec(name="o*", datastore="d"),))), DefinitionError, ["'o*'"]),
        (a_pipeline(a_step("a", outputs=(OutputSpec(name="..", datastore="d"),))), DefinitionError, ["'..'"]),
        (a_pipeline(a_step("a", outputs=OUT + OUT)), DefinitionError, ["2 outputs are called 'out'"]),
        (
            a_pipeline(
                a_step("a", outputs=(OutputSpec(name="o", datastore="d", destination="x"),)),
                a_step("b", outputs=(OutputSpec(name="p", datastore="d", destination="/x/"),)),
            ),
            DefinitionError,
            ["every output has a place of its own", "'x'"],
        ),
        (
            a_pipeline(a_step("a", outputs=(OutputSpec(name="o", datastore="d", register_as=RegistrationSpec(name="a/b")),))),
            DefinitionError,
            ["'a/b'", "cannot be registered"],
        ),
        (
            a_pipeline(parameters=(ParameterSpec(name="rate", type="number", default="x"),)),
            DefinitionError,
            ["takes a value of type number"],
        ),
        (a_pipeline(parameters=(ParameterSpec(name="a/b", type="string", default="x"),)), DefinitionError, ["'a/b'"]),
        (a_pipeline(parameters=(ParameterSpec(name="amlpipe", type="string", default="x"),)), DefinitionError, ["'amlpipe' is reserved"]),
        (a_pipeline(a_step("a", variables=(ONE, ONE))), DefinitionError, ["step 'a'", "2 params are called 'a-b'"]),
        (
            a_pipeline(a_step("a", variables=(StepVariable(name="a=b", value=LiteralArgument(value=1)),))),
            DefinitionError,
            ["step 'a': params", "'a=b'"],
        ),
        (
            a_pipeline(a_step("a", variables=(ONE, StepVariable(name="a b", value=LiteralArgument(value=True))))),
            DefinitionError,
            ["step 'a': parameters 'a-b' and 'a b' would both be AML_PARAMETER_a_b", "rename one"],
        ),
        (
            a_pipeline(
                a_step("a", arguments=(ParameterArgument(parameter="a.b"), ParameterArgument(parameter="a_b"))),
                parameters=(ParameterSpec(name="a.b", type="integer", default=1), ParameterSpec(name="a_b", type="integer", default=1)),
            ),
            DefinitionError,
            ["parameters 'a.b' and 'a_b' would both be AML_PARAMETER_a_b"],
        ),
    ],
)
def test_an_unsound_pipeline_is_refused_in_the_authors_words(
    pipeline: PipelineSpec, error: type[DefinitionError], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        pipeline.check()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_two_parameters_of_one_variable_are_fine_where_no_step_reads_both_or_they_are_one_value() -> None:
    parameters = (ParameterSpec(name="a.b", type="integer", default=1), ParameterSpec(name="a_b", type="integer", default=1))
    a_pipeline(
        a_step("one", arguments=(ParameterArgument(parameter="a.b"),), variables=(DOTTED,)),
        a_step("two", arguments=(ParameterArgument(parameter="a_b"),)),
        parameters=parameters,
    ).check()


@pytest.mark.parametrize(
    "destination",
    [
        "../x",
        "a/../../b",
        "{run-id}/../..",
        "x\\..\\..\\y",
        "c:/x",
        "s3://other/x",
        "x\0y",
        "x\ny",
        "{run_id}/x",
        "{0}",
        "{run.__class__}",
        "x{",
        "}x",
        "",
        "/",
        "x*y",
        "x?/y",
        "x" * 300,
        "x/" * 500,
        "../../../etc/passwd",
        "..%2f..\\..",
        "a/b/../../../c",
        "{run-id}/../{output-name}/../../x",
        "~/x",
        "\\\\host\\share",
        "file:///etc",
        "https://host/x",
        "{run-id.__class__}",
        "{{run-id}}/x",
    ],
)
def test_a_destination_that_leaves_its_datastore_or_has_an_unknown_place_holder_is_refused(destination: str) -> None:
    """S01, S02."""
    with pytest.raises(DefinitionError, match="destination"):
        a_pipeline(a_step(outputs=(OutputSpec(name="o", datastore="d", destination=destination),))).check()


def test_steps_come_after_those_they_wait_for_and_otherwise_in_the_authors_order() -> None:
    pipeline = a_pipeline(a_step("z", inputs=reading("m")), a_step("m", outputs=OUT), a_step("b"), a_step("a", run_after=("z",)))
    assert [step.id for step in pipeline.in_order()] == ["m", "b", "z", "a"]


@pytest.mark.parametrize(
    ("type_", "default", "given", "bound"),
    [("number", 0.5, 1, 1.0), ("number", 0.5, 0.25, 0.25), ("integer", 3, 5, 5), ("string", "a", "", ""), ("boolean", True, False, False)],
)
def test_a_parameter_takes_values_of_its_type(type_, default: object, given: object, bound: object) -> None:  # type: ignore[no-untyped-def]
    value = a_pipeline(parameters=(ParameterSpec(name="p", type=type_, default=default),)).bind_parameters({"p": given})["p"]  # type: ignore[arg-type]
    assert (value, type(value)) == (bound, type(bound))


def test_a_default_is_bound_as_a_given_value_is() -> None:
    """A hand-written specification may say ``1`` for a number: whoever binds it, the step's key holds 1.0."""
    value = a_pipeline(parameters=(ParameterSpec(name="p", type="number", default=1),)).check().bind_parameters({})["p"]
    assert (value, type(value)) == (1.0, float)


@pytest.mark.parametrize(
    ("type_", "default", "given"),
    [("integer", 1, "5"), ("string", "a", 3), ("integer", 1, True), ("boolean", True, 1), ("number", 0.5, "x"), ("string", "a", None)],
)
def test_a_parameter_of_another_type_is_refused(type_, default: object, given: object) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DefinitionError, match="type"):
        a_pipeline(parameters=(ParameterSpec(name="p", type=type_, default=default),)).bind_parameters({"p": given})  # type: ignore[arg-type]


def test_an_unknown_parameter_is_refused_by_name_and_the_known_ones_are_listed() -> None:
    with pytest.raises(UnknownNameError, match="no parameter 'rat'; its parameters are: rate"):
        a_pipeline(parameters=(ParameterSpec(name="rate", type="number", default=0.5),)).bind_parameters({"rat": 1.0})


@pytest.mark.parametrize("source", ["", "../x", "a/../../x", "a\0b", "/tmp/../etc", "x" * 300])
def test_a_place_on_the_compute_that_leaves_its_folder_is_refused_before_anything_runs(source: str) -> None:
    with pytest.raises(DefinitionError, match="output 'o': source"):
        a_pipeline(a_step(outputs=(OutputSpec(name="o", datastore="d", source=source),))).check()
