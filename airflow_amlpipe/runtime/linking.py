"""How does a script say which dataset an output is, instead of writing one? (``run.output_datasets["x"].link(dataset)``)

It writes one file into the output's folder. So a link is kept, compared and reused as any output is; the host makes a dataset of it again
(``workspace/links.py``).
"""

from __future__ import annotations

import json
import os

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

__all__ = ["LINK_FILE", "LINK_FORMAT", "write_link"]

LINK_FILE = "linked-dataset.json"
LINK_FORMAT = "amlpipe/link/v1"


def write_link(folder: str, dataset: Any) -> None:
    """Make the output at ``folder`` another name of ``dataset``; a later link takes the place of an earlier one.

    :raises UserErrorException: it is no dataset
    """
    document: Dict[str, Any] = {"format": LINK_FORMAT}
    part = getattr(dataset, "_part", None)
    if part is not None:
        # The host knows what has this id; what the script took of it comes behind that.
        described, known = dataset._described(), part["definition"]
        document["id"] = part["id"]
        document["operations"] = list(described["operations"])[len(known.get("operations") or ()) :]
        document["timestamps"] = [described.get("timestamp"), described.get("partition_timestamp")]
    elif hasattr(dataset, "_sources"):
        document["paths"] = [list(place) for place in dataset._sources]
        document["definition"] = dataset._described()
    else:
        raise UserErrorException("link: %.80r of type %s is no dataset" % (dataset, type(dataset).__name__))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LINK_FILE), "w", encoding="ascii") as file:
        json.dump(document, file, sort_keys=True)
