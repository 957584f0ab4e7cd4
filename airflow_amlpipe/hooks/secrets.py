"""Which secrets may scripts read, and where do they come from?

From Airflow's variables, which its secrets backends give: the secret ``db-password`` is the variable ``amlpipe_secret_db_password``. Nothing
else can be read by a name that a script chooses. Where Airflow does not run, it is the environment variable that Airflow would read:
``AIRFLOW_VAR_AMLPIPE_SECRET_DB_PASSWORD``. What a script itself set there goes before that; it stays in the memory of the process, and of the
engines of the runs that it submits (docs/decisions/0013).
"""

from __future__ import annotations

import os
import re
import sys

from airflow_amlpipe.exceptions import BackendUnavailableError, DefinitionError, shorten

__all__ = ["change_secret", "find_secret", "given_secrets", "secret_names", "use_secrets", "variable_of_secret"]

_VARIABLE_PREFIX = "AIRFLOW_VAR_AMLPIPE_SECRET_"
_given: dict[str, str] = {}
# No "_", as in Azure: "api_key" and "api-key" would be one variable. Upper and lower case are one name there, too.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,126}")


def variable_of_secret(name: str) -> str:
    """Return the key of the Airflow variable that holds a secret.

    :raises DefinitionError: this cannot be a secret's name

    >>> variable_of_secret("db-password")
    'amlpipe_secret_db_password'
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(f"secret {shorten(repr(name))}: a name has letters, digits and '-', at most 127 of them")
    return f"amlpipe_secret_{name.replace('-', '_').lower()}"


def find_secret(name: str) -> str | None:
    """Return the value of a secret, ``None`` if there is none of this name. Airflow masks it in logs from then on.

    :raises DefinitionError: this cannot be a secret's name
    :raises BackendUnavailableError: Airflow did not say
    """
    key = variable_of_secret(name)
    if not _is_airflow_running():
        return _given.get(key) or os.environ.get(f"AIRFLOW_VAR_{key.upper()}")
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.log import mask_secret

    if key in _given:
        mask_secret(_given[key])
        return _given[key]
    try:
        value = Variable.get(key, default=None)
    except AirflowRuntimeError as error:
        # "from None": Airflow may quote what it could not read.
        raise BackendUnavailableError(f"Airflow did not say what the variable {key!r} is ({type(error).__name__}); try again") from None
    if value is None:
        return None
    mask_secret(value)
    return str(value)


def change_secret(name: str, value: str | None) -> str | None:
    """Set a secret, or take it out (``None``): in Airflow where it runs, else in the memory of this process and of its runs' engines.

    :returns: the environment variable that would keep it for others, where it is kept in memory alone
    :raises DefinitionError: this cannot be a secret's name, or what is to be taken out is a variable of the environment
    :raises BackendUnavailableError: Airflow did not take it
    """
    key = variable_of_secret(name)
    variable = f"AIRFLOW_VAR_{key.upper()}"
    if not _is_airflow_running():
        if value is not None:
            _given[key] = value
        elif _given.pop(key, None) is None and variable in os.environ:
            raise DefinitionError(f"secret {shorten(repr(name))} is the environment variable {variable}; take it out there")
        return variable
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError

    try:
        if value is None:
            Variable.delete(key)
        else:
            Variable.set(key, value)
    except AirflowRuntimeError as error:
        # "from None": Airflow may quote what it could not write.
        raise BackendUnavailableError(f"Airflow did not change the variable {key!r} ({type(error).__name__}); try again") from None
    return None


def secret_names() -> list[str]:
    """Return the names of the secrets that can be listed: those of the environment and of this process; of others Airflow gives no list."""
    known = {name.removeprefix(_VARIABLE_PREFIX) for name in os.environ if name.startswith(_VARIABLE_PREFIX)}
    given = {key.removeprefix("amlpipe_secret_") for key in _given}
    return sorted({name.lower().replace("_", "-") for name in known | given})


def given_secrets() -> dict[str, str]:
    """Return what this process was given, by the variables' keys."""
    return dict(_given)


def use_secrets(given: dict[str, str]) -> None:
    """Use what :func:`given_secrets` returned in another process."""
    _given.update(given)


def _is_airflow_running() -> bool:
    return "airflow.sdk" in sys.modules or "airflow.configuration" in sys.modules
