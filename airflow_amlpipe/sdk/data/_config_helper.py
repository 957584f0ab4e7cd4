"""Which names may an input or an output of a step have?"""

from __future__ import annotations

import re
import warnings

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["check_binding_name"]

# SDK v1's rule (semantics 1.2): the name becomes an environment variable of the step.
_NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_LONGEST = 255
_COMMON_VARIABLES = frozenset(
    {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONHOME", "PYTHONPATH", "SHELL", "TEMP", "TMP", "TMPDIR", "USER"}
)


def check_binding_name(what: str, name: object) -> str:
    """Return ``name`` if it can name an input or an output; warn if it is the name of a variable that scripts rely on.

    :raises UserErrorException: it cannot; rename it
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UserErrorException(
            f"{what}: the name {shorten(repr(name))} cannot be used; use letters, digits and '_', no digit first, at most {_LONGEST} characters"
        )
    if name.upper() in _COMMON_VARIABLES:
        warnings.warn(f"{what} is called {name!r}, like an environment variable that scripts rely on; rename it", UserWarning, stacklevel=4)
    return name
