"""Which methods of SDK v1's ``Run`` can a script not use here, and what should it do instead?"""

from __future__ import annotations

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AbsentMethods"]


class AbsentMethods:
    """Each raises :class:`UserErrorException` and says what to use."""

    def submit_child(self, *_: Any, **__: Any) -> Any:
        """Child runs are not kept."""
        raise _absent("submit_child", "make it a step of the pipeline")

    def get_environment(self, *_: Any, **__: Any) -> Any:
        """The run of the step has it."""
        raise _absent("get_environment", "ask the step's own run: Run.get_context().get_environment()")

    def take_snapshot(self, *_: Any, **__: Any) -> Any:
        """The snapshot is taken before the step starts."""
        raise _absent("take_snapshot", "upload_folder() keeps a folder with the run")

    def restore_snapshot(self, *_: Any, **__: Any) -> Any:
        """The snapshot is the working folder."""
        raise _absent("restore_snapshot", "the snapshot is the script's working folder")

    def wait_for_completion(self, *_: Any, **__: Any) -> Any:
        """A script cannot wait for its own end."""
        raise _absent("wait_for_completion", "a script cannot wait for its own end")

    def get_details_with_logs(self, *_: Any, **__: Any) -> Any:
        """Logs are read from outside."""
        raise _absent("get_details_with_logs", "read the logs with 'amlpipe runs logs', outside the step")

    def get_all_logs(self, *_: Any, **__: Any) -> Any:
        """Logs are read from outside."""
        raise _absent("get_all_logs", "read the logs with 'amlpipe runs logs', outside the step")

    def clean(self, *_: Any, **__: Any) -> Any:
        """There is nothing to clean."""
        raise _absent("clean", "the step's folder is removed when it has ended")


def _absent(method: str, instead: str) -> UserErrorException:
    return UserErrorException(
        "Run.%s is not available inside a step of airflow-amlpipe: %s (docs/reference/coverage.md)" % (method, instead)
    )
