"""Does the local back end keep the promise?"""

from __future__ import annotations

from airflow_amlpipe.compute.backend import ComputeBackend
from airflow_amlpipe.compute.local import LocalBackend
from tests.contract.backend_contract import BackendContract


class TestLocalBackend(BackendContract):
    def make_backend(self) -> ComputeBackend:
        return LocalBackend()
