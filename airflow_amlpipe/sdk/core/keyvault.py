"""Where are the secrets of a workspace? In Airflow, never in the workspace."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items, check_text, check_workspace_given
from airflow_amlpipe.sdk._parsing import refuse_while_parsing
from airflow_amlpipe.sdk._workspace_store import as_user_error
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["KeyVaultContentType", "Keyvault"]


class KeyVaultContentType(Enum):
    """What SDK v1 noted beside a secret; taken and ignored."""

    not_provided = "application/NotProvided"


class Keyvault:
    """The secrets that scripts may read: Airflow's variables ``amlpipe_secret_<name>``, whichever secrets backend keeps them.

    A script without Airflow reads ``AIRFLOW_VAR_AMLPIPE_SECRET_<NAME>``. What it sets there stays in the memory of its process and of the runs
    that it submits, and is written nowhere.
    """

    def __init__(self, workspace: Workspace) -> None:
        check_workspace_given("Keyvault", workspace)
        self.workspace = workspace

    def get_secret(self, name: str) -> str:
        """Return the value of a secret. Airflow masks it in logs from then on.

        :raises UserErrorException: there is none of this name
        """
        from airflow_amlpipe.services.secrets import get_secret

        refuse_while_parsing("Keyvault.get_secret")
        with as_user_error():
            return get_secret(check_text("Keyvault.get_secret: name", name))

    def get_secrets(self, secrets: Iterable[str]) -> dict[str, str]:
        """Return the values of several secrets by name."""
        return {name: self.get_secret(name) for name in check_items("Keyvault.get_secrets: secrets", secrets)}

    def get_secret_content_type(self, name: str) -> str:
        """Return what SDK v1 noted beside a secret: nothing is noted.

        :raises UserErrorException: there is none of this name
        """
        self.get_secret(name)
        return KeyVaultContentType.not_provided.value

    def set_secret(self, name: str, value: str, content_type: Any = KeyVaultContentType.not_provided) -> None:
        """Set a secret: in Airflow where this code runs under it, else for this process and the runs that it submits.

        :raises UserErrorException: the name cannot be used, or the value is no text
        """
        from airflow_amlpipe.services.secrets import set_secret

        refuse_while_parsing("Keyvault.set_secret")
        check_text("Keyvault.set_secret: name", name)
        if not isinstance(value, str):
            # The value itself is in no message.
            raise UserErrorException(f"Keyvault.set_secret: the value of {shorten(repr(name))} must be text, not a {type(value).__name__}")
        variable = set_secret(name, value)
        if variable is not None:
            warnings.warn(
                f"Keyvault.set_secret: {shorten(repr(name))} is set for this process and the runs that it submits; for others, make the Airflow "
                f"variable {variable.removeprefix('AIRFLOW_VAR_').lower()}",
                UserWarning,
                stacklevel=2,
            )

    def set_secrets(self, secrets_batch: dict[str, str]) -> None:
        """Set several secrets."""
        if not isinstance(secrets_batch, dict):
            raise UserErrorException(f"Keyvault.set_secrets: give a dictionary of names and values, not a {type(secrets_batch).__name__}")
        for name, value in secrets_batch.items():
            self.set_secret(name, value)

    def delete_secret(self, name: str) -> None:
        """Take a secret out.

        :raises UserErrorException: there is none of this name
        """
        from airflow_amlpipe.services.secrets import remove_secret

        refuse_while_parsing("Keyvault.delete_secret")
        with as_user_error():
            remove_secret(check_text("Keyvault.delete_secret: name", name))

    def delete_secrets(self, secrets: Iterable[str]) -> None:
        """Take several secrets out."""
        for name in check_items("Keyvault.delete_secrets: secrets", secrets):
            self.delete_secret(name)

    def list_secrets(self) -> dict[str, str]:
        """Return the names of the secrets of the environment and of this process, never their values; Airflow gives no list of others."""
        from airflow_amlpipe.services.secrets import list_secrets

        refuse_while_parsing("Keyvault.list_secrets")
        return dict.fromkeys(list_secrets(), KeyVaultContentType.not_provided.value)

    def __repr__(self) -> str:
        return f"Keyvault(workspace={self.workspace.name!r})"
