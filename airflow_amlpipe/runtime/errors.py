"""Which errors of SDK v1 can a script meet inside a step?

They carry SDK v1's names, because scripts catch them by name.
"""

# ruff: noqa: N818

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = ["AzureMLException", "RunEnvironmentException", "UserErrorException"]


class AzureMLException(Exception):
    """Root of SDK v1's errors.

    :ivar inner_exception: what went wrong below, if anything did
    """

    def __init__(self, exception_message: str = "", inner_exception: Optional[BaseException] = None, **_: Any) -> None:
        super().__init__(exception_message)
        self.inner_exception = inner_exception

    @property
    def message(self) -> str:
        """What is wrong, and what to do."""
        return str(self)


class UserErrorException(AzureMLException):
    """The script asked for something that cannot be; it has to change."""


class RunEnvironmentException(AzureMLException):
    """The script does not run inside a step, or what a step has around it cannot be read."""
