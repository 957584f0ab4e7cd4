"""How is a folder of this machine written as the URL of a store?"""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder_url"]


def folder_url(folder: Path) -> str:
    """Return the URL that :func:`airflow_amlpipe.storage.open.open_store` opens this folder by.

    ``Path.as_uri`` would not do: it writes ``%20`` for a space, and the path in a store's URL is literal, as in fsspec.

    >>> folder_url(Path("/srv/my data"))
    'file:///srv/my data'
    """
    return f"file://{folder.absolute().as_posix()}"
