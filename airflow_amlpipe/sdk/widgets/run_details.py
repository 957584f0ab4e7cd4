"""How far is a run, seen from a terminal or a notebook?

In a notebook ``show`` puts a table there and keeps it current; anywhere else it prints a line for each change. Both end with a picture of all
steps: what they wait for, what became of them, whether they were reused.
"""

from __future__ import annotations

import sys
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._workspace_store import home, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RunDetails"]

_MARKS = {"Finished": "+", "Failed": "x", "Canceled": "-", "Running": ">", "NotStarted": "."}
_COLOURS = {"Finished": "#2e7d32", "Failed": "#c62828", "Canceled": "#ef6c00", "Running": "#1565c0", "NotStarted": "#757575"}


class RunDetails:
    """A view of a run.

    :param run_instance: a run; one of a step is shown with the run it belongs to
    :raises UserErrorException: it is no run
    """

    def __init__(self, run_instance: Any) -> None:
        from airflow_amlpipe.sdk.core.script_run import ScriptRun
        from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
        from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun

        run = run_instance.parent if isinstance(run_instance, StepRun) else run_instance
        run = run._whole if isinstance(run, ScriptRun) else run
        if not isinstance(run, PipelineRun):
            raise UserErrorException(f"RunDetails: give a run, not {shorten(repr(run_instance))}")
        self._run = run

    def show(self, render_lib: Any = None, widget_settings: dict[str, Any] | None = None) -> None:
        """Show the run; in a notebook at once and from then on in the background, elsewhere until it has ended.

        :param widget_settings: ``{"debug": True}`` and others of SDK v1 are taken and ignored
        """
        display = _notebook_display()
        if display is None:
            self._follow(_TextView(self))
            return
        self._follow_in_background(_NotebookView(self, display))

    def get_widget_data(self, widget_settings: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what is shown as plain data."""
        from airflow_amlpipe.services.runs import show_run

        return show_run(self._run._workspace._url, self._run.id, home=home())

    def _follow(self, view: Callable[[Any], None]) -> None:
        from airflow_amlpipe.services.follow import follow_run

        view(None)
        # Whoever holds an interactive run ends it: perhaps this very script, which waits here.
        if self._run._run_record.kind != "interactive":
            follow_run(self._run._workspace._url, self._run.id, home=home(), on_event=view)
        view(None)

    def _follow_in_background(self, view: Callable[[Any], None]) -> None:
        import threading

        threading.Thread(target=self._follow, args=(view,), daemon=True, name="amlpipe-run-details").start()

    def _upstream(self) -> dict[str, tuple[str, ...]]:
        """Return for each step the ids of those it waits for, as far as the specification is kept."""
        record = self._run._run_record
        if record.spec is None:
            return {}
        return {step.id: tuple(step.upstream) for step in open_workspace(self._run._workspace).get_spec(record.spec).steps}

    def __repr__(self) -> str:
        return f"RunDetails({self._run!r})"


class _TextView:
    """Prints a line for each step that starts or ends, and at last all steps."""

    def __init__(self, details: RunDetails) -> None:
        self._details = details
        self._is_first = True

    def __call__(self, event: Any) -> None:
        if event is None:
            shown = self._details.get_widget_data()
            if self._is_first:
                self._is_first = False
                _say(f"run {shown['run_id']} of pipeline {shown['pipeline']}, experiment {shown['experiment']}: {shown['status']}")
            else:
                _say(*_picture(shown, self._details._upstream()))
        elif event.kind == "step_started":
            _say(f"{_MARKS['Running']} {event.started.step_name}: Running")
        elif event.kind == "step_finished":
            _say(
                f"{_MARKS.get(event.finished.status, '?')} {event.finished.step_name}: {event.finished.status}{_reused(event.finished.reused)}"
            )


class _NotebookView:
    """Keeps a table in a notebook current."""

    def __init__(self, details: RunDetails, display: Any) -> None:
        self._details = details
        self._display = display
        self._handle: Any = None

    def __call__(self, event: Any) -> None:
        if event is not None and event.kind not in {"step_started", "step_finished"}:
            return
        table = import_module("IPython.display").HTML(_table(self._details.get_widget_data(), self._details._upstream()))
        if self._handle is None:
            self._handle = self._display(table, display_id=True)
        else:
            self._handle.update(table)


def _picture(shown: dict[str, Any], upstream: dict[str, tuple[str, ...]]) -> list[str]:
    names = {step["id"]: step["name"] for step in shown["steps"]}
    lines = [f"run {shown['run_id']}: {shown['status']}"]
    for step in shown["steps"]:
        after = ", ".join(names.get(known, known) for known in upstream.get(step["id"], ()))
        waits = f" <- {after}" if after else ""
        lines.append(f"  [{_MARKS.get(step['status'], '?')}] {step['name']}: {step['status']}{_reused(step['reused'])}{waits}")
    return lines


def _table(shown: dict[str, Any], upstream: dict[str, tuple[str, ...]]) -> str:
    # Everything shown is data: it is escaped, never read as markup.
    names = {step["id"]: step["name"] for step in shown["steps"]}
    rows = []
    for step in shown["steps"]:
        after = ", ".join(names.get(known, known) for known in upstream.get(step["id"], ()))
        colour = _COLOURS.get(step["status"], "#757575")
        status = f'<span style="color:{colour}">{escape(step["status"])}{_reused(step["reused"])}</span>'
        cells = (escape(step["name"]), escape(after), status, escape(step["explanation"] or ""))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("step", "after", "status", "why"))
    title = f"run {escape(shown['run_id'])} of pipeline {escape(shown['pipeline'])}: <b>{escape(shown['status'])}</b>"
    return f"<div>{title}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _reused(is_reused: bool) -> str:
    return " (reused)" if is_reused else ""


def _notebook_display() -> Any:
    """Return IPython's ``display`` inside a notebook, ``None`` elsewhere: IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return import_module("IPython.display").display


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
