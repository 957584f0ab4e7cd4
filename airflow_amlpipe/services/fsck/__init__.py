"""Is a workspace what it promises to be? (``amlpipe fsck``)

``checking.py`` asks the questions in order, a module each; ``findings.py`` lists every answer that is possible; ``repair.py`` mends what is safe to.
"""

from __future__ import annotations

from airflow_amlpipe.services.fsck.checking import Depth, check_workspace
from airflow_amlpipe.services.fsck.findings import Check, Finding, Findings
from airflow_amlpipe.services.fsck.repair import repair_workspace

__all__ = ["Check", "Depth", "Finding", "Findings", "check_workspace", "repair_workspace"]
