"""Does a folder on an SFTP server keep the promise of a store?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_amlpipe.storage.store import Store
from tests.contract.store_contract import ODD_NAMES, StoreContract
from tests.sftp_server import SftpTestServer, asyncssh_server, openssh_server


class _SftpContract(StoreContract):
    odd_names = (*ODD_NAMES, "a\nb", "a\tb", "\\", "a\\b", "x" * 255, "e\u0301", "...")

    def server(self) -> SftpTestServer:
        raise NotImplementedError

    def make_store(self, folder: Path) -> Store:
        return self.server().open(folder)


class TestAsyncsshStore(_SftpContract):
    def server(self) -> SftpTestServer:
        return asyncssh_server()


class TestServerWithoutExtensions(_SftpContract):
    def server(self) -> SftpTestServer:
        return asyncssh_server("bare")


class TestOpensshStore(_SftpContract):
    def server(self) -> SftpTestServer:
        server = openssh_server()
        if server is None:
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail("sshd is not installed; .ci/run installs it", pytrace=False)
            pytest.skip("sshd is not installed: apt-get install openssh-server")
        return server
