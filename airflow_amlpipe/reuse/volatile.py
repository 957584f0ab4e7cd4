"""Which values does a script get that its key does not hold, and do they differ from those that a result was computed with?

They are volatile because the author said that they do not influence the outputs. So they are told, never called a cause.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.reuse.subject import argument_name, parameter_name
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument, StepSpec

__all__ = ["volatile_changes", "volatile_values"]


def volatile_values(step: StepSpec, parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the volatile values of ``step``, each under its name for people; steps of one key have the same names.

    :param parameters: value of every parameter the step reads
    """
    named = {name: value for name, value in step.named_values.items() if value.volatile}
    found: dict[str, Scalar] = {}
    for index, argument in enumerate(step.arguments):
        if not isinstance(argument, (LiteralArgument, ParameterArgument)) or not argument.volatile:
            continue
        if isinstance(argument, ParameterArgument) and argument.parameter in named:
            continue  # volatile wherever the step reads it, and told once, by its name
        found[argument_name(index, _text_before(step, index))] = _bound(argument, parameters)
    return found | {parameter_name(name): _bound(value, parameters) for name, value in named.items()}


def volatile_changes(before: Mapping[str, Scalar], now: Mapping[str, Scalar]) -> tuple[str, ...]:
    """Return a clause for each volatile value that was another one before: ``argument 2 ('--build') was 41 and is 42 now``."""
    return tuple(
        f"{name} was {shorten(repr(before[name]), 80)} and is {shorten(repr(value), 80)} now"
        for name, value in now.items()
        if name in before and (type(before[name]), before[name]) != (type(value), value)
    )


def _bound(value: LiteralArgument | ParameterArgument, parameters: Mapping[str, Scalar]) -> Scalar:
    return parameters[value.parameter] if isinstance(value, ParameterArgument) else value.value


def _text_before(step: StepSpec, index: int) -> object:
    """Return the value before an argument if it is the author's own, and part of the key."""
    before = step.arguments[index - 1] if index else None
    return before.value if isinstance(before, LiteralArgument) and not before.volatile else None
