"""Which store does a URL name?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.store import Store

__all__ = ["open_store"]


def open_store(url: str, *, what: str = "datastore", login: Login | None = None) -> Store:  # noqa: ARG001  # nobody logs in to a folder
    """Return the store at ``url``: ``file:///folder`` or the absolute path of a local folder, which need not exist yet.

    The path is literal: ``%20`` is no space, as in fsspec.

    :param what: what is kept there, as people know it: it is in the messages
    :param login: as whom; without one, what the environment of the process says
    :raises UnsupportedFeatureError: another protocol
    :raises DefinitionError: no absolute path
    """
    protocol, separator, rest = url.partition("://")
    if not separator:
        rest = url
    elif protocol.lower() != "file" or "::" in url:
        # Only the protocol is repeated: the rest may hold a password.
        raise UnsupportedFeatureError(
            f"a {what} on {shorten(repr(protocol), 60)} cannot be opened; use a folder of this machine or a mounted one (file:///...)"
        )
    if not rest.startswith("/") or "\0" in rest:
        raise DefinitionError(f"the {what} URL {shorten(repr(url))} names no absolute folder; write it as file:///folder or /folder")
    return LocalStore(rest)
