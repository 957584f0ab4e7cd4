"""How does a script read a secret without its being in the code, the environment or the arguments?"""

# SDK v1's signatures.
# ruff: noqa: ARG002

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, NoReturn

__all__ = ["Keyvault"]


class Keyvault:
    """The secrets that steps may read: Airflow's variables ``amlpipe_secret_<name>``, whichever secrets backend keeps them."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def get_secret(self, name: str) -> str:
        """Return the value of a secret; only its name is written down.

        :raises UserErrorException: there is none of this name
        """
        value: str = ask("secret", {"name": name})["value"]
        return value

    def get_secrets(self, secrets: Iterable[str]) -> Dict[str, str]:
        """Return the values of several secrets by name."""
        return {name: self.get_secret(name) for name in secrets}

    def set_secret(self, name: str, value: str, content_type: Any = None) -> None:
        """:raises UserErrorException: a step reads secrets only."""
        _refuse("set_secret")

    def set_secrets(self, secrets_batch: Dict[str, str]) -> None:
        """:raises UserErrorException: a step reads secrets only."""
        _refuse("set_secrets")

    def delete_secret(self, name: str) -> None:
        """:raises UserErrorException: a step reads secrets only."""
        _refuse("delete_secret")

    def delete_secrets(self, secrets: Iterable[str]) -> None:
        """:raises UserErrorException: a step reads secrets only."""
        _refuse("delete_secrets")

    def list_secrets(self) -> None:
        """:raises UserErrorException: a step reads the secrets whose names it knows."""
        _refuse("list_secrets")


def _refuse(method: str) -> NoReturn:
    raise UserErrorException("Keyvault.%s is not available inside a step: a step reads secrets by their names, and changes none" % method)
