"""Which rules do published pipelines and endpoints keep, one change after another?"""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, UnknownNameError
from airflow_amlpipe.workspace.endpoints import EndpointRegistry, PipelineEndpoint
from airflow_amlpipe.workspace.published import PublishedRegistry
from tests.fakes import MemoryStore

SPEC = "5" * 64


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    return MemoryStore(str(tmp_path))


@pytest.fixture
def endpoints(store: MemoryStore) -> EndpointRegistry:
    return EndpointRegistry(store)


@pytest.fixture
def score(endpoints: EndpointRegistry) -> PipelineEndpoint:
    return endpoints.create("score", "first", description="scores")


def test_an_id_that_is_no_uuid_is_not_looked_for(store: MemoryStore) -> None:
    for text in ("../../etc", "score", "", "*"):
        with pytest.raises(UnknownNameError, match="no published pipeline of the workspace has the id .*; the newest are: none"):
            PublishedRegistry(store).get(text)


def test_a_name_in_place_of_an_id_is_told_the_ids_of_that_name(store: MemoryStore) -> None:
    made = PublishedRegistry(store).add("score", spec=SPEC, step_names={})
    with pytest.raises(UnknownNameError, match=f"'score' is a name; the ids of that name, newest first: {made.id}"):
        PublishedRegistry(store).get("score")


def test_an_entry_that_does_not_say_what_it_is_is_not_believed(store: MemoryStore) -> None:
    known = str(uuid.uuid4())
    store.put(f".amlpipe/v1/published/{known}/00000001.json", b'{"format":"amlpipe/published/v1","at":"x","status":"Active"}')
    with pytest.raises(ProtocolError, match="its first entry does not say what it is"):
        PublishedRegistry(store).get(known)


def test_an_entry_of_a_newer_version_is_refused(store: MemoryStore) -> None:
    """R59"""
    known = str(uuid.uuid4())
    store.put(f".amlpipe/v1/published/{known}/00000001.json", b'{"format":"amlpipe/published/v2","at":"x"}')
    with pytest.raises(ProtocolError, match="a record in the workspace cannot be read"):
        PublishedRegistry(store).get(known)


def test_versions_are_texts_that_count_from_0_and_the_first_is_the_default(endpoints: EndpointRegistry, score: PipelineEndpoint) -> None:
    assert (score.versions, score.default_version) == ({"0": "first"}, "0")
    added = endpoints.add_version(score.id, "second")
    assert (added.versions, added.default_version) == ({"0": "first", "1": "second"}, "0")
    assert endpoints.add_version(score.id, "third", is_default=True).default_version == "2"
    assert endpoints.set_default(score.id, "1").pipeline_of() == ("1", "second")


@pytest.mark.parametrize("version", ["1", "-1", "", 0, 0.0, True, "00"])
def test_a_version_that_is_not_there_cannot_be_the_default(endpoints: EndpointRegistry, score: PipelineEndpoint, version: object) -> None:
    with pytest.raises(UnknownNameError, match="has no version .*; its versions are texts: '0'"):
        endpoints.set_default(score.id, version)  # type: ignore[arg-type]
    assert endpoints.get(score.id) == score


def test_an_archived_endpoint_is_disabled_and_its_name_is_free(endpoints: EndpointRegistry, score: PipelineEndpoint) -> None:
    archived = endpoints.archive(score.id)
    assert (archived.status, str(uuid.UUID(archived.name))) == ("Disabled", archived.name)
    assert endpoints.archive(score.id) == archived
    with pytest.raises(DefinitionError, match=r"is archived; give it a name with reactivate\(name\)"):
        endpoints.set_status(score.id, "Active")
    other = endpoints.create("score", "other")
    with pytest.raises(DefinitionError, match=f"a pipeline endpoint is called 'score' already \\({other.id}\\)"):
        endpoints.reactivate(score.id, "score")
    assert endpoints.get(score.id).status == "Disabled"
    endpoints.set_status(other.id, "Disabled")
    third = endpoints.create("third", "third")
    with pytest.raises(DefinitionError, match="is called 'third' already"):
        endpoints.reactivate(other.id, third.name)
    assert (endpoints.get(other.id).status, endpoints.get(other.id).name) == ("Disabled", "score")
    again = endpoints.reactivate(score.id, "score-2")
    assert (again.status, again.name, again.versions) == ("Active", "score-2", score.versions)


def test_a_disabled_endpoint_is_brought_back_by_reactivate_too(endpoints: EndpointRegistry, score: PipelineEndpoint) -> None:
    endpoints.set_status(score.id, "Disabled")
    endpoints.archive(score.id)
    assert endpoints.reactivate(score.id, "score").status == "Active"


def test_a_renamed_endpoint_keeps_its_id_and_gives_its_name_back(endpoints: EndpointRegistry, score: PipelineEndpoint) -> None:
    assert endpoints.rename(score.id, "scores").id == score.id
    assert endpoints.rename(score.id, "scores").name == "scores"
    with pytest.raises(UnknownNameError, match="no pipeline endpoint is called 'score'; there are: 'scores'"):
        endpoints.get_by_name("score")
    assert endpoints.create("score", "x").id != score.id
    with pytest.raises(DefinitionError, match="is called 'score' already"):
        endpoints.rename(score.id, "score")
    assert [item.name for item in endpoints.all()] == ["score", "scores"]


def test_an_endpoint_that_is_not_there_is_changed_by_nobody(endpoints: EndpointRegistry, score: PipelineEndpoint) -> None:
    for change in (
        lambda: endpoints.get("nope"),
        lambda: endpoints.add_version("nope", "x"),
        lambda: endpoints.rename("nope", "x"),
        lambda: endpoints.set_status("nope", "Disabled"),
    ):
        with pytest.raises(UnknownNameError, match="no pipeline endpoint has the id 'nope'; there are: 'score'"):
            change()
