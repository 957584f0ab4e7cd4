"""What is a workspace, for everything above its bytes?"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import digest_bytes
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.source import SourceSnapshot
from airflow_amlpipe.fingerprint.tree import TREE_FORMAT, TreeIdentity, TreeManifest
from airflow_amlpipe.spec.compute import ComputeTargetSpec
from airflow_amlpipe.spec.document import dump_pipeline, load_pipeline
from airflow_amlpipe.spec.environment import EnvironmentLabels, EnvironmentSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.datasets import DatasetRegistry
from airflow_amlpipe.workspace.datastores import DatastoreRegistry
from airflow_amlpipe.workspace.drafts import DraftRegistry
from airflow_amlpipe.workspace.endpoints import EndpointRegistry
from airflow_amlpipe.workspace.experiments import ExperimentRegistry
from airflow_amlpipe.workspace.layout import manifest_path, spec_path
from airflow_amlpipe.workspace.models import ModelRegistry
from airflow_amlpipe.workspace.modules import ModuleRegistry
from airflow_amlpipe.workspace.pins import PinRegistry
from airflow_amlpipe.workspace.published import PublishedRegistry
from airflow_amlpipe.workspace.registry import Registry
from airflow_amlpipe.workspace.results import ResultLog
from airflow_amlpipe.workspace.runs import RunRegistry

__all__ = ["WorkspaceStore"]

_LOCAL = ComputeTargetSpec(name="local", kind="local", sdk_type="local")


class WorkspaceStore:
    """The records of one workspace: a folder on any store, opened without contacting it.

    :ivar url: root of the workspace
    :ivar conn_id: id of the connection that the workspace's own root is opened with
    :ivar home: folder of this machine for what can be made again: memo of hashes, environments, private folders of tries
    """

    def __init__(self, store: Store, *, url: str, home: Path, access: StoreAccess | None = None, conn_id: str | None = None) -> None:
        self.store = store
        self.url = url
        self.home = home
        self.conn_id = conn_id
        self._access = access or StoreAccess()

    @classmethod
    def open(cls, url: str, *, home: Path, access: StoreAccess | None = None, conn_id: str | None = None) -> WorkspaceStore:
        """Return the workspace at ``url``; one that nobody has used yet is empty. Whoever may ask Airflow calls ``hooks.opening`` instead.

        :param access: as whom, and where, stores may be opened; without it, what the environment of the process says
        :param conn_id: id of the connection to log in with to the workspace's own root, and to the datastores that lie below it
        :raises DefinitionError: the URL cannot be a workspace
        :raises UnknownNameError: there is no such connection
        """
        access = access or StoreAccess()
        return cls(access.open(url, conn_id=conn_id, what="workspace"), url=url, home=home, access=access, conn_id=conn_id)

    @cached_property
    def memo(self) -> HashMemo:
        return HashMemo(self.home / "memo")

    @cached_property
    def datastores(self) -> DatastoreRegistry:
        return DatastoreRegistry(self.store, self.url, access=self._access, conn_id=self.conn_id)

    @cached_property
    def datasets(self) -> DatasetRegistry:
        return DatasetRegistry(self.store)

    @cached_property
    def computes(self) -> Registry[ComputeTargetSpec]:
        return Registry(self.store, kind="computes", noun="compute target", model=ComputeTargetSpec, built_in={"local": _LOCAL})

    @cached_property
    def environments(self) -> Registry[EnvironmentSpec]:
        return Registry(self.store, kind="environments", noun="environment", model=EnvironmentSpec)

    @cached_property
    def environment_labels(self) -> Registry[EnvironmentLabels]:
        return Registry(self.store, kind="environment-labels", noun="environment", model=EnvironmentLabels)

    @cached_property
    def models(self) -> ModelRegistry:
        return ModelRegistry(self.store, self.memo)

    @cached_property
    def pins(self) -> PinRegistry:
        return PinRegistry(self.store)

    @cached_property
    def modules(self) -> ModuleRegistry:
        return ModuleRegistry(self.store)

    @cached_property
    def published(self) -> PublishedRegistry:
        return PublishedRegistry(self.store)

    @cached_property
    def endpoints(self) -> EndpointRegistry:
        return EndpointRegistry(self.store)

    @cached_property
    def experiments(self) -> ExperimentRegistry:
        return ExperimentRegistry(self.store)

    @cached_property
    def drafts(self) -> DraftRegistry:
        return DraftRegistry(self.store)

    @cached_property
    def runs(self) -> RunRegistry:
        return RunRegistry(self.store)

    @cached_property
    def results(self) -> ResultLog:
        return ResultLog(self.store, self.datastores, self.memo, self.get_manifest)

    def put_spec(self, spec: PipelineSpec) -> str:
        """Store a pipeline's specification under its digest, which is returned; storing it again changes nothing."""
        return self._put_by_digest(dump_pipeline(spec).encode(), spec_path)

    def get_spec(self, spec_digest: str) -> PipelineSpec:
        """:raises UnknownNameError: no specification has this digest."""
        try:
            body = self.store.read(spec_path(spec_digest))
        except FileNotFoundError as error:
            raise UnknownNameError(f"the workspace has no pipeline specification {shorten(spec_digest)}") from error
        return load_pipeline(body)

    def put_listing(self, listing: TreeManifest | SourceSnapshot) -> str:
        """Store what a digest stands for, path by path, so that it can be staged, verified and explained later."""
        return self._put_by_digest(listing.encode(), manifest_path)

    def put_listing_of(self, identity: TreeIdentity, *, verified: bool = False) -> None:
        """Store the manifest behind an identity; it is not even read when it is there already.

        :param verified: look whether what is there is that manifest, and replace it if it was damaged since
        """
        if not self.store.freshen(manifest_path(identity.digest)):
            self.put_listing(identity.manifest())
        elif verified:
            try:
                self._get_by_digest(identity.digest)
            except ProtocolError:
                self.replace_listing(identity.manifest())

    def replace_listing(self, listing: TreeManifest) -> None:
        """Store a listing in place of what lies under its digest, which was found to be damaged."""
        self.store.put(manifest_path(listing.digest), listing.encode())

    def get_manifest(self, tree_digest: str) -> TreeManifest:
        """Return the manifest of data.

        :raises ProtocolError: it is gone or altered
        """
        return TreeManifest.decode(self._get_by_digest(tree_digest))

    def find_listing(self, listing_digest: str) -> dict[str, str] | None:
        """Return what a digest stands for as path -> what changes with its content, of a snapshot or of data; ``None`` when it is not kept."""
        try:
            body = self._get_by_digest(listing_digest)
        except ProtocolError:
            return None
        if json.loads(body).get("format") == TREE_FORMAT:
            tree = TreeManifest.decode(body)
            return {**{file.path: file.mark for file in tree.files}, **{f"{folder}/": "" for folder in tree.empty_folders}}
        return {entry.path: f"{entry.kind}{entry.executable}{entry.sha256}{entry.target}" for entry in SourceSnapshot.decode(body).entries}

    def _put_by_digest(self, body: bytes, place: Callable[[str], str]) -> str:
        digest = digest_bytes(body)
        path = place(digest)
        if not self.store.freshen(path):
            self.store.put(path, body)
        return digest

    def _get_by_digest(self, digest: str) -> bytes:
        try:
            body = self.store.read(manifest_path(digest))
        except FileNotFoundError as error:
            raise ProtocolError(f"the listing {shorten(digest, 20)} is not in the workspace any more") from error
        if digest_bytes(body) != digest:
            raise ProtocolError(f"the listing {shorten(digest, 20)} in the workspace was altered or cut")
        return body
