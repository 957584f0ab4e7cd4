"""Which secrets may scripts read, and where do they come from?

From Airflow's variables, which its secrets backends give: the secret ``db-password`` is the variable ``amlpipe_secret_db_password``. Nothing
else can be read by a name that a script chooses. Where Airflow does not run, it is the environment variable that Airflow would read:
``AIRFLOW_VAR_AMLPIPE_SECRET_DB_PASSWORD``.
"""

from __future__ import annotations

import os
import re
import sys

from airflow_amlpipe.exceptions import BackendUnavailableError, DefinitionError, shorten

__all__ = ["find_secret", "variable_of_secret"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,126}")


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
    if "airflow.sdk" not in sys.modules and "airflow.configuration" not in sys.modules:
        return os.environ.get(f"AIRFLOW_VAR_{key.upper()}")
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.log import mask_secret

    try:
        value = Variable.get(key, default=None)
    except AirflowRuntimeError as error:
        # "from None": Airflow may quote what it could not read.
        raise BackendUnavailableError(f"Airflow did not say what the variable {key!r} is ({type(error).__name__}); try again") from None
    if value is None:
        return None
    mask_secret(value)
    return str(value)
