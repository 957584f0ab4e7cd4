"""Does a script with a password in the URL of its packages run unchanged, and does the password stay out of everything that is kept?"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.airflow_home import share_database
from tests.e2e.user import User
from tests.wheels import write_wheel

pytestmark = pytest.mark.e2e

SCRIPT = """
from azureml.core import Environment, Experiment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
environment = Environment("private")
environment.python.conda_dependencies = CondaDependencies()
environment.python.conda_dependencies.set_pip_option("--index-url http://me:canary@127.0.0.1:{port}/simple")
environment.python.conda_dependencies.add_pip_package("tiny-thing==1.0")
environment.register(ws)
runconfig = RunConfiguration()
runconfig.environment = environment
step = PythonScriptStep("step.py", "use it", compute_target="local", runconfig=runconfig, source_directory="src")
run = Experiment(ws, "private").submit(Pipeline(ws, [step]))
run.wait_for_completion(raise_on_error=True)
"""


class PrivateIndex(BaseHTTPRequestHandler):
    """An index of one wheel that answers only to me:canary."""

    wheel: Path

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(b"me:canary").decode()
        if self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        is_wheel = self.path.endswith(".whl")
        body = self.wheel.read_bytes() if is_wheel else f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if is_wheel else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Index", (PrivateIndex,), {"wheel": write_wheel(tmp_path, "1.0")}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_password_in_an_index_url_works_and_is_kept_nowhere_but_at_home(index: int, tmp_path: Path) -> None:
    """S11."""
    user = User(tmp_path / "checkout", tmp_path / "home")
    (user.checkout / "src").mkdir(parents=True)
    share_database(user.home)
    (user.checkout / "config.json").write_text('{"subscription_id": "s", "resource_group": "r", "workspace_name": "private"}')
    (user.checkout / "src/step.py").write_text("import tiny_thing\nprint('version', tiny_thing.VERSION)\n")
    (user.checkout / "pipeline.py").write_text(SCRIPT.format(port=index))
    said = user.amlpipe("run", "pipeline.py")
    assert "canary" not in said.stdout + said.stderr
    assert [step["status"] for step in user.show()["steps"]] == ["Finished"]
    holders = {file.parent.name for file in user.home.rglob("*") if file.is_file() and b"canary" in file.read_bytes()}
    assert holders == {"package-logins"}
    assert user.run("pipeline.py") == {"use it": "reused"}
