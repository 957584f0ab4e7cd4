"""What do the logs of published pipelines, endpoints and drafts promise on every store, whoever writes to them at the same time?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from airflow_amlpipe.exceptions import CommitUnknownError, DefinitionError, UnknownNameError
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.drafts import DraftRegistry
from airflow_amlpipe.workspace.endpoints import EndpointRegistry
from airflow_amlpipe.workspace.published import PublishedRegistry

__all__ = ["PublishedContract"]

SPEC = "5" * 64
STEPS = {"train": "train"}


class PublishedContract:
    """Subclasses say on which store."""

    many = 12

    @staticmethod
    def make_store(folder: Path) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return self.make_store(tmp_path / "ws")

    def test_a_published_pipeline_is_found_by_its_id_as_it_was_published(self, store: Store) -> None:
        made = PublishedRegistry(store).add("score", spec=SPEC, step_names=STEPS, description="nightly", version="1.0")
        assert PublishedRegistry(store).get(made.id) == made
        assert (made.name, made.status, made.version, made.step_names) == ("score", "Active", "1.0", STEPS)

    def test_disabling_and_enabling_are_seen_by_every_reader_and_written_once(self, store: Store) -> None:
        registry = PublishedRegistry(store)
        made = registry.add("score", spec=SPEC, step_names=STEPS)
        for status in ("Disabled", "Disabled", "Active", "Active", "Disabled"):
            registry.set_status(made.id, status)  # type: ignore[arg-type]
            assert PublishedRegistry(store).get(made.id).status == status
        assert len(store.list_names(f".amlpipe/v1/published/{made.id}")) == 4

    def test_two_that_publish_at_once_never_share_an_id(self, store: Store) -> None:
        ids = self.at_once(lambda _: PublishedRegistry(store).add("score", spec=SPEC, step_names=STEPS).id)
        assert len(set(ids)) == self.many
        assert {item.id for item in PublishedRegistry(store).all()} == set(ids)

    def test_many_that_add_a_version_at_once_leave_every_version_without_a_hole(self, store: Store) -> None:
        """R33"""
        endpoint = EndpointRegistry(store).create("score", "pipeline-first")
        self.at_once(lambda number: EndpointRegistry(store).add_version(endpoint.id, f"pipeline-{number}", is_default=number % 2 == 0))
        found = EndpointRegistry(store).get(endpoint.id)
        assert list(found.versions) == [str(number) for number in range(self.many + 1)]
        assert sorted(found.pipelines) == sorted(["pipeline-first", *(f"pipeline-{number}" for number in range(self.many))])
        # The default is the last version that was added as one.
        last = max(int(version) for version, known in found.versions.items() if known in _added_as_default(self.many))
        assert found.default_version == str(last)

    def test_default_version_and_status_changed_at_once_come_to_one_state_that_every_reader_sees(self, store: Store) -> None:
        """R34"""
        endpoint = EndpointRegistry(store).create("score", "pipeline-first")

        def change(number: int) -> None:
            registry = EndpointRegistry(store)
            if number % 3 == 0:
                registry.set_default(endpoint.id, "0")
            elif number % 3 == 1:
                registry.add_version(endpoint.id, f"pipeline-{number}", is_default=True)
            else:
                registry.set_status(endpoint.id, "Disabled")

        self.at_once(change)
        first, second = EndpointRegistry(store).get(endpoint.id), EndpointRegistry(store).get(endpoint.id)
        assert first == second
        assert first.status == "Disabled"
        assert first.default_version in first.versions
        assert len(first.pipelines) == 1 + sum(number % 3 == 1 for number in range(self.many))

    def test_of_two_that_want_one_name_one_gets_it(self, store: Store) -> None:
        def create(number: int) -> str:
            try:
                return EndpointRegistry(store).create("score", f"pipeline-{number}").id
            except DefinitionError:
                return ""

        won = [item for item in self.at_once(create) if item]
        assert len(won) == 1
        assert [item.id for item in EndpointRegistry(store).all()] == won

    def test_a_pipeline_is_a_version_once_however_many_add_it(self, store: Store) -> None:
        endpoint = EndpointRegistry(store).create("score", "pipeline-first")

        def add(_: int) -> bool:
            try:
                EndpointRegistry(store).add_version(endpoint.id, "pipeline-second")
            except DefinitionError:
                return False
            return True

        assert sum(self.at_once(add)) == 1
        assert EndpointRegistry(store).get(endpoint.id).pipelines == ("pipeline-first", "pipeline-second")

    def test_two_that_change_a_draft_at_once_both_get_their_change(self, store: Store) -> None:
        draft = DraftRegistry(store).add(name="score", spec=SPEC, step_names=STEPS)
        fields: list[dict[str, Any]] = [{"description": "nightly"}, {"experiment": "nights"}, {"tags": {"team": "vision"}}]
        self.at_once(lambda number: DraftRegistry(store).change(draft.id, **fields[number % 3]))
        found = DraftRegistry(store).get(draft.id)
        assert (found.description, found.experiment, found.tags) == ("nightly", "nights", {"team": "vision"})

    def test_a_draft_that_was_deleted_is_not_there_and_takes_no_change(self, store: Store) -> None:
        registry = DraftRegistry(store)
        draft = registry.add(name="score", spec=SPEC, step_names=STEPS)
        registry.remove(draft.id)
        assert registry.all() == []
        with pytest.raises(UnknownNameError, match=f"no pipeline draft of the workspace has the id '{draft.id}'; there are: none"):
            registry.change(draft.id, description="too late")

    def test_nothing_half_is_there_when_the_entry_could_not_be_written(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """R20"""
        registry, endpoints = PublishedRegistry(store), EndpointRegistry(store)
        endpoint = endpoints.create("score", "pipeline-first")

        def refuse(*_: object, **__: object) -> bool:
            raise CommitUnknownError("the answer was lost")

        with monkeypatch.context() as broken:
            broken.setattr(type(store), "create_exclusive", refuse)
            for attempt in (
                lambda: registry.add("score", spec=SPEC, step_names=STEPS),
                lambda: endpoints.create("other", "pipeline-first"),
                lambda: endpoints.add_version(endpoint.id, "pipeline-second", is_default=True),
                lambda: endpoints.archive(endpoint.id),
            ):
                with pytest.raises(CommitUnknownError):
                    attempt()
        assert registry.all() == []
        assert endpoints.all() == [endpoint]

    def at_once(self, work: Any) -> list[Any]:
        """Let many threads do ``work`` with their number at the same moment."""
        barrier = Barrier(self.many)

        def one(number: int) -> Any:
            barrier.wait()
            return work(number)

        with ThreadPoolExecutor(self.many) as pool:
            return list(pool.map(one, range(self.many)))


def _added_as_default(many: int) -> set[str]:
    return {f"pipeline-{number}" for number in range(0, many, 2)}
