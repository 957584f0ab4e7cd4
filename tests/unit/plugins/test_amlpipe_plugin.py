"""Is the plugin found by Airflow, and does it stay light?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from airflow_amlpipe.operators.links import ProducedByLink
from airflow_amlpipe.plugins.amlpipe_plugin import AmlPipePlugin


def test_airflow_takes_it_for_a_plugin() -> None:
    from airflow.plugins_manager import is_valid_plugin

    assert is_valid_plugin(AmlPipePlugin)
    assert AmlPipePlugin.name == "amlpipe"
    assert [type(link) for link in AmlPipePlugin.operator_extra_links] == [ProducedByLink]


def test_it_imports_nothing_that_a_process_without_steps_does_not_need(repository: Path) -> None:
    code = (
        "import sys, airflow.sdk, airflow_amlpipe.plugins.amlpipe_plugin; "
        "print(sorted(n for n in sys.modules if n.startswith('airflow_amlpipe.') and n.count('.') > 1))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(["airflow_amlpipe.operators.links", "airflow_amlpipe.plugins.amlpipe_plugin"])
