"""Which errors can a script meet inside a step, under SDK v1's names?

The one tree of ``airflow_amlpipe.exceptions`` begins here, because a step's environment may have this folder and nothing else of ours. The
SDK serves these very classes (``sdk/exceptions``): a script catches what the runtime and the SDK raise, however it came by the names.
"""

# SDK v1 called its exceptions so.
# ruff: noqa: N818

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = [
    "AmlPipeError",
    "AzureMLException",
    "DefinitionError",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "RunEnvironmentException",
    "UserErrorException",
    "WebserviceException",
]

_LONGEST_MESSAGE = 4000


class AmlPipeError(Exception):
    """Root of every error this package raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 4] + " ...")


class DefinitionError(AmlPipeError, ValueError):
    """The author must change something; a retry cannot help."""


class AzureMLException(AmlPipeError):
    """Root of SDK v1's exceptions.

    :ivar message: the text, as ``str()`` gives it
    :ivar inner_exception: what went wrong below, if anything did
    """

    def __init__(self, exception_message: str, inner_exception: Optional[BaseException] = None, **_: Any) -> None:
        super().__init__(exception_message)
        self.inner_exception = inner_exception

    @property
    def message(self) -> str:
        """What is wrong, and what to do."""
        return str(self)

    def print_stacktrace(self) -> None:
        """Print the traceback of this exception to standard error."""
        import traceback

        traceback.print_exception(type(self), self, self.__traceback__)


class UserErrorException(AzureMLException, DefinitionError):
    """The author asked for something that cannot be, and has to change it."""


class RunEnvironmentException(AzureMLException, DefinitionError):
    """The script does not run inside a step, or what a step has around it cannot be read."""

    def __init__(self, exception_message: str = "this code does not run inside a step of a pipeline", *args: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, *args, **kwargs)


class WebserviceException(AzureMLException):
    """Root of what SDK v1 raised about models.

    :ivar status_code: what SDK v1's service answered
    """

    def __init__(self, exception_message: str, status_code: Optional[int] = None, logger: Any = None, **kwargs: Any) -> None:  # noqa: ARG002  # SDK v1's signature
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(WebserviceException, UserErrorException):
    """A model, or this version of it, is not registered, or lies nowhere on this machine."""


class ModelPathNotFoundException(WebserviceException, UserErrorException):
    """What is to be registered as a model is not there."""
