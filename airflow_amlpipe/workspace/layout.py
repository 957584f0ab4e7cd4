"""Where does each thing lie in a workspace store?

::

    <workspace>/.amlpipe/v1/
      snapshots/<sha256>.zip      specs/<sha256>.json      manifests/<sha256>.json
      keys/<kk>/<key>/{claims,beats,results,bad}/<n>.json
      runs/<run id>/{run,finished,cancel}.json, tags/<n>.json, logged/<step run id>.json, artifacts/
      runs/<run id>/steps/<step id>/<try>-<step run id>/{started,reusing,finished,metrics}.json, waits/<n>.json, logs/, artifacts/
      datastores|datasets|environments|environment-labels|computes/<name>/<n>.json      defaults/datastore/<n>.json      dataset-ids/<id>.json
      published|endpoints|drafts/<id>/<n>.json      endpoint-names|modules/all/<n>.json      experiments/<name>/<n>.json
      models/<name>/<n>.json      model-files/<sha256>
      destinations/<sha256 of datastore and path>/<n>.json      pins/<sha256 of what is pinned>/<n>.json
      gc/plans/<id>.json      gc/policy/<n>.json

What is written into each: ``records.py`` and ``runs.py`` (runs and tries), ``try_files.py`` (logs, artifacts, what scripts logged),
``results.py`` and ``claims.py`` (keys), ``registry.py`` (registered things), ``published.py``, ``endpoints.py``, ``drafts.py``, ``modules.py`` and ``models.py``, ``outputs.py`` (what was put at a fixed destination).
"""

from __future__ import annotations

__all__ = [
    "dataset_id_path",
    "dataset_ids_folder",
    "key_folder",
    "keys_folder",
    "log_folder",
    "manifest_path",
    "manifests_folder",
    "model_file_path",
    "model_files_folder",
    "records_root",
    "run_folder",
    "runs_folder",
    "snapshot_path",
    "snapshots_folder",
    "spec_path",
    "specs_folder",
    "step_folder",
    "try_folder",
]

_ROOT = ".amlpipe/v1"


def records_root() -> str:
    """Folder of everything that is written down in a workspace."""
    return _ROOT


def snapshots_folder() -> str:
    return f"{_ROOT}/snapshots"


def snapshot_path(digest: str) -> str:
    return f"{_ROOT}/snapshots/{digest}.zip"


def specs_folder() -> str:
    return f"{_ROOT}/specs"


def spec_path(digest: str) -> str:
    return f"{_ROOT}/specs/{digest}.json"


def manifests_folder() -> str:
    return f"{_ROOT}/manifests"


def manifest_path(digest: str) -> str:
    return f"{_ROOT}/manifests/{digest}.json"


def model_files_folder() -> str:
    return f"{_ROOT}/model-files"


def model_file_path(sha256: str) -> str:
    return f"{_ROOT}/model-files/{sha256}"


def keys_folder() -> str:
    return f"{_ROOT}/keys"


def key_folder(key: str) -> str:
    return f"{_ROOT}/keys/{key[:2]}/{key}"


def runs_folder() -> str:
    return f"{_ROOT}/runs"


def run_folder(run_id: str) -> str:
    return f"{_ROOT}/runs/{run_id}"


def step_folder(run_id: str, step_id: str) -> str:
    return f"{_ROOT}/runs/{run_id}/steps/{step_id}"


def try_folder(run_id: str, step_id: str, try_number: int, step_run_id: str) -> str:
    # Tries sort by number; the id keeps two executions of one try (a task delivered twice) apart.
    return f"{step_folder(run_id, step_id)}/{try_number:04d}-{step_run_id}"


def log_folder(kind: str, name: str = "") -> str:
    """Folder of the append log of one registered thing, or of all of its kind."""
    return f"{_ROOT}/{kind}/{name}" if name else f"{_ROOT}/{kind}"


def dataset_ids_folder() -> str:
    return f"{_ROOT}/dataset-ids"


def dataset_id_path(dataset_id: str) -> str:
    return f"{_ROOT}/dataset-ids/{dataset_id}.json"
