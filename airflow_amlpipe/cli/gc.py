"""``amlpipe gc``: what does the workspace no longer need, and how is it cleared away?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.counting import ProgressLine
from airflow_amlpipe.cli.output import human_size, print_json, print_table
from airflow_amlpipe.cli.workspace_choice import ChosenWorkspace, choose_workspace
from airflow_amlpipe.exceptions import DefinitionError, shorten

if TYPE_CHECKING:
    from airflow_amlpipe.services.clearing import ClearingItem, ClearingPlan, RetentionPolicy, Swept
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["COMMAND"]

_WORDS = {
    "result": "results set aside",
    "output": "outputs",
    "run": "runs",
    "content": "manifests, specifications, snapshots",
    "key": "logs of keys",
    "unfinished": "unfinished writes",
    "plan": "old plans",
}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than", metavar="AGE", help="runs that have ended, and results, may go when they are older than this: 90d, 12h, 2w"
    )
    parser.add_argument(
        "--keep-last",
        type=int,
        metavar="N",
        help="the newest N runs of each experiment and results of each step stay, however old; others may go",
    )
    parser.add_argument(
        "--max-size",
        action="append",
        default=[],
        metavar="DATASTORE=SIZE",
        help="outputs on a datastore may take this much (500G); the oldest that are neither pinned nor registered go first; can be given several times",
    )
    parser.add_argument(
        "--guard", metavar="AGE", help="how long something unfinished is taken for work in progress (default and least: 7d)"
    )
    parser.add_argument(
        "--policy", metavar="FILE", help='the rules as JSON: {"older_than": "90d", "keep_last": 5, "max_size": {"lake": "500G"}}'
    )
    parser.add_argument(
        "--save", action="store_true", help="make these rules the workspace's own, for every `amlpipe gc` that is given none"
    )
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--apply", metavar="PLAN", help="delete what this plan lists, as far as nothing needs it by now ('latest', or its id)")
    act.add_argument("--yes", action="store_true", help="make a plan and apply it at once")
    parser.add_argument("--max-objects", type=int, metavar="N", help="refuse a plan that deletes more files than this (default: 10000)")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _gc(given: Namespace) -> int:
    from airflow_amlpipe.services.clearing import keep_plan, plan_clearing, save_policy
    from airflow_amlpipe.services.workspace import open_workspace

    chosen = choose_workspace(given.workspace)
    workspace = open_workspace(chosen.url, home=chosen.home)
    if given.apply:
        return _apply(workspace, given, _plan_named(workspace, given))
    policy = _policy(workspace, given)
    if given.save:
        save_policy(workspace, policy)
    with ProgressLine() as line:
        plan = plan_clearing(workspace, policy, on_progress=line.show)
    path = keep_plan(workspace, plan) if plan.items else None
    if given.yes:
        return _apply(workspace, given, plan)
    if given.json:
        print_json({"plan": plan.id if path else None, "path": path, "applied": False, **_shown(plan)})
    else:
        _print_plan(chosen, plan, path)
    return 0


def _plan_named(workspace: WorkspaceStore, given: Namespace) -> ClearingPlan:
    from airflow_amlpipe.services.clearing import latest_plan, load_plan

    if any((given.older_than, given.keep_last is not None, given.max_size, given.guard, given.policy, given.save)):
        raise DefinitionError("amlpipe gc --apply takes no rules: those that the plan was made by hold; leave them out, or make a new plan")
    return load_plan(workspace, latest_plan(workspace) if given.apply == "latest" else given.apply)


def _apply(workspace: WorkspaceStore, given: Namespace, plan: ClearingPlan) -> int:
    from airflow_amlpipe.services.clearing import MOST_OBJECTS, apply_plan

    most = MOST_OBJECTS if given.max_objects is None else given.max_objects
    with ProgressLine() as line:
        swept = apply_plan(workspace, plan, most_objects=most, on_progress=line.show)
    if given.json:
        print_json({"plan": plan.id, "applied": True, **swept.to_json()})
    else:
        _print_swept(plan, swept)
    return 0


def _policy(workspace: WorkspaceStore, given: Namespace) -> RetentionPolicy:
    from airflow_amlpipe.services.clearing import RetentionPolicy, load_policy
    from airflow_amlpipe.services.clearing.retention import parse_size, policy_from_json
    from airflow_amlpipe.spec.document import validation_explained
    from airflow_amlpipe.spec.duration import parse_duration

    if given.policy:
        try:
            text = Path(given.policy).read_text(encoding="utf-8")
        except OSError as error:
            raise DefinitionError(
                f"--policy {shorten(repr(given.policy))} cannot be read ({error.strerror}); name a file with JSON"
            ) from error
        policy = policy_from_json(text, f"--policy {shorten(repr(given.policy))}")
    else:
        policy = load_policy(workspace)
    changed: dict[str, Any] = policy.model_dump()
    if given.older_than:
        changed["older_than_seconds"] = parse_duration("--older-than", given.older_than)
    if given.keep_last is not None:
        changed["keep_last"] = given.keep_last
    if given.guard:
        changed["guard_seconds"] = parse_duration("--guard", given.guard)
    for text in given.max_size:
        name, separator, size = text.partition("=")
        if not separator:
            raise DefinitionError(f"--max-size {shorten(repr(text))}: give a datastore and a size, such as workspaceblobstore=500G")
        changed["max_bytes"] = {**changed["max_bytes"], name: parse_size("--max-size", size)}
    with validation_explained("amlpipe gc"):
        return RetentionPolicy.model_validate(changed)


def _shown(plan: ClearingPlan) -> dict[str, Any]:
    return {
        "policy": plan.policy,
        "size_bytes": plan.size_bytes,
        "kept": plan.kept,
        "items": [item.model_dump(mode="json") for item in plan.items],
    }


def _print_plan(chosen: ChosenWorkspace, plan: ClearingPlan, path: str | None) -> None:
    print(f"rules: {plan.policy}")
    _print_items(list(plan.items))
    for what, number in plan.kept.items():
        print(f"stay: {number} {what}")
    if path is None:
        print("nothing can be cleared away")
        return
    print(f"nothing was deleted. The list, with reasons: {chosen.url.rstrip('/')}/{path}")
    print(f"to delete exactly that, as far as nothing needs it by then: amlpipe gc --apply {plan.id}")


def _print_swept(plan: ClearingPlan, swept: Swept) -> None:
    _print_items(swept.done)
    print(
        f"plan {plan.id}: {len(swept.done)} things cleared away, {human_size(sum(item.size_bytes or 0 for item in swept.done))} of outputs"
    )
    if swept.left:
        print(f"left, because something needs it by now, or it is gone already: {len(swept.left)}")
        for item in swept.left[:10]:
            print(f"  {item.kind} {shorten(item.path)}")


def _print_items(items: list[ClearingItem]) -> None:
    groups: defaultdict[tuple[str, str], list[ClearingItem]] = defaultdict(list)
    for item in items:
        groups[_WORDS[item.kind], item.datastore or "(the workspace)"].append(item)
    rows = []
    for (what, where), members in groups.items():
        is_measured = any(item.size_bytes is not None for item in members)
        size = human_size(sum(item.size_bytes or 0 for item in members)) if is_measured else "-"
        rows.append((what, where, str(len(members)), size, members[0].reason))
    if rows:
        print_table(("what", "where", "number", "size", "why, for example"), rows)


COMMAND = Command(
    name="gc",
    help="List what the workspace no longer needs: results, outputs, runs and what killed processes left. Deletes nothing before --apply or --yes.",
    examples=("", "--older-than 90d --keep-last 5", "--max-size workspaceblobstore=500G --save", "--apply latest"),
    add_arguments=_add_arguments,
    run=_gc,
)
