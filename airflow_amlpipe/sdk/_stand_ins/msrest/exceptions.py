"""Which errors of SDK v1's service do scripts catch?"""

from __future__ import annotations

__all__ = ["HttpOperationError"]


class HttpOperationError(Exception):
    """What SDK v1's service answered with when something was not there; `Datastore.get` raises one (``sdk/data/_datastore_classes.py``)."""
