"""What does a call hand over, and would Python let it?"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_amlpipe.migration.names import signature_of
from airflow_amlpipe.migration.places import Thing
from airflow_amlpipe.migration.things import Things

__all__ = ["Call", "bound", "own_arguments"]


@dataclass(frozen=True)
class Call:
    """A call of something of SDK v1.

    :ivar arguments: each argument by the name of its parameter, as far as that is known
    :ivar values: what those arguments can be
    :ivar problem: why Python would refuse the call; empty if it would not
    :ivar items: of arguments that are lists or tuples, what their items can be
    :ivar lists: the list behind an argument, written there or given a name before
    :ivar defaults: those of these lists that are the default of a function's argument
    :ivar made_from: what the object whose method is called was made from by another call, as far as that is one expression or a name
    :ivar is_dropped: nothing is done with what it returns
    """

    node: ast.Call
    thing: Thing
    arguments: dict[str, ast.expr]
    values: dict[str, Things]
    items: dict[str, Things]
    lists: dict[str, ast.List]
    defaults: set[str]
    made_from: Things
    problem: str
    is_dropped: bool


def bound(
    node: ast.Call, thing: Thing, positional: list[Things], named: Mapping[str | None, Things]
) -> tuple[dict[str, ast.expr], dict[str, Things], str]:
    """Return the arguments of a call of SDK v1 by the names of its parameters, what they can be, and why Python would refuse them."""
    signature = signature_of(thing)
    arguments = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    values = {name: things for name, things in named.items() if name is not None}
    is_spread = None in named or any(isinstance(each, ast.Starred) for each in node.args)
    if signature is None:
        return arguments, values, ""
    names = [each.name for each in signature.parameters.values() if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    problem = ""
    try:
        bind = signature.bind_partial if is_spread else signature.bind
        bind(*([] if is_spread else node.args), **arguments)
    except TypeError as error:
        problem = str(error)
    if not is_spread:
        arguments |= dict(zip(names, node.args, strict=False))
        values |= dict(zip(names, positional, strict=False))
    return arguments, values, problem


def own_arguments(node: ast.Call, names: list[str], positional: list[Things], named: Mapping[str | None, Things]) -> dict[str, Things]:
    """Return what the arguments of a call of the script's own function can be, by the names of its parameters."""
    given = {name: things for name, things in named.items() if name is not None}
    if not any(isinstance(each, ast.Starred) for each in node.args):
        given |= dict(zip(names, positional, strict=False))
    return given
