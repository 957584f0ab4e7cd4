"""Does every error of ours end a task in the way its author needs?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

import airflow_amlpipe.sdk.exceptions  # noqa: F401  its classes hang in the tree
from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, StepFailedError
from airflow_amlpipe.operators.errors import TRANSLATIONS, translate, translated


def _tree(error: type[AmlPipeError]) -> Iterator[type[AmlPipeError]]:
    for child in error.__subclasses__():
        yield child
        yield from _tree(child)


def _make(kind: type[AmlPipeError]) -> AmlPipeError:
    return kind("no such file", exit_code=1) if issubclass(kind, StepFailedError) else kind("no such file")


@pytest.mark.parametrize("kind", sorted(set(_tree(AmlPipeError)), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_class_of_the_tree_has_a_translation(kind: type[AmlPipeError]) -> None:
    assert any(issubclass(kind, ours) for ours in TRANSLATIONS), f"{kind.__name__} needs a line in operators/errors.py"
    assert AmlPipeError not in TRANSLATIONS, "the root would translate a new branch without anybody having thought about it"


@pytest.mark.parametrize("kind", sorted(set(_tree(AmlPipeError)), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_only_what_the_author_has_to_change_is_not_retried(kind: type[AmlPipeError]) -> None:
    translation = translate(_make(kind))
    assert isinstance(translation, AirflowFailException) == issubclass(kind, DefinitionError)
    assert isinstance(translation, AirflowException)
    assert str(translation) == "no such file"


def test_the_error_is_kept_as_the_cause() -> None:
    ours = InfrastructureError("the store did not answer")
    with pytest.raises(AirflowException) as caught, translated():
        raise ours
    assert caught.value.__cause__ is ours


def test_other_peoples_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError


def test_an_error_of_no_branch_may_be_retried() -> None:
    assert type(translate(AmlPipeError("odd"))) is AirflowException
