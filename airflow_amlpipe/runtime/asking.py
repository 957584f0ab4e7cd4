"""How does a script ask its host for what only the host can tell?

Through the files of ``questions.py``. There is no socket and no token: whoever waits for the step's job answers.
"""

from __future__ import annotations

import json
import os
import time

from airflow_amlpipe.runtime.errors import AzureMLException, RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.protocol import ENV_RUN_FOLDER
from airflow_amlpipe.runtime.questions import ALIVE_FILE, ANSWERS_FOLDER, ASKS_FOLDER, ENV_PATIENCE, FILES_SUFFIX, write_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Tuple

__all__ = ["ask", "is_inside_step"]

_PATIENCE_SECONDS = 600.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


def is_inside_step() -> bool:
    """Whether there is a host to ask."""
    return bool(os.environ.get(ENV_RUN_FOLDER))


def ask(verb: str, arguments: Dict[str, Any], files: Optional[Iterable[Tuple[str, str]]] = None) -> Dict[str, Any]:
    """Return the host's answer.

    :param verb: one of ``questions.VERBS``
    :param files: local files that go with the question, each as its path and the name it has for the host, with ``/``
    :raises UserErrorException: there is no such thing, or it may not be had
    :raises AzureMLException: the host could not tell; trying again may help
    :raises RunEnvironmentException: this is no step, or nobody has answered for ten minutes (``AMLPIPE_ANSWER_TIMEOUT_SECONDS``)
    """
    folder = os.environ.get(ENV_RUN_FOLDER, "")
    if not folder:
        raise RunEnvironmentException("%s: this script does not run inside a step of a pipeline, so there is no host to ask" % verb)
    question = _put_question(folder, verb, arguments, files)
    try:
        answer = _wait(folder, verb, question)
    finally:
        _remove(os.path.join(folder, ASKS_FOLDER, question + ".json"), os.path.join(folder, ASKS_FOLDER, question + FILES_SUFFIX))
        # Last: a question without an answer is answered again.
        _remove(os.path.join(folder, ANSWERS_FOLDER, question + ".json"))
    if answer.get("error") is None:
        value: Dict[str, Any] = answer["value"]
        return value
    message = str(answer["error"])
    raise UserErrorException(message) if answer.get("is_authors") else AzureMLException(message)


def _put_question(folder: str, verb: str, arguments: Dict[str, Any], files: Optional[Iterable[Tuple[str, str]]]) -> str:
    import uuid

    # Sorts by time: who asks first is answered first.
    question = "%019d-%s" % (time.time_ns(), uuid.uuid4().hex)
    asks = os.path.join(folder, ASKS_FOLDER)
    for name in (ASKS_FOLDER, ANSWERS_FOLDER):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    if files is not None:
        import shutil

        beside = os.path.join(asks, question + FILES_SUFFIX)
        os.mkdir(beside)
        for path, name in files:
            target = os.path.join(beside, *name.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
    write_document(os.path.join(asks, question + ".json"), {"verb": verb, "arguments": arguments})
    return question


def _wait(folder: str, verb: str, question: str) -> Dict[str, Any]:
    patience = _patience()
    alive = os.path.join(folder, ALIVE_FILE)
    seen, deadline, pause = _changed(alive), time.monotonic() + patience, _SHORTEST_PAUSE
    while True:
        try:
            with open(os.path.join(folder, ANSWERS_FOLDER, question + ".json"), encoding="utf-8") as file:
                answer: Dict[str, Any] = json.load(file)
            return answer
        except FileNotFoundError:
            pass
        now = _changed(alive)
        if now != seen:
            seen, deadline = now, time.monotonic() + patience
        elif time.monotonic() >= deadline:
            raise RunEnvironmentException(
                "%s: nobody on the host has looked for questions of this step for %g seconds: the worker that waits for it is gone or "
                "frozen. Give %s another number of seconds if its place is taken later than that" % (verb, patience, ENV_PATIENCE)
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _patience() -> float:
    text = os.environ.get(ENV_PATIENCE, "")
    try:
        return float(text) if text else _PATIENCE_SECONDS
    except ValueError:
        raise UserErrorException("%s=%.80r is no number of seconds" % (ENV_PATIENCE, text)) from None


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _remove(*paths: str) -> None:
    for path in paths:
        if os.path.isdir(path):
            import shutil

            shutil.rmtree(path, ignore_errors=True)
        elif os.path.exists(path):
            os.unlink(path)
