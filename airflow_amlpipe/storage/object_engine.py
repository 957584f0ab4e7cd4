"""Which copy of obstore may this process use?

obstore does its work on threads of its own, which a forked process does not have: there the first call of a copy that the parent had used
would wait for ever. Airflow forks (executors, task runners), and so do users (``multiprocessing``). A library that was loaded once cannot
be started again, but the same file under another name is another library: a forked process loads its own, in 0.06 s.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from types import ModuleType

from airflow_amlpipe.exceptions import DatastoreUnavailableError

__all__ = ["engine"]

_NAME = "obstore"
_LIBRARY = "obstore._obstore"
_lock = threading.Lock()
_owner: int | None = None


def engine() -> ModuleType:
    """Return ``obstore``, ready for this process.

    :raises DatastoreUnavailableError: it is not installed
    """
    global _owner  # noqa: PLW0603  # one library a process
    if _owner != os.getpid():
        with _lock:
            if _owner is not None and _owner != os.getpid():
                _load_again()
            _owner = os.getpid()
    try:
        return importlib.import_module(_NAME)
    except ImportError as error:
        raise DatastoreUnavailableError(
            "stores on S3, Azure and Google Cloud need obstore, which is not installed; run pip install 'airflow-amlpipe[s3]'"
        ) from error


def _load_again() -> None:
    library = sys.modules.get(_LIBRARY)
    if library is None or library.__file__ is None:
        return
    for name in [name for name in sys.modules if name == _NAME or name.startswith(f"{_NAME}.")]:
        del sys.modules[name]
    with tempfile.TemporaryDirectory(prefix="amlpipe-obstore-") as folder:
        copied = shutil.copy(library.__file__, folder)
        loader = importlib.machinery.ExtensionFileLoader(_LIBRARY, copied)
        spec = importlib.util.spec_from_file_location(_LIBRARY, copied, loader=loader)
        if spec is None:
            return
        fresh = importlib.util.module_from_spec(spec)
        sys.modules[_LIBRARY] = fresh
        loader.exec_module(fresh)


def _after_fork() -> None:
    # A lock that another thread held when the process was forked would stay locked for ever.
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
