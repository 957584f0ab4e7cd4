"""What does every place that keeps bytes promise, whatever it is made of?

Two halves. *Objects* are our own records: small, written whole, never changed. *Data* are the user's files and folders. A path is
text with ``/`` separators relative to the store's root, already checked by ``spec.names``; a store refuses ``..`` and absolute paths
again. Everything in a path is literal, except where an argument is called ``pattern``.

Trouble is never mistaken for absence: only a definite "nothing is there" becomes :class:`FileNotFoundError`, ``False`` or an empty
list; anything else is a :class:`~airflow_amlpipe.exceptions.DatastoreUnavailableError`, which a retry may cure, and for which nothing
was recorded as done. Nothing is cached between calls: what another machine finished writing is seen by the next call.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.tree import TreeIdentity, TreeManifest

__all__ = ["FRESH_SECONDS", "OnProgress", "Store"]

OnProgress = Callable[[int, int], None]
"""Called with how many files and how many bytes were finished since the last call, from whichever thread finished them; with two zeros while a
large file is on its way. An error that it raises ends the transfer."""

FRESH_SECONDS = 24 * 3600
"""Objects that were written longer ago than this are written again when somebody goes on to refer to them, see :meth:`Store.freshen`."""


class Store(ABC):
    """A root below which bytes are kept.

    :ivar url: the root as people are shown it; holds no secret
    :ivar identifies_content: whether equal files have equal identities. Otherwise (object stores) an identity is made of the versions that
        the store gives each file, empty folders are not kept, and what a file becomes is known once it is stored
    """

    url: str
    identifies_content: bool = True

    # ---- objects: our records

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return the whole object at ``path``.

        :raises FileNotFoundError: no object is there (a folder is none)
        :raises DatastoreUnavailableError: it could not be read; says nothing about whether it is there
        """

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether a file or folder is at ``path``.

        :raises DatastoreUnavailableError: nobody can say
        """

    @abstractmethod
    def list_names(self, folder: str) -> list[str]:
        """Return the names in ``folder``, files and folders, sorted; none if there is no such folder.

        Unfinished writes are not shown. Everything that was there before the call and still is, is in the answer.

        :raises DatastoreUnavailableError: the folder could not be listed
        """

    @property
    def whereabouts(self) -> str:
        """The root as text that is the same however the store is named: by another spelling of its URL, over a link, as another user.

        Two places may share it, as the folders of two servers do; what must not be touched is then taken for more than it is, never for less.
        """
        return self.url.rstrip("/")

    def look_at_root(self) -> str:
        """Return, as the end of a sentence, what shows that the store can be reached from here. Nothing is written.

        :raises DatastoreUnavailableError: it cannot
        """
        return f"can be listed; {len(self.list_names(''))} files and folders lie at its root"

    def last_written(self, path: str) -> float | None:  # noqa: ARG002
        """Return when the object at ``path`` was last written, in seconds since 1970 by the store's own clock; ``None`` where it does not say.

        :raises FileNotFoundError: no object is there
        :raises DatastoreUnavailableError: nobody can say
        """
        return None

    def size_of(self, path: str) -> int:
        """Return the size in bytes of the object at ``path``, from what the store says of it.

        :raises FileNotFoundError: no object is there
        :raises DatastoreUnavailableError: nobody can say
        """
        return self.identify(path).size_bytes

    def freshen(self, path: str, *, is_large: bool = False) -> bool:
        """Whether an object is at ``path``; one that is there counts as written within the last day from now on.

        For whoever goes on to refer to an object that it did not have to write: what was written lately is not cleared away.

        :param is_large: it may be too large for memory: the store copies it, to a place beside it and back
        :raises DatastoreUnavailableError: nobody can say
        """
        try:
            written = self.last_written(path)
            if written is None:
                return self.exists(path)
            if time.time() - written > FRESH_SECONDS:
                self._write_anew(path, is_large=is_large)
        except FileNotFoundError:
            return False
        return True

    def _write_anew(self, path: str, *, is_large: bool) -> None:
        if not is_large:
            self.put(path, self.read(path))
            return
        # No object store copies an object to itself. Clearing away knows whose copy it is by what is before the dot.
        beside = f"{path}.{uuid.uuid4().hex}"
        try:
            self.replace(path, beside)
            self.replace(beside, path)
        finally:
            self.remove_tree(beside)

    def unfinished(self, folder: str) -> list[tuple[str, int, float]]:  # noqa: ARG002
        """Return path, size and time of the last write of what killed processes left half written below ``folder``.

        None in a store that writes nothing under other names; of one that this machine can look into, ``unfinished.py`` finds out itself.

        :raises DatastoreUnavailableError: a folder could not be listed
        """
        return []

    def remove_empty(self, folder: str) -> None:  # noqa: B027  # nothing to do is the usual case
        """Delete ``folder`` if nothing at all is in it; a store that has no empty folders does nothing."""

    @abstractmethod
    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        """Create the object at ``path`` if none is there: all bytes or nothing, and one winner among all who try.

        The one primitive on which every record rests. Folders are made as needed.

        :param durable: the object outlives a power cut once this returned; without it, the machine may forget it, but never half of it
        :returns: ``True`` if ours is stored now, also when the answer was lost on the way; ``False`` if somebody else's was there first
        :raises CommitUnknownError: nobody can say whether ours is stored; nothing was deleted, call again to find out
        :raises DatastoreUnavailableError: ours is certainly not stored
        """

    @abstractmethod
    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:
        """Store the object at ``path`` whole, in place of what was there.

        For content that its name determines, or that has one writer. Readers see the old or the new content. Putting twice is putting once.

        :raises DatastoreUnavailableError: it was not stored
        """

    # ---- data: files and folders of the user

    @abstractmethod
    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:
        """Return which data is at ``path``, a file or a folder; with a ``pattern``, in the files below it that the pattern names.

        Content decides: equal files under equal names have an equal digest in every store that identifies content. In the others names,
        sizes and versions decide, from one listing. Nothing that was written to since is taken as unchanged.

        :param memo: saves reading again what certainly did not change
        :raises FileNotFoundError: nothing is there
        :raises DefinitionError: something that cannot be data, such as a link out of the folder
        :raises SourceChangedError: files kept changing meanwhile
        :raises DatastoreUnavailableError: something could not be read
        """

    @abstractmethod
    def match(self, pattern: str) -> list[str]:
        """Return the paths of the files that ``pattern`` names, sorted.

        ``*`` and ``?`` stay within a name, ``**`` crosses folders, all else is literal (``[`` too). A path without ``*`` and ``?`` names
        itself, be it a file or a folder, if it is there.

        :raises DefinitionError: it names something that cannot be data, such as a link that leads nowhere
        :raises DatastoreUnavailableError: a folder could not be listed
        """

    @abstractmethod
    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        """Make a private local copy of the file or folder ``path`` at ``target``: writable, and without a tie to the original.

        ``target`` is what a file will be called, or the folder that a folder's files are put into (made if need be; what is in it stays).

        With a manifest, a file that is there already and is what the manifest says stays: staging goes on where it stopped. No file has its
        name before it is whole.

        :param manifest: copy these files, no others, and compare every byte with it; without, copy all and compare sizes
        :param on_progress: told of what has arrived
        :raises FileNotFoundError: nothing is at ``path``
        :raises SourceChangedError: what is there is not what the manifest says, or changed meanwhile; names the first file
        :raises DatastoreUnavailableError: something could not be read or written; a ``target`` that was new is removed
        """

    @abstractmethod
    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> TreeIdentity | None:
        """Move the finished local file or folder ``source`` to ``path``, where nothing may be yet.

        Afterwards ``source`` belongs to the store, whether it is still there or not. A file appears whole. Links in a folder become the
        content they lead to. Folders above ``path`` are made.

        :param durable: a file outlives a power cut once this returned (a folder's files are not forced to disk: their manifest tells)
        :param on_progress: told of what has been stored; a store that only renames has nothing to tell
        :returns: what :meth:`identify` says of it from now on, where that is made of versions; ``None`` where content is identified
        :raises FileExistsError: something is at ``path``; nothing was changed there
        :raises DefinitionError: ``source`` holds something that cannot be data
        :raises DatastoreUnavailableError: it could not be stored; what is at ``path`` is not to be used
        """

    @abstractmethod
    def replace(self, source_path: str, path: str) -> None:
        """Make what is at ``source_path`` appear at ``path`` too, as one step: a reader sees the old content or the new, where the store can.

        ``source_path`` stays as it is; what was at ``path`` is deleted.

        :raises FileNotFoundError: nothing is at ``source_path``
        :raises DefinitionError: one path lies within the other, or ``path`` is the root
        :raises DatastoreUnavailableError: it failed; ``path`` has the old content or the new one
        """

    @abstractmethod
    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        """Lay copies of the files at ``source_path`` over the folder ``path``, each as one step; other files there stay.

        :param overwrite: whether a file of the same name is replaced or left as it is
        :raises FileNotFoundError: nothing is at ``source_path``
        :raises DefinitionError: one path lies within the other
        :raises DatastoreUnavailableError: it failed; safe to call again
        """

    @abstractmethod
    def remove_tree(self, path: str) -> None:
        """Delete the file or folder ``path`` with all it holds; no error if nothing is there. A link is deleted, not what it leads to.

        :raises DefinitionError: ``path`` is the root or holds ``*`` or ``?``; name one thing exactly
        :raises DatastoreUnavailableError: not everything could be deleted
        """

    @abstractmethod
    def local_path(self, path: str) -> Path | None:
        """Return where this machine can read ``path`` directly, ``None`` where it cannot."""
