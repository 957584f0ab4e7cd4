"""Which outputs of a pipeline may be put at one place?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.places import share_places
from tests.builders import a_pipeline, a_step


def two_outputs(one: str | None, other: str | None, *, same_step: bool = False, datastore: str = "d") -> PipelineSpec:
    outputs = (OutputSpec(name="o1", datastore="d", destination=one), OutputSpec(name="o2", datastore=datastore, destination=other))
    if same_step:
        return a_pipeline(a_step("a", outputs=outputs))
    return a_pipeline(a_step("a", outputs=outputs[:1]), a_step("b", outputs=outputs[1:]))


def marks(pipeline: PipelineSpec) -> list[bool]:
    shared = pipeline.model_copy(update={"steps": share_places(pipeline.steps)}).check()
    return [output.shares_place for step in shared.steps for output in step.outputs]


@pytest.mark.parametrize(
    ("one", "other", "same_step"),
    [
        ("x/y", "x/./y", False),
        ("x/y", "/x/y/", False),
        ("x", "x/y", False),
        ("x/y/z", "x", False),
        ("{output-name}", "o1", False),
        ("x/{run-id}", "x/{run-id}", True),
        ("x/{run-id}", "x/{run-id}/{output-name}", True),
    ],
)
def test_places_that_meet_are_shared_and_say_so(one: str, other: str, same_step: bool) -> None:
    pipeline = two_outputs(one, other, same_step=same_step)
    assert marks(pipeline) == [True, True]
    with pytest.raises(DefinitionError, match="every output has a place of its own"):
        pipeline.check()


@pytest.mark.parametrize(("one", "other"), [("x/{run-id}", "x/{run-id}"), ("x", "xy"), ("x/y", "x/z"), (None, None)])
def test_places_that_do_not_meet_are_not_shared(one: str | None, other: str | None) -> None:
    assert marks(two_outputs(one, other)) == [False, False]


def test_places_on_two_datastores_never_meet() -> None:
    assert marks(two_outputs("x", "x", datastore="e")) == [False, False]


@pytest.mark.parametrize(("one", "other"), [("azureml", None), (None, "azureml"), ("azureml", "/azureml/{run-id}/{output-name}")])
def test_nothing_is_put_around_the_outputs_that_are_kept(one: str | None, other: str | None) -> None:
    with pytest.raises(DefinitionError, match=r"step '.': output 'o.' writes to .* and step '.': output 'o.' to 'azureml'; every output"):
        marks(two_outputs(one, other))


def test_every_output_below_a_place_shares_it() -> None:
    steps = tuple(
        a_step(step_id, outputs=(OutputSpec(name="o", datastore="d", destination=place),))
        for step_id, place in (("a", "x/1"), ("b", "x"), ("c", "x/2/y"), ("d", "z"))
    )
    assert {step.id: step.outputs[0].shares_place for step in share_places(steps)} == {"a": True, "b": True, "c": True, "d": False}


def test_what_is_shared_is_kept_where_only_one_try_writes() -> None:
    shared = OutputSpec(name="o", datastore="d", destination="x/{run-id}", shares_place=True)
    assert (shared.kept_at, shared.is_published) == ("azureml/{run-id}/{output-name}", True)
    alone = OutputSpec(name="o", datastore="d", destination="x/{run-id}")
    assert (alone.kept_at, alone.is_published) == ("x/{run-id}", False)
