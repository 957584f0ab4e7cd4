"""Which names may an input or an output of a step have, and which paths below a datastore?

The rules are those of ``spec/names.py``; here they end in SDK v1's class of error, and warn of what SDK v1 let pass.
"""

from __future__ import annotations

import re
import warnings

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec import names

__all__ = ["check_binding_name", "check_dataset_binding_name", "path_on_datastore"]

# SDK v1: azureml/data/_config_helper.py.
_OF_DATASET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_COMMON_VARIABLES = frozenset(
    {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONHOME", "PYTHONPATH", "SHELL", "TEMP", "TMP", "TMPDIR", "USER"}
)


def check_binding_name(what: str, name: object) -> str:
    """Return ``name`` if it can name an input or an output; warn if it is the name of a variable that scripts rely on.

    :raises UserErrorException: it cannot; rename it
    """
    try:
        checked = names.check_binding_name(what, name)
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error
    # SDK v1 makes it an environment variable of the step (``FileDataset.as_named_input``).
    if checked.upper() in _COMMON_VARIABLES:
        warnings.warn(f"{what} is called {name!r}, like an environment variable that scripts rely on; rename it", UserWarning, stacklevel=4)
    return checked


def check_dataset_binding_name(what: str, name: object) -> str:
    """Return ``name`` as :func:`check_binding_name`, if a dataset can be an input or an output under it, which SDK v1 had a stricter rule for.

    :raises UserErrorException: it cannot; rename it
    """
    if not isinstance(name, str) or not _OF_DATASET.fullmatch(name):
        raise UserErrorException(
            f"{what}: the name {shorten(repr(name))} cannot be used; use the letters a to z, digits and '_', no digit first"
        )
    return check_binding_name(what, name)


def path_on_datastore(what: str, path: str | None) -> str:
    """Return ``path`` below a datastore's root; a leading ``/`` means that root.

    :raises UserErrorException: it leaves the datastore, or is no text
    """
    text = check_text(f"{what}: the path", path or "")
    try:
        return names.check_relative_path(what, text.replace("\\", "/").lstrip("/"))
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error
