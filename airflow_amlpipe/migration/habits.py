"""What do scripts of SDK v1 do that it let pass, though it cannot have been meant?

Each habit is a function that looks at one call and says what is wrong with it. What a call's signature, or its row of the coverage, says already
is not said here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from airflow_amlpipe.migration.call import Call
from airflow_amlpipe.migration.findings import Verdict
from airflow_amlpipe.migration.handing import argument_names, given_names, names_in
from airflow_amlpipe.migration.places import Thing, class_at

__all__ = ["LITERALS", "Remark", "Script", "formatted", "remarks"]

# What SDK v1's objects look like as text: in a script it is the left-over of a mistake.
LITERALS = ("PipelineParameter_Name:", "DatasetConsumptionConfig:")
_STEPS = "azureml.pipeline.core.PipelineStep"
_DATASET = "azureml.data.abstract_dataset.AbstractDataset"
# What is a description where it is made a text of, and its path where the step has it in inputs or outputs, too.
_DESCRIBED = ("azureml.data.dataset_consumption_config.DatasetConsumptionConfig", "azureml.data.OutputFileDatasetConfig")


@dataclass(frozen=True)
class Remark:
    """What a habit says of a call.

    :ivar unless_given: nothing is wrong if a step of the script has data of one of these names
    """

    verdict: Verdict
    subject: str
    text: str
    remedy: str
    unless_given: frozenset[str] = frozenset()


@dataclass
class Script:
    """What one script did so far, as far as a later line can be wrong because of it.

    :ivar loaded: every name that the script reads somewhere
    :ivar given: the names of the data that its steps have; ``None`` when nobody can tell what a step has
    """

    loaded: set[str] = field(default_factory=set)
    given: set[str] | None = field(default_factory=set)
    lists: dict[ast.List, int] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)


def remarks(call: Call, script: Script, assigned: str | None) -> Iterator[Remark]:
    """Yield what is to be said of a call.

    :param assigned: the name that the result is given, if it is given one
    """
    for habit in _HABITS:
        yield from habit(call, script)
    if call.thing.place.endswith(".register_on_complete") and (call.is_dropped or (assigned is not None and assigned not in script.loaded)):
        yield Remark(
            Verdict.DIFFERS,
            "dropped registration",
            "register_on_complete returns a copy, and nothing is done with it: nothing is registered, as in SDK v1; here a warning says so",
            "give the step what register_on_complete returned, or leave the call out",
        )


def formatted(node: ast.AST, thing: Thing) -> Remark | None:
    """Say what is wrong with making text of something, in an expression."""
    if not isinstance(thing.target, type) or thing.kind != "instance":
        return None
    if _is(thing, "azureml.pipeline.core.PipelineParameter"):
        return Remark(
            Verdict.FAILS,
            "parameter in a text",
            "the text holds the parameter's description, not its value; SDK v1 ran it like that, here it is refused when the pipeline is made",
            "give the PipelineParameter itself as an argument of its own, and put the text together in the step's script",
        )
    if _is_described(thing):
        return Remark(
            Verdict.FAILS,
            "data in a text",
            f"the text holds the description of the {thing.target.__name__}, not its path, if it is an argument of a step that has it neither in "
            "inputs nor in outputs",
            "add it to inputs=[...] or outputs=[...] of the step, or give it as an argument of its own",
            unless_given=frozenset(names_in(node)),
        )
    return None


def _unnamed_output(call: Call, _script: Script) -> Iterator[Remark]:
    if call.thing.kind == "class" and _is(call.thing, "azureml.data.OutputFileDatasetConfig") and "name" not in call.arguments:
        yield Remark(
            Verdict.DIFFERS,
            "unnamed output",
            "it is called output_<place in its step>; SDK v1 made up a random name each time, so its step was never reused",
            "none needed; name='...' keeps the name when the step's outputs change places",
        )


def _parameter_default(call: Call, _script: Script) -> Iterator[Remark]:
    if call.thing.kind != "class" or not _is(call.thing, "azureml.pipeline.core.PipelineParameter"):
        return
    default = call.arguments.get("default_value")
    if isinstance(default, (ast.List, ast.Dict, ast.Set, ast.Tuple)) or (isinstance(default, ast.Constant) and default.value is None):
        kind = "None" if isinstance(default, ast.Constant) else f"a {type(default).__name__.lower()}"
        yield Remark(
            Verdict.FAILS,
            "parameter's default",
            f"the default is {kind}, which is refused, as in SDK v1",
            "use text, a number or a bool; text can hold JSON that the step's script reads",
        )


def _parameter_in_destination(call: Call, _script: Script) -> Iterator[Remark]:
    if call.thing.kind == "class" and any(
        _is(each, "azureml.pipeline.core.PipelineParameter") for each in call.items.get("destination", ())
    ):
        yield Remark(
            Verdict.FAILS,
            "parameter in a destination",
            "the path of an output cannot hold a PipelineParameter; SDK v1 wrote to a folder called after its description",
            "write the path as text, with {run-id} and {output-name}, and let the script make folders below it",
        )


def _steps_as_tuple(call: Call, _script: Script) -> Iterator[Remark]:
    steps = call.arguments.get("steps")
    if call.thing.kind == "class" and _is(call.thing, "azureml.pipeline.core.Pipeline") and isinstance(steps, ast.Tuple):
        yield Remark(Verdict.FAILS, "steps in a tuple", "a Pipeline takes a list of steps, as in SDK v1", "write steps=[...]")


def _shared_arguments(call: Call, script: Script) -> Iterator[Remark]:
    node = call.lists.get("arguments")
    if not _is_step(call) or node is None or not isinstance(call.arguments.get("arguments"), ast.Name):
        return
    given = given_names(call)
    # Texts and parameters are what they were; of data the first step leaves the description in the list.
    is_changed = any(map(_is_described, call.items.get("arguments", ()))) and given is not None and not (given & {*names_in(node)})
    if is_changed and "arguments" in call.defaults:
        yield Remark(
            Verdict.FAILS,
            "mutable default",
            "the list is the default of a function's argument: the step changes it, and every later call of the function gets the changed one",
            "write =None, and make the list in the function",
        )
    elif is_changed and node in script.lists and script.lists[node] != call.node.lineno:
        yield Remark(
            Verdict.FAILS,
            "shared list of arguments",
            f"the step of line {script.lists[node]} got the same list and changed the data in it; it is refused in another step's list",
            "give each step a list of its own: arguments=[*name], or add the data to its inputs=[...] or outputs=[...]",
        )
    script.lists.setdefault(node, call.node.lineno)


def _given_data(call: Call, script: Script) -> Iterator[Remark]:
    """Note what data a step has; there is nothing to say of it."""
    if _is_step(call):
        given = given_names(call)
        script.given = None if given is None or script.given is None else script.given | given | argument_names(call)
    yield from ()


def _raw_dataset(call: Call, _script: Script) -> Iterator[Remark]:
    if not _is_step(call):
        return
    for name in ("arguments", "inputs"):
        if any(each.kind == "instance" and _is(each, _DATASET) for each in call.items.get(name, ())):
            yield Remark(
                Verdict.FAILS,
                "dataset without a name",
                f"a dataset itself is in the step's {name}, which is refused, as in SDK v1",
                "write dataset.as_named_input('name'), and .as_mount() or .as_download() behind it for files",
            )


def _mounted_table(call: Call, _script: Script) -> Iterator[Remark]:
    node = call.node.func
    if not call.thing.place.endswith((".DatasetConsumptionConfig.as_mount", ".DatasetConsumptionConfig.as_download")):
        return
    if isinstance(node, ast.Attribute) and call.made_from and all(_is(each, "azureml.data.TabularDataset") for each in call.made_from):
        yield Remark(
            Verdict.FAILS,
            "table as files",
            "a TabularDataset cannot be mounted or downloaded, as in SDK v1",
            "leave as_mount() out and read run.input_datasets['name'].to_pandas_dataframe(), or make a FileDataset",
        )


def _unnamed_references(call: Call, script: Script) -> Iterator[Remark]:
    if (
        call.thing.kind != "class"
        or not _is(call.thing, "azureml.data.data_reference.DataReference")
        or "data_reference_name" in call.arguments
    ):
        return
    datastore = call.arguments.get("datastore")
    if datastore is None:
        return
    key = ast.dump(datastore)
    if script.references.setdefault(key, call.node.lineno) != call.node.lineno:
        yield Remark(
            Verdict.DIFFERS,
            "unnamed references",
            f"it has the name of its datastore, like the one in line {script.references[key]}; in one step they would be one",
            "give each a data_reference_name='...'",
        )


_HABITS: tuple[Callable[[Call, Script], Iterator[Remark]], ...] = (
    _unnamed_output,
    _parameter_default,
    _parameter_in_destination,
    _steps_as_tuple,
    _shared_arguments,
    _given_data,
    _raw_dataset,
    _mounted_table,
    _unnamed_references,
)


def _is_step(call: Call) -> bool:
    return call.thing.kind == "class" and _is(call.thing, _STEPS)


def _is_described(thing: Thing) -> bool:
    return thing.kind == "instance" and any(_is(thing, place) for place in _DESCRIBED)


def _is(thing: Thing, place: str) -> bool:
    cls = class_at(place)
    return cls is not None and isinstance(thing.target, type) and issubclass(thing.target, cls)
