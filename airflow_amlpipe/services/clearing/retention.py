"""How long does a workspace keep what it has done?

Without a rule, for ever: then only what nothing refers to is cleared away, such as what killed processes left. With rules, a run or a result may go
when it is older than the age *and* not among the newest few, whichever of the two are given. A size limits what outputs take on a datastore.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final, Literal

from pydantic import Field

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.duration import duration_text, parse_duration
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["LEAST_GUARD_SECONDS", "RetentionPolicy", "load_policy", "parse_size", "policy_from_json", "save_policy"]

LEAST_GUARD_SECONDS: Final = 7 * 86_400
"""What is not finished is taken for work in progress at least as long as this."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(?:i?[bB])?")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class RetentionPolicy(SpecModel):
    """What may go.

    :ivar older_than_seconds: age from which runs that have ended, and results, may go; ``None`` for no matter how old
    :ivar keep_last: how many of the newest runs of each experiment, and results of each step, stay however old they are
    :ivar max_bytes: how much outputs may take, by datastore; the oldest go first, whatever the other rules say, but never what is pinned,
        registered, or of a run that is not over
    :ivar guard_seconds: how long something unfinished is taken for work in progress; set it to the longest time that a job of yours takes
    """

    format: Literal["amlpipe/retention/v1"] = "amlpipe/retention/v1"
    older_than_seconds: Annotated[int, Field(ge=0)] | None = None
    keep_last: Annotated[int, Field(ge=0)] | None = None
    max_bytes: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    guard_seconds: Annotated[int, Field(ge=LEAST_GUARD_SECONDS)] = LEAST_GUARD_SECONDS

    @property
    def has_rule(self) -> bool:
        """Whether anything that is finished may go at all by age or count."""
        return self.older_than_seconds is not None or self.keep_last is not None

    @property
    def sentence(self) -> str:
        """The policy as people read it."""
        parts = []
        if self.older_than_seconds is not None:
            parts.append(f"older than {duration_text(self.older_than_seconds) if self.older_than_seconds else 'now'}")
        if self.keep_last is not None:
            parts.append(f"not among the newest {self.keep_last} of their experiment or step")
        rules = [f"runs and results that are {' and '.join(parts)} may go"] if parts else []
        rules += [f"outputs on {name} may take {size} bytes" for name, size in sorted(self.max_bytes.items())]
        return "; ".join(rules) or "only what nothing refers to may go"


def load_policy(workspace: WorkspaceStore) -> RetentionPolicy:
    """Return the policy that was saved for a workspace, else the one that clears away only what nothing refers to.

    :raises ProtocolError: this version cannot read it
    """
    latest = AppendLog(workspace.store, log_folder("gc", "policy")).latest()
    if latest is None:
        return RetentionPolicy()
    return parse_record(RetentionPolicy, latest[1], "retention policy")


def save_policy(workspace: WorkspaceStore, policy: RetentionPolicy) -> int:
    """Make ``policy`` the workspace's and return its number."""
    return AppendLog(workspace.store, log_folder("gc", "policy")).append(record_body(policy))


def policy_from_json(text: str, where: str) -> RetentionPolicy:
    """Return the policy that a file describes: ``older_than`` and ``guard`` (``90d``), ``keep_last``, ``max_size`` (``{"lake": "500G"}``).

    :raises DefinitionError: it describes none
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"{where}: it is not JSON ({shorten(str(error))})") from error
    known = {"older_than", "keep_last", "max_size", "guard"}
    if not isinstance(given, dict) or set(given) - known:
        raise DefinitionError(f"{where}: a retention policy has the fields {', '.join(sorted(known))}; given: {shorten(repr(given))}")
    fields: dict[str, object] = {name: given[name] for name in ("keep_last",) if name in given}
    for name, field in (("older_than", "older_than_seconds"), ("guard", "guard_seconds")):
        if name in given:
            fields[field] = parse_duration(f"{where}: {name}", str(given[name]))
    if "max_size" in given:
        fields["max_bytes"] = {str(name): parse_size(f"{where}: max_size", str(size)) for name, size in dict(given["max_size"]).items()}
    return parse_model(RetentionPolicy, json.dumps(fields), where)


def parse_size(what: str, text: str) -> int:
    """Return the bytes that ``text`` means: a number with k, M, G or T (of 1000) behind it.

    :raises DefinitionError: it is none
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise DefinitionError(f"{what}: {shorten(repr(text))} is no size; write a number with k, M, G or T behind it, such as 500G")
    return int(float(match.group(1)) * _UNITS[match.group(2).lower()])
