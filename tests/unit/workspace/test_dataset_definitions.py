"""Which files does a dataset take, what is its identity, and what is its script told of it?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.fingerprint.step import step_key
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.runtime.datasets import TabularDataset
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.linking import write_link
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec, StepOutputSource
from airflow_amlpipe.spec.dataset import Call as CallOf
from airflow_amlpipe.spec.dataset import ColumnValue, DatasetDefinition, Delimited, Filter, JsonLines, Parquet, Skip, Split, Take
from airflow_amlpipe.spec.dataset import LiteralValue as Value
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.datasets import DatasetRecord, saved_id
from airflow_amlpipe.workspace.direct import dataset_part
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_input
from airflow_amlpipe.workspace.links import linked_source
from airflow_amlpipe.workspace.outputs import store_output
from airflow_amlpipe.workspace.staging import fetch_input
from tests.builders import a_step

FILES = {"sales/north/1.csv": "a\n1\n", "sales/north/2.csv": "a\n22\n", "sales/south/1.csv": "a\n333\n", "sales/south/note.txt": "x"}
GOLDEN = Path(__file__).parents[2] / "golden" / "keys"
TABLE = DatasetDefinition(kind="tabular", reading=Delimited())


def at(*paths: str) -> tuple[DatastorePath, ...]:
    return tuple(DatastorePath(datastore="workspaceblobstore", path=path) for path in paths)


def an_input(definition: DatasetDefinition | None, *paths: str, mode: Any = "direct") -> InputSpec:
    return InputSpec(name="sales", mode=mode, source=DatasetSource(paths=at(*paths or ("sales",)), definition=definition))


def resolve(workspace: WorkspaceStore, item: InputSpec) -> ResolvedInput:
    return resolve_input(workspace, "step 'train'", item, {})


def arrived(workspace: WorkspaceStore, resolved: ResolvedInput, target: Path) -> list[str]:
    fetch_input(workspace, resolved, target)
    return [file.relative_to(target).as_posix() for file in sorted(target.rglob("*")) if file.is_file()]


def of_files(*operations: Any, **more: Any) -> DatasetDefinition:
    return DatasetDefinition(kind="file", operations=operations, **more)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (of_files(Take(count=2)), ["north/1.csv", "north/2.csv"]),
        (of_files(Skip(count=3)), ["south/note.txt"]),
        (of_files(Skip(count=1), Take(count=1)), ["north/2.csv"]),
        (of_files(Take(count=0)), []),
        (
            of_files(
                Filter(expression=CallOf(name="==", arguments=(ColumnValue(name="region"), Value(value="south")))),
                partition_format="/{region}/{file}",
            ),
            ["south/1.csv", "south/note.txt"],
        ),
        (
            of_files(Filter(expression=CallOf(name=">", arguments=(ColumnValue(kind="file", name="Size"), Value(value=4))))),
            ["north/2.csv", "south/1.csv"],
        ),
        (DatasetDefinition(kind="tabular", reading=Delimited(), path_glob="*.csv"), ["north/1.csv", "north/2.csv", "south/1.csv"]),
    ],
)
def test_a_dataset_takes_some_of_the_files_and_only_those_are_handed_over(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path, definition: DatasetDefinition, expected: list[str]
) -> None:
    put_data(FILES)
    resolved = resolve(workspace, an_input(definition))
    assert arrived(workspace, resolved, tmp_path / "in") == expected
    assert not resolved.is_file


def test_the_two_parts_of_a_split_have_nothing_in_common_and_leave_nothing_out(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path
) -> None:
    put_data({f"many/{number:02}.txt": str(number) for number in range(40)})
    parts = [
        arrived(workspace, resolve(workspace, an_input(of_files(Split(percentage=0.5, seed=3, part=part)), "many")), tmp_path / part)
        for part in ("first", "second")
    ]
    assert sorted(parts[0] + parts[1]) == [f"{number:02}.txt" for number in range(40)]
    assert 5 < len(parts[0]) < 35


def test_only_the_files_that_are_taken_are_the_identity(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data(FILES)
    item = an_input(of_files(Take(count=1)))
    before = resolve(workspace, item)
    put_data({"sales/south/1.csv": "changed"})
    assert resolve(workspace, item).digest == before.digest
    put_data({"sales/north/1.csv": "changed"})
    assert resolve(workspace, item).digest != before.digest


def test_files_of_several_paths_are_chosen_as_one_list(workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path) -> None:
    put_data(FILES)
    resolved = resolve(workspace, an_input(of_files(Skip(count=1), Take(count=2)), "sales/north", "sales/south/1.csv"))
    assert arrived(workspace, resolved, tmp_path / "in") == ["north/2.csv", "south/1.csv"]


def test_a_filter_of_what_is_not_known_says_which_input_and_what_is_known(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data(FILES)
    definition = of_files(Filter(expression=CallOf(name="==", arguments=(ColumnValue(name="regoin"), Value(value="south")))))
    with pytest.raises(
        DefinitionError, match=r"^step 'train': input 'sales': the filter of files asks for 'regoin', .*known is: file_metadata\('Size'\)"
    ):
        resolve(workspace, an_input(definition))


def test_how_a_dataset_is_read_is_told_of_one_that_the_script_reads_and_of_no_other(
    workspace: WorkspaceStore, put_data: Callable[..., None]
) -> None:
    put_data(FILES)
    table = resolve(workspace, an_input(TABLE))
    assert table.defined_for("mount") is None
    reading = Delimited().model_dump(mode="json")
    assert table.defined_for("direct") == {"kind": "tabular", "reading": reading}
    assert resolve(workspace, an_input(of_files(Take(count=1)))).defined_for("direct") is None
    with_path = resolve(workspace, an_input(TABLE.model_copy(update={"include_path": True}), "sales/north"))
    assert with_path.defined_for("direct") == {"kind": "tabular", "reading": reading, "include_path": True, "roots": [["", "sales/north"]]}


def test_a_dataset_without_a_name_has_the_id_of_its_definition_and_is_found_by_it(workspace: WorkspaceStore) -> None:
    saved = workspace.datasets.save(at("sales"), TABLE)
    assert workspace.datasets.save(at("sales"), TABLE) == saved
    assert workspace.datasets.find_id(saved.id) == saved
    others = {
        workspace.datasets.save(at("sales")).id,
        workspace.datasets.save(at("sale"), TABLE).id,
        workspace.datasets.save(at("sales"), TABLE.model_copy(update={"include_path": True})).id,
    }
    assert len(others | {saved.id}) == 4
    with pytest.raises(UnknownNameError, match="no dataset of the workspace has the id 'sales'"):
        workspace.datasets.find_id("sales")


def test_the_script_is_told_the_id_the_place_and_the_definition(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path
) -> None:
    put_data(FILES)
    item = an_input(DatasetDefinition(kind="tabular", reading=Delimited(), path_glob="*.csv"), "sales/north", "sales/south")
    part = dataset_part(workspace, item, resolve(workspace, item), tmp_path)
    assert part["id"] == workspace.datasets.find_id(part["id"]).id
    assert (part["name"], part["version"], part["path"]) == (None, None, str(tmp_path))
    assert part["roots"] == [["north", "/sales/north"], ["south", "/sales/south"]]
    assert part["definition"]["reading"]["format"] == "delimited"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("a/y.csv", "a/x.csv"), ["/a/y.csv", "/a/x.csv"]),
        (("a/y.*", "a/*.csv"), ["/a/y.csv", "/a/x.csv"]),
        (("b", "a/*.csv"), ["/b/w.csv", "/a/x.csv", "/a/y.csv"]),
        (("a",), ["/a/x.csv", "/a/y.csv"]),
    ],
)
def test_the_script_reads_the_files_in_the_order_of_the_datasets_paths(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path, paths: tuple[str, ...], expected: list[str]
) -> None:
    put_data({"a/x.csv": "n\n1\n2\n", "a/y.csv": "n\n3\n4\n", "b/w.csv": "n\n5\n6\n"})
    item = an_input(TABLE.model_copy(update={"include_path": True}), *paths)
    resolved = resolve(workspace, item)
    part = dataset_part(workspace, item, resolved, fetch_input(workspace, resolved, tmp_path / "in"))
    found = TabularDataset(None, part).to_pandas_dataframe()
    assert list(found["Path"].drop_duplicates()) == expected
    assert list(TabularDataset(None, part).take(3).to_pandas_dataframe()["n"]) == list(found["n"])[:3]


class Given:
    """What a script has of a dataset that it was handed."""

    def __init__(self, part: Any, definition: dict[str, Any]) -> None:
        self._part, self._definition = part, definition

    def _described(self) -> dict[str, Any]:
        return self._definition


def linked(workspace: WorkspaceStore, folder: Path, dataset: Any, kind: Any = "tabular", **more: Any) -> StoredOutput:
    """Store what a script has linked to ``dataset``."""
    write_link(str(folder), dataset)
    output = OutputSpec(name="rows", mode="link", datastore="workspaceblobstore", links=kind, **more)
    return store_output(workspace, a_step("choose"), output, folder, "01900000-0000-7000-8000-000000000001")


def test_a_link_to_what_was_handed_over_is_that_dataset_and_what_was_taken_of_it(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path
) -> None:
    put_data(FILES)
    item = an_input(TABLE, "sales/north")
    part = dataset_part(workspace, item, resolve(workspace, item), tmp_path)
    taken = dict(part["definition"], operations=[*part["definition"]["operations"], {"operation": "take", "count": 1}])
    stored = linked(workspace, tmp_path / "out", Given(part, taken))
    source = linked_source(workspace, "output 'rows'", stored)
    assert source.paths == at("sales/north")
    assert source.definition == TABLE.model_copy(update={"operations": (Take(count=1),)})
    reader = InputSpec(name="rows", mode="direct", source=StepOutputSource(step="choose", output="rows", is_link=True))
    resolved = resolve_input(workspace, "step 'use'", reader, {"choose": {"rows": stored}})
    assert resolved.digest == resolve(workspace, item).digest
    told = dataset_part(workspace, reader, resolved, tmp_path)
    found = workspace.datasets.find_id(told["id"])
    assert (found.paths, found.definition) == (source.paths, source.definition)


def test_a_link_that_is_missing_or_of_another_kind_fails_the_step(workspace: WorkspaceStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    output = OutputSpec(name="rows", mode="link", datastore="workspaceblobstore", links="tabular")
    with pytest.raises(DefinitionError, match=r"step 'choose': output 'rows' was linked to no dataset; .*output_datasets\[name\].link"):
        store_output(workspace, a_step("choose"), output, tmp_path / "empty", "01900000-0000-7000-8000-000000000001")
    saved = workspace.datasets.save(at("sales"))
    files = Given({"id": saved.id, "definition": {"kind": "file"}}, {"operations": []})
    with pytest.raises(DefinitionError, match="is a LinkTabularOutputDatasetConfig, but was linked to a file dataset; use LinkFileOutput"):
        linked(workspace, tmp_path / "out", files)
    with pytest.raises(UserErrorException, match="link: 'x' of type str is no dataset"):
        write_link(str(tmp_path), "x")


def test_a_registered_version_keeps_its_definition_and_is_told_with_the_labels_that_it_has_now(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path
) -> None:
    put_data(FILES)
    record = workspace.datasets.add_version("sales", at("sales"), definition=TABLE, tags={"a": "1"})
    assert workspace.datasets.get("sales").definition == TABLE
    labelled = workspace.datasets.label(record, description="new", tags={"b": "2"}, replaces_tags=True)
    assert (labelled.description, labelled.tags, labelled.version) == ("new", {"b": "2"}, 1)
    assert isinstance(workspace.datasets.get("sales"), DatasetRecord)
    item = InputSpec(name="sales", mode="direct", source=DatasetSource(name="sales"))
    part = dataset_part(workspace, item, resolve(workspace, item), tmp_path)
    assert (part["id"], part["name"], part["version"]) == (record.id, "sales", 1)
    assert (part["description"], part["tags"]) == ("new", {"b": "2"})


def test_no_two_ways_of_reading_are_told_alike() -> None:
    """S29."""
    told = [
        json.dumps(ResolvedInput("a", "0" * 64, (), definition).defined_for("direct"), sort_keys=True)
        for reading in (Delimited(), Parquet(), JsonLines())
        for operations in ((), (Take(count=1),), (Skip(count=1),), (Take(count=1), Skip(count=1)), (Skip(count=1), Take(count=1)))
        for definition in [DatasetDefinition(kind="tabular", reading=reading, operations=operations)]
    ]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("case", json.loads((GOLDEN / "datasets_v1.json").read_text()), ids=lambda case: case["what"])
def test_what_a_dataset_is_has_the_id_and_the_place_in_the_key_that_it_always_had(case: dict[str, Any]) -> None:
    definition = None if case["definition"] is None else DatasetDefinition.model_validate_json(json.dumps(case["definition"]))
    paths = (DatastorePath(datastore="lake", path="raw/2024"),)
    told = ResolvedInput("data", "d" * 64, (), definition, roots=(("", "raw/2024"),)).defined_for("direct")
    step = a_step(inputs=(InputSpec(name="data", mode="direct", source=DatasetSource(paths=paths, definition=definition)),))
    manifest = step_key(step, snapshot="5" * 64, parameters={}, inputs={"data": "d" * 64}, definitions={"data": told})
    assert (told, saved_id(paths, definition)) == (case["told"], case["id"])
    assert (manifest.components["inputs"].digest, manifest.key) == (case["inputs"], case["key"])
    # Left alone, such a definition is kept as it was written, also by this version.
    if definition is not None:
        assert definition.model_dump(mode="json") == case["definition"]
