"""Does Airflow understand what this package says about itself?"""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_amlpipe.get_provider_info import get_provider_info
from airflow_amlpipe.settings import Settings

INFO = get_provider_info()


def _class_at(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)


def test_it_fits_airflows_schema() -> None:
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_every_key_is_one_that_airflow_knows() -> None:
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    assert set(INFO) <= set(schema["properties"])


def test_the_plugin_is_not_declared_here() -> None:
    # Declared twice, it would be an import error in the web interface.
    assert "plugins" not in INFO


def test_every_class_and_module_it_names_exists() -> None:
    from airflow.sdk import BaseHook, BaseOperatorLink

    for connection in INFO["connection-types"]:
        hook = _class_at(connection["hook-class-name"])
        assert issubclass(hook, BaseHook)
        assert (hook.conn_type, hook.hook_name) == (connection["connection-type"], connection["hook-name"])
    for link in INFO["extra-links"]:
        assert issubclass(_class_at(link), BaseOperatorLink)
    for kind in ("operators", "hooks"):
        for entry in INFO[kind]:
            for module in entry["python-modules"]:
                assert import_module(module).__all__
    for function in INFO.get("cli", ()):
        assert callable(_class_at(function))


def test_no_field_of_a_connection_holds_a_secret() -> None:
    for connection in INFO["connection-types"]:
        assert {"password", "login"} <= set(connection["ui-field-behaviour"]["hidden-fields"])
        assert "url" in connection["conn-fields"]


@pytest.mark.parametrize("option", fields(Settings), ids=lambda option: option.name)
def test_defaults_in_airflows_configuration_are_the_defaults_of_settings(option: Any) -> None:
    entry = INFO["config"]["amlpipe"]["options"][option.name]
    if entry["default"] is not None:
        loaded = Settings.load({f"AMLPIPE_{option.name.upper()}": entry["default"]})
        assert getattr(loaded, option.name) == option.default
    if entry["example"] is not None:
        assert getattr(Settings.load({f"AMLPIPE_{option.name.upper()}": entry["example"]}), option.name) is not None


def test_nothing_heavy_is_imported_to_say_it(repository: Path) -> None:
    import subprocess
    import sys

    code = "import sys, airflow_amlpipe.get_provider_info as m; m.get_provider_info(); print([n for n in ('airflow', 'pydantic', 'fsspec') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
