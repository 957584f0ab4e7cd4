"""What may a step be given, and what does its constructor make of it?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from azureml.core import Dataset, Datastore, Workspace
from azureml.data import DataReference, OutputFileDatasetConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineParameter, StepSequence
from azureml.pipeline.steps import PythonScriptStep


def step(name: str = "train", **changes: Any) -> PythonScriptStep:
    return PythonScriptStep(**{"script_name": "train.py", "name": name, "source_directory": "src", **changes})


def files(ws: Workspace) -> Any:
    return Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "images"), validate=False)


def test_data_in_arguments_is_added_to_inputs_and_outputs(ws: Workspace) -> None:
    inputs: list[Any] = []
    outputs: list[Any] = []
    arguments = ["--in", files(ws).as_named_input("data").as_mount(), OutputFileDatasetConfig("model"), PipelineParameter("p", 1)]
    made = step(arguments=arguments, inputs=inputs, outputs=outputs)
    assert [binding.name for binding in made._inputs] == ["data"]
    assert [binding.name for binding in made._outputs] == ["model"]


def test_the_lists_that_were_given_are_changed_as_sdk_v1_changed_them(ws: Workspace) -> None:
    data, model, parameter = files(ws).as_named_input("data"), OutputFileDatasetConfig("model"), PipelineParameter("p", 1)
    arguments, inputs, outputs = ["--in", data, model, parameter], [], []
    step(arguments=arguments, inputs=inputs, outputs=outputs)
    assert arguments == ["--in", "DatasetConsumptionConfig:data", "DatasetOutputConfig:model", parameter]
    assert inputs == [data]
    assert outputs == [model]


def test_an_input_in_both_places_is_one_input(ws: Workspace) -> None:
    dataset = files(ws)
    made = step(inputs=[dataset.as_named_input("data")], arguments=[dataset.as_named_input("data"), dataset.as_named_input("data")])
    assert len(made._inputs) == 1


def test_an_output_given_as_input_is_read_and_not_written(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    made = step(inputs=[output], arguments=["--in", output])
    assert [binding.name for binding in made._inputs] == ["input_1"]
    assert made._outputs == []


def test_an_output_used_twice_is_one_output() -> None:
    output = OutputFileDatasetConfig()
    assert [binding.name for binding in step(outputs=[output], arguments=[output, output])._outputs] == ["output_1"]


def test_an_unnamed_output_learns_its_name_from_its_step() -> None:
    output = OutputFileDatasetConfig()
    assert output.name is None
    step(arguments=[output])
    assert (output.name, output.as_upload().name) == ("output_1", "output_1")


def test_copies_of_one_output_with_different_settings_are_refused() -> None:
    output = OutputFileDatasetConfig("o")
    with pytest.raises(UserErrorException, match=r"step 'train': output 'o' is there twice, with different settings"):
        step(outputs=[output.as_upload()], arguments=[output])


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, object(), Decimal(1)], ids=lambda value: type(value).__name__)
def test_an_argument_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"step 'train': argument 2 is .* of type .*use text, a number, a PipelineParameter"):
        step(arguments=["--x", value])


def test_a_number_of_numpy_becomes_a_number() -> None:
    class Integer64(int):
        def item(self) -> int:
            return int(self)

    numpy_like = type("float64", (), {"item": lambda self: 2.5})()
    __import__("numbers").Number.register(type(numpy_like))
    assert step(arguments=[numpy_like])._arguments == [2.5]
    assert step(arguments=[Integer64(3)])._arguments == [3]


def test_a_dataset_needs_a_name_as_input_and_as_argument(ws: Workspace) -> None:
    for place in ("inputs", "arguments"):
        with pytest.raises(ValueError, match="a dataset cannot be an .* by itself; use dataset.as_named_input"):
            step(**{place: [files(ws)]})


def test_a_reference_in_arguments_must_be_in_inputs(ws: Workspace) -> None:
    reference = DataReference(ws.get_default_datastore(), "raw")
    with pytest.raises(ValueError, match=r"argument 1: .* must be in inputs=\[...\] of the step as well"):
        step(arguments=[reference])
    assert [binding.name for binding in step(inputs=[reference], arguments=[reference])._inputs] == ["raw"]


@pytest.mark.parametrize(("place", "value"), [("inputs", ["path"]), ("outputs", ["path"]), ("inputs", "path"), ("arguments", "--x")])
def test_what_is_no_list_of_data_is_refused(place: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"step 'train': {place}"):
        step(**{place: value})


def test_two_inputs_of_one_name_are_refused(ws: Workspace) -> None:
    with pytest.raises(ValueError, match="2 inputs are called 'data'; give each its own name"):
        step(inputs=[files(ws).as_named_input("data"), files(ws).as_named_input("data")])


def test_a_tuple_of_arguments_is_taken_and_left_alone() -> None:
    output = OutputFileDatasetConfig("o")
    arguments = ("--out", output)
    step(arguments=arguments)
    assert arguments == ("--out", output)


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "  ", "a\x00", 3])
def test_a_step_name_that_cannot_be_shown_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="step: the name .* cannot be used; use printable characters"):
        step(name)


@pytest.mark.parametrize("name", ["a*", "[train]", "..", "é", "a b"])
def test_a_step_may_be_called_anything_that_prints(ws: Workspace, name: str) -> None:
    assert Pipeline(ws, step(name)).validate() == []


def test_run_after_takes_a_step() -> None:
    with pytest.raises(ValueError, match="step 'train': run_after takes a step, not"):
        step().run_after([step()])  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [("a",), "train", None, 3], ids=repr)
def test_only_steps_lists_and_sequences_make_a_pipeline(ws: Workspace, steps: Any) -> None:
    with pytest.raises(NotImplementedError, match="Can not add object of type .* to Pipeline. Give a step, a list of steps"):
        Pipeline(ws, steps)


def test_nested_lists_are_flattened(ws: Workspace) -> None:
    a, b, c = step("a"), step("b"), step("c")
    assert list(Pipeline(ws, [[a, [b]], c])._steps) == [a, b, c]


def test_the_last_step_pulls_in_what_it_needs(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    a, b, c = step("a", arguments=[output]), step("b"), step("c", arguments=[output.as_input("x")])
    c.run_after(b)
    assert set(Pipeline(ws, steps=[c])._steps) == {a, b, c}
    assert set(Pipeline(ws, steps=[c], resolve_closure=False)._steps) == {c}


def test_a_step_made_again_replaces_the_one_that_wrote_an_output(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o")
    step("a", arguments=[output])
    again = step("a", arguments=[output])
    assert set(Pipeline(ws, steps=[step("c", arguments=[output.as_input("x")])])._steps) > {again}
    assert len(Pipeline(ws, steps=[step("c", arguments=[output.as_input("x")])])._steps) == 2


def test_a_sequence_is_a_list() -> None:
    sequence = StepSequence()
    sequence.append(step())
    assert len(sequence) == 1
