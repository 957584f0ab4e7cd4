"""Does the outline of a pipeline say enough for one of its tasks?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from tests.builders import OUT, a_pipeline, a_step, reading

RATE = ParameterSpec(name="rate", type="number", default=0.5)
SPEC = a_pipeline(a_step("train", inputs=reading("prepare")), a_step("prepare", name="prepare data", outputs=OUT), parameters=(RATE,))


NAMES = {"prepare": "prepare data", "train": "train"}


def test_it_names_the_steps_in_order_of_execution() -> None:
    outline = PipelineOutline.of(SPEC, NAMES, "ab" * 32)
    assert list(outline.step_names.items()) == [("prepare", "prepare data"), ("train", "train")]
    assert (outline.name, outline.parameters, outline.digest) == ("nightly", (RATE,), "ab" * 32)


def test_it_comes_back_from_json_as_it_was() -> None:
    outline = PipelineOutline.of(SPEC, NAMES)
    again = PipelineOutline.model_validate_json(outline.model_dump_json())
    assert again == outline
    assert list(again.step_names) == ["prepare", "train"]


def test_it_says_what_the_workspace_is_called() -> None:
    names = WorkspaceNames(name="team", subscription_id="s", resource_group="g")
    outline = PipelineOutline.of(SPEC.model_copy(update={"workspace": names}), NAMES)
    assert PipelineOutline.model_validate_json(outline.model_dump_json()).workspace == names


def test_it_binds_parameters_as_the_pipeline_does() -> None:
    outline = PipelineOutline.of(SPEC, NAMES)
    assert outline.bind_parameters({"rate": 2}) == SPEC.bind_parameters({"rate": 2}) == {"rate": 2.0}
    with pytest.raises(DefinitionError, match="takes a value of type number"):
        outline.bind_parameters({"rate": "fast"})
