"""Under which names does a script know the workspace that its pipeline was made in?"""

from __future__ import annotations

from airflow_amlpipe.spec.model import SpecModel

__all__ = ["WorkspaceNames"]


class WorkspaceNames(SpecModel):
    """The three keys of a config.json. They are handed on to scripts that ask for them; where the workspace is, they do not say.

    No step's key holds them: the same workspace may have other names in another checkout.
    """

    name: str
    subscription_id: str = ""
    resource_group: str = ""
