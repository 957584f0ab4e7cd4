"""What may a script ask of its host, and through which files do question and answer pass?

A question is a file of the run folder, ``asks/<id>.json``: a verb of the closed list below and its arguments, which have the types given
there and no others. Files that go with it lie beside it in ``asks/<id>.files/``. Whoever waits for the job on the host writes
``answers/<id>.json``, whole or not at all, and puts data that is asked for below ``given/``. Both sides write with a rename, so nobody
reads half a file, and any number of threads and processes of the script may ask at once. A question stays until it is answered: a worker
that takes up the job of one that died answers what was asked before.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

__all__ = [
    "ALIVE_FILE",
    "ANSWERS_FOLDER",
    "ASKS_FOLDER",
    "ENV_PATIENCE",
    "FILES_SUFFIX",
    "GIVEN_FOLDER",
    "LARGEST_QUESTION",
    "VERBS",
    "find_fault",
    "write_document",
]

ASKS_FOLDER = "asks"
ANSWERS_FOLDER = "answers"
GIVEN_FOLDER = "given"
FILES_SUFFIX = ".files"
ALIVE_FILE = "host-is-there"
"""Whose time of change tells when the host last looked for questions."""

ENV_PATIENCE = "AMLPIPE_ANSWER_TIMEOUT_SECONDS"
LARGEST_QUESTION = 4 * 1024 * 1024

_TEXT, _MAYBE_TEXT, _WHOLE, _MAYBE_WHOLE, _BOOL = "text", "text?", "whole", "whole?", "bool"
_TEXTS, _NAMES, _PAIRS = "texts", "names", "pairs"

# Every verb and its arguments, all of which have to be there. Nothing else can be asked.
VERBS = {
    "workspace": {},
    "names": {"kind": _TEXT, "name": _MAYBE_TEXT},
    "dataset": {"name": _MAYBE_TEXT, "version": _MAYBE_WHOLE, "id": _MAYBE_TEXT},
    "dataset-data": {"id": _TEXT},
    "dataset-read": {"id": _TEXT},
    "datastore": {"name": _MAYBE_TEXT},
    "datastore-download": {"datastore": _TEXT, "prefix": _MAYBE_TEXT},
    "datastore-upload": {"datastore": _TEXT, "target": _MAYBE_TEXT, "overwrite": _BOOL},
    "models": {"name": _MAYBE_TEXT, "version": _MAYBE_WHOLE},
    "model-data": {"name": _TEXT, "version": _WHOLE},
    "model-register": {
        "name": _TEXT,
        "top": _TEXT,
        "call": _WHOLE,
        "tags": _TEXTS,
        "properties": _TEXTS,
        "description": _MAYBE_TEXT,
        "framework": _MAYBE_TEXT,
        "framework_version": _MAYBE_TEXT,
        "datasets": _PAIRS,
    },
    "model-change": {
        "name": _TEXT,
        "version": _WHOLE,
        "tags": _TEXTS,
        "removed_tags": _NAMES,
        "replaces_tags": _BOOL,
        "properties": _TEXTS,
        "description": _MAYBE_TEXT,
        "datasets": _PAIRS,
    },
    "model-delete": {"name": _TEXT, "version": _WHOLE},
    "secret": {"name": _TEXT},
    "run": {"id": _TEXT},
    "environment": {"name": _TEXT, "version": _MAYBE_TEXT},
}  # type: Dict[str, Dict[str, str]]


def find_fault(verb: object, arguments: object) -> str:
    """Return why this is no question, or the empty text if it is one."""
    wanted = VERBS.get(verb) if isinstance(verb, str) else None
    if wanted is None:
        return "%.80r is not among what a step can ask: %s" % (verb, ", ".join(sorted(VERBS)))
    if not isinstance(arguments, dict) or set(arguments) != set(wanted):
        given = sorted(map(str, arguments)) if isinstance(arguments, dict) else arguments
        return "%s takes the arguments %s, and was given %.300r" % (verb, ", ".join(sorted(wanted)) or "(none)", given)
    for name, kind in wanted.items():
        if not _is(arguments[name], kind):
            return "%s: %s has to be %s, not %.80r" % (verb, name, _SAID[kind], arguments[name])
    return ""


def write_document(path: str, document: Dict[str, Any]) -> None:
    """Write JSON whole or not at all, for this user alone."""
    import uuid

    temporary = os.path.join(os.path.dirname(path), "." + uuid.uuid4().hex)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(document, file)
    os.replace(temporary, path)


_SAID = {
    _TEXT: "a text",
    _MAYBE_TEXT: "a text or nothing",
    _WHOLE: "a whole number",
    _MAYBE_WHOLE: "a whole number or nothing",
    _BOOL: "True or False",
    _TEXTS: "a mapping of texts to texts",
    _NAMES: "a list of texts",
    _PAIRS: "a list of pairs of texts",
}


def _is(value: object, kind: str) -> bool:
    if kind in (_MAYBE_TEXT, _MAYBE_WHOLE) and value is None:
        return True
    if kind in (_TEXT, _MAYBE_TEXT):
        return isinstance(value, str)
    if kind in (_WHOLE, _MAYBE_WHOLE):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == _BOOL:
        return isinstance(value, bool)
    if kind == _TEXTS:
        return isinstance(value, dict) and all(isinstance(key, str) and isinstance(item, str) for key, item in value.items())
    if kind == _NAMES:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(item, str) for item in pair) for pair in value
    )
