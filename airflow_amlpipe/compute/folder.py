"""Where does everything of one try of a step lie?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import InfrastructureError, shorten

__all__ = ["NOTICES", "StepFolder", "create_step_folder"]

NOTICES = "notices.txt"


@dataclass(frozen=True, slots=True)
class StepFolder:
    """The private folder of a try.

    ::

        code/      the copy of the snapshot: the script's working folder
        inputs/    what is fetched for the script, one name each
        outputs/   what the script hands on, one folder each; they exist before it starts
        run/       context, events and uploads (``runtime/protocol.py``)
        logs/      stdout, stderr and notices
        tmp/       the script's TMPDIR
        exit_code  how it ended, where the back end needs a file for that

    A back end whose jobs have another file system shows them this folder at the same path, so that no path has two forms.
    """

    root: Path

    @property
    def code(self) -> Path:
        """The script's working folder."""
        return self.root / "code"

    @property
    def inputs(self) -> Path:
        """Where inputs are fetched to."""
        return self.root / "inputs"

    @property
    def outputs(self) -> Path:
        """Where outputs are written to."""
        return self.root / "outputs"

    @property
    def run(self) -> Path:
        """The run folder of ``runtime/protocol.py``."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Where stdout and stderr are kept, and the notices."""
        return self.root / "logs"

    def note(self, line: str) -> None:
        """Add a line to the notices, for whoever follows the run; where there is no folder, or no room, it is left out."""
        with suppress(OSError), (self.logs / NOTICES).open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{line}\n")

    @property
    def temporary(self) -> Path:
        """The script's own folder for temporary files."""
        return self.root / "tmp"


def create_step_folder(root: Path) -> StepFolder:
    """Create the private folder of a new try at ``root``, readable by nobody else; its parents may be missing.

    ``code/`` is left out: whoever extracts the snapshot creates it.

    :raises InfrastructureError: it exists already (a try never writes into the folder of another), or cannot be created
    """
    folder = StepFolder(root)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_created(root, error) from error
    try:
        root.mkdir(mode=0o700)
        for part in (folder.inputs, folder.outputs, folder.run, folder.logs, folder.temporary):
            part.mkdir()  # as open as the umask says: an output that is moved to its datastore keeps its mode
    except FileExistsError as error:
        raise InfrastructureError(
            f"the folder {shorten(str(root))} of a new try exists already; each try gets its own, so choose another name"
        ) from error
    except OSError as error:
        raise _not_created(root, error) from error
    return folder


def _not_created(root: Path, error: OSError) -> InfrastructureError:
    return InfrastructureError(
        f"the folder {shorten(str(root))} of a new try could not be created: {error.strerror or error}; set AMLPIPE_HOME to a folder that can be written to"
    )
