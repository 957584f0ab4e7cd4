"""How do scripts read, set and list secrets on the host?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.hooks.secrets import change_secret, find_secret, secret_names

__all__ = ["get_secret", "list_secrets", "remove_secret", "set_secret"]


def get_secret(name: str) -> str:
    """Return the value of a secret.

    :raises UnknownNameError: there is none of this name; the message lists those that can be listed
    """
    found = find_secret(name)
    if found is None:
        known = ", ".join(secret_names()) or "none"
        raise UnknownNameError(
            f"there is no secret {shorten(repr(name))}; make the Airflow variable amlpipe_secret_{shorten(name.replace('-', '_').lower())}, or set "
            f"AIRFLOW_VAR_AMLPIPE_SECRET_{shorten(name.replace('-', '_').upper())}; those that can be listed are: {shorten(known, 400)}"
        )
    return found


def set_secret(name: str, value: str) -> str | None:
    """Set a secret; see :func:`airflow_amlpipe.hooks.secrets.change_secret`."""
    return change_secret(name, value)


def remove_secret(name: str) -> None:
    """Take a secret out.

    :raises UnknownNameError: there is none of this name
    """
    get_secret(name)
    change_secret(name, None)


def list_secrets() -> list[str]:
    """Return the names of the secrets that can be listed."""
    return secret_names()
