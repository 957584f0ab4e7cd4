"""Is each kind of database reached by a driver that is there, with what the connection says and as safely as the datastore asks?"""

from __future__ import annotations

import importlib.machinery
import sys
from types import ModuleType
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.hooks.sql_engine import _connect_args, sql_url
from airflow_amlpipe.storage.database import DatabaseAddress


def address(protocol: str, **fields: Any) -> DatabaseAddress:
    return DatabaseAddress("datastore 'db'", protocol, "db.example.com", 1234, "sales", "me", "c4n4ry", **fields)


def only(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Let these drivers be installed and no others."""
    for name in ("psycopg", "psycopg2", "pyodbc", "pymssql", "pymysql"):
        module = ModuleType(name) if name in modules else None
        if module is not None:
            module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(
    ("protocol", "modules", "url"),
    [
        ("postgresql", ("psycopg", "psycopg2"), "postgresql+psycopg://me:c4n4ry@db.example.com:1234/sales"),
        ("postgresql", ("psycopg2",), "postgresql+psycopg2://me:c4n4ry@db.example.com:1234/sales"),
        ("mysql", ("pymysql",), "mysql+pymysql://me:c4n4ry@db.example.com:1234/sales"),
        ("mssql", ("pymssql",), "mssql+pymssql://me:c4n4ry@db.example.com:1234/sales"),
        (
            "mssql",
            ("pyodbc", "pymssql"),
            "mssql+pyodbc://me:c4n4ry@db.example.com:1234/sales?driver=ODBC+Driver+18+for+SQL+Server",
        ),
    ],
)
def test_each_kind_of_database_has_its_drivers(protocol: str, modules: tuple[str, ...], url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, *modules)
    assert sql_url(address(protocol)).render_as_string(hide_password=False) == url


@pytest.mark.parametrize(("protocol", "extra"), [("postgresql", "postgres"), ("mssql", "mssql"), ("mysql", "mysql")])
def test_a_missing_driver_is_told_with_the_extra_that_brings_it(protocol: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    with pytest.raises(DefinitionError, match=rf"no driver for {protocol} is installed .*pip install 'airflow-amlpipe\[{extra}\]'"):
        sql_url(address(protocol))


def test_a_password_of_any_characters_is_passed_on_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "psycopg")
    odd = DatabaseAddress("datastore 'db'", "postgresql", "db", 1, "sales", "me@there", "p@ss:/w?#%20 ü")
    assert (sql_url(odd).password, sql_url(odd).username, sql_url(odd).host) == ("p@ss:/w?#%20 ü", "me@there", "db")


def test_an_application_of_a_tenant_logs_in_by_odbc_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "pyodbc")
    assert sql_url(address("mssql", tenant_id="t")).query["Authentication"] == "ActiveDirectoryServicePrincipal"
    only(monkeypatch, "pymssql")
    with pytest.raises(DefinitionError, match="logs in as an application of a tenant, which the driver pymssql cannot"):
        sql_url(address("mssql", tenant_id="t"))


@pytest.mark.parametrize(
    ("given", "encrypted", "mode"),
    [
        (None, False, None),
        (None, True, "require"),
        ("disable", False, "disable"),
        ("disable", True, "require"),
        ("prefer", True, "require"),
        ("verify-full", True, "verify-full"),
        ("verify-full", False, "verify-full"),
    ],
)
def test_the_stronger_of_what_datastore_and_connection_ask_for_counts(given: str | None, encrypted: bool, mode: str | None) -> None:
    asked = address("postgresql", encrypted=encrypted, extra={"sslmode": given} if given else {})
    assert _connect_args(asked, "postgresql+psycopg", None).get("sslmode") == mode


@pytest.mark.parametrize(
    ("extra", "message"),
    [({"sslmode": "sometimes"}, "'sslmode' is 'sometimes'; use one of: disable"), ({"sslrootcert": 5}, "'sslrootcert' must be text")],
)
def test_an_option_that_cannot_be_is_refused(extra: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        _connect_args(address("postgresql", extra=extra), "postgresql+psycopg", None)


def test_what_a_connection_holds_beside_known_options_is_not_passed_on() -> None:
    extra = {"sslrootcert": "/ca.pem", "host": "evil", "hostaddr": "1.2.3.4", "service": "x", "cursor": "dictcursor"}
    assert _connect_args(address("postgresql", extra=extra), "postgresql+psycopg", None) == {
        "connect_timeout": 15,
        "sslrootcert": "/ca.pem",
    }
