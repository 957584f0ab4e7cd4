"""Who answers what a step's script asks while its job runs?

The process that waits for the job, in a thread of its own, for as long as it waits. One that takes up the job of a process that died
answers what was left unanswered; should both be alive, the first answer stands, and whatever a verb changes is changed once. A question is
the word of a stranger: it has to be a small plain file, a verb of the closed list, and arguments of the right types.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.operators.script_folder import move_in, opened_folder, touch_file
from airflow_amlpipe.runtime import questions
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.storage.exclusive import create_whole, write_all
from airflow_amlpipe.workspace.asked import AskedThing
from airflow_amlpipe.workspace.ids import now_text

__all__ = ["Answer", "AnswerQuestion", "Question", "answering", "asked_so_far"]

_JOURNAL: Final = "asked.jsonl"
_LOOK_SECONDS: Final = 0.03
_ALIVE_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """What a script wants to know.

    :ivar id: unique, and the same for whoever answers
    :ivar root: folder of the try, below which everything lies that the script may send along
    :ivar files: folder of the files that came with it; there may be none
    :ivar place: where data that is asked for may be put; not made yet, and out of the script's reach until the answer is complete
    :ivar given: where the script finds what was put at ``place``
    :ivar record: writes down what is about to be changed in several steps, of which the last may fail; else the answer says it
    :ivar check: to be called before each file that is copied; raises once nobody waits for the job any more
    """

    id: str
    verb: str
    arguments: dict[str, Any]
    root: Path
    files: Path
    place: Path
    given: Path
    record: Callable[[AskedThing], None]
    check: Callable[[], None]

    def shown(self, path: Path) -> str:
        """Return where the script finds what is put at ``path``."""
        return str(self.given / path.relative_to(self.place)) if path.is_relative_to(self.place) else str(path)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script is told, and what is written down about it.

    :ivar thing: ``None`` for what needs no record
    """

    value: dict[str, Any] = field(default_factory=dict)
    thing: AskedThing | None = None


AnswerQuestion = Callable[[Question], Answer]


@contextmanager
def answering(folder: StepFolder, answer: AnswerQuestion, say: Callable[[str], None]) -> Iterator[None]:
    """Answer the questions of the job in ``folder`` while the block runs.

    :param say: is told once of each thing that the script is given and that is not in the step's key
    """
    loop = _Loop(folder, answer, say)
    thread = threading.Thread(target=loop.run, name="amlpipe-answers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.stop()
        thread.join()


def asked_so_far(folder: StepFolder) -> Iterator[AskedThing]:
    """Yield what the script in ``folder`` was told, in order; whoever told it."""
    with suppress(FileNotFoundError), (folder.root / _JOURNAL).open("rb") as file:
        for line in file:
            # A torn line of a process that died is passed over.
            with suppress(DefinitionError):
                yield parse_model(AskedThing, line, "what a script asked")


class _Loop:
    def __init__(self, folder: StepFolder, answer: AnswerQuestion, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._answer = answer
        self._say = say
        self._stopped = threading.Event()
        self._is_stuck = False
        self._taken: set[str] = set()
        self._said = {(thing.verb, thing.what) for thing in asked_so_far(folder)}

    def run(self) -> None:
        asks, since = self._folder.run / questions.ASKS_FOLDER, _ALIVE_SECONDS
        # One at a time: stores and logins are not made for more. Another thread, so that a long answer does not look like a dead host.
        with ThreadPoolExecutor(1, "amlpipe-answer") as pool:
            while not self._stopped.wait(_LOOK_SECONDS):
                with suppress(OSError, DefinitionError):
                    names = sorted(name for name in os.listdir(asks) if name.endswith(".json") and not name.startswith("."))
                    since += _LOOK_SECONDS
                    # A host that cannot write an answer is as good as none: the script's patience decides.
                    if since >= _ALIVE_SECONDS and not self._is_stuck:
                        touch_file(self._folder, questions.ALIVE_FILE)
                        since = 0.0
                    for name in names:
                        if name not in self._taken:
                            self._taken.add(name)
                            pool.submit(self._settle, asks / name)
            pool.shutdown(wait=True, cancel_futures=True)

    def stop(self) -> None:
        self._stopped.set()

    def _settle(self, path: Path) -> None:
        if os.path.lexists(self._folder.run / questions.ANSWERS_FOLDER / path.name):
            return
        document: dict[str, Any]
        # Beside the folder of the try, of which all is the script's: what is fetched is moved there once it is whole.
        place = self._folder.root.with_name(f".given-{uuid.uuid4().hex}")
        try:
            question = self._read(path, place)
            if question is None:
                return
            answer = self._answer(question)
            if place.exists():
                move_in(self._folder, place, questions.GIVEN_FOLDER, question.given.name)
            # Written down before the script can act on it.
            if answer.thing is not None:
                self._record(answer.thing)
            document = {"value": answer.value}
        except AmlPipeError as error:
            if self._stopped.is_set():
                return  # whoever takes up the job answers
            document = {"error": str(error), "is_authors": isinstance(error, DefinitionError)}
        except Exception as error:  # noqa: BLE001  # the script is waiting, and has to be told something
            document = {"error": f"the host could not answer: {type(error).__name__}: {shorten(str(error))}", "is_authors": False}
        finally:
            shutil.rmtree(place, ignore_errors=True)
        self._tell(path, json.dumps(document).encode())

    def _tell(self, path: Path, body: bytes) -> None:
        """Write an answer, however often that takes; the question is looked into once."""
        # A script that has gone, or does not wait any more, takes its question with it.
        while os.path.lexists(path):
            try:
                with opened_folder(self._folder, questions.ANSWERS_FOLDER) as answers:
                    create_whole(str(answers / path.name), body, durable=False, makes_folders=False)
            except (OSError, AmlPipeError):
                self._is_stuck = True
                if self._stopped.wait(_AGAIN_SECONDS):
                    return
            else:
                self._is_stuck = False
                return
        self._is_stuck = False

    def _read(self, path: Path, place: Path) -> Question | None:
        """Return the question in a file; ``None`` if the script took it back.

        :raises DefinitionError: it is none
        """
        try:
            with opened_folder(self._folder, questions.ASKS_FOLDER) as asks:
                descriptor = os.open(asks / path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DefinitionError(f"a question has to be a plain file ({error.strerror})") from error
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DefinitionError("a question has to be a plain file")
            body = file.read(questions.LARGEST_QUESTION + 1)
        if len(body) > questions.LARGEST_QUESTION:
            raise DefinitionError(f"a question has at most {questions.LARGEST_QUESTION:,} bytes")
        try:
            document = json.loads(body)
            verb, arguments = document["verb"], document["arguments"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DefinitionError("a question has to be a JSON object with a verb and its arguments") from error
        fault = questions.find_fault(verb, arguments)
        if fault:
            raise DefinitionError(fault)
        files = path.with_name(path.stem + questions.FILES_SUFFIX)
        # Its own for each process that answers: two never write into one folder.
        given = self._folder.run / questions.GIVEN_FOLDER / f"{path.stem}-{uuid.uuid4().hex}"
        return Question(path.stem, verb, arguments, self._folder.root, files, place, given, self._record, self._check)

    def _check(self) -> None:
        """:raises InfrastructureError: nobody waits for the job any more."""
        if self._stopped.is_set():
            raise InfrastructureError("the host does not wait for the step any more, so that nothing more is copied for its script")

    def _record(self, thing: AskedThing) -> None:
        known = thing.model_copy(update={"first_at": now_text()})
        # A line of its own, also after one that a process left unfinished when it died.
        line = b"\n" + json.dumps(known.model_dump(mode="json"), separators=(",", ":")).encode() + b"\n"
        descriptor = os.open(self._folder.root / _JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, line)
        finally:
            os.close(descriptor)
        if (thing.verb, thing.what) not in self._said:
            self._said.add((thing.verb, thing.what))
            if not thing.is_keyed:
                self._say(_notice(thing))


def _notice(thing: AskedThing) -> str:
    if thing.changes:
        return f"the script changed {thing.what}"
    asked = f"the script asked for {thing.what}, which is no input of its step"
    if thing.told is None:
        return f"{asked}: a change of it does not make the step run again"
    return f"{asked}: it is asked for again before the step's result is reused"
