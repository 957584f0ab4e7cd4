"""What is written down of a question that ends in an error?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.operators.answering import Question
from airflow_amlpipe.workspace.asked import AskedThing
from airflow_amlpipe.workspace.telling import nothing_found

__all__ = ["finding", "handing_over"]


@contextmanager
def finding(question: Question) -> Iterator[None]:
    """Write down that there is none, where the block that looks for it says so: that is an answer, too, and a script may go on from there."""
    try:
        yield
    except DefinitionError as error:
        told = nothing_found(question.verb, question.arguments, error)
        if told is not None:
            question.record(AskedThing(verb=told.verb, what=f"{told.what}, of which there was none", told=told))
        raise


@contextmanager
def handing_over(question: Question, thing: AskedThing) -> Iterator[None]:
    """Write down what was found where the block cannot hand it over: asked again, it is found."""
    try:
        yield
    except DefinitionError:
        question.record(thing)
        raise
