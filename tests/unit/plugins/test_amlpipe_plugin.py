"""Does Airflow take the plugin for one?"""

from __future__ import annotations

from airflow_amlpipe.operators.links import ProducedByLink
from airflow_amlpipe.plugins.amlpipe_plugin import AmlPipePlugin


def test_airflow_takes_it_for_a_plugin() -> None:
    from airflow.plugins_manager import is_valid_plugin

    assert is_valid_plugin(AmlPipePlugin)
    assert AmlPipePlugin.name == "amlpipe"
    assert [type(link) for link in AmlPipePlugin.operator_extra_links] == [ProducedByLink]
