"""Where is the login of a package's URL, if not in the workspace?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import InfrastructureError
from airflow_amlpipe.spec import secret_urls
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.secret_urls import hide_secrets
from airflow_amlpipe.workspace.package_logins import PackageLogins

GIVEN = "--index-url https://me:canary@host/simple"


def an_environment(line: str = GIVEN) -> EnvironmentSpec:
    return EnvironmentSpec(pip_options=(hide_secrets(line),))


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be another process."""
    monkeypatch.setattr(secret_urls, "_given", {})


def test_another_process_of_the_machine_finds_a_kept_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = an_environment()
    PackageLogins(tmp_path).keep([environment])
    forget(monkeypatch)
    assert PackageLogins(tmp_path).restore(environment.pip_options[0]) == (GIVEN, [])


def test_only_the_user_who_runs_this_can_read_it(tmp_path: Path) -> None:
    """S25."""
    PackageLogins(tmp_path).keep([an_environment()])
    (file,) = (tmp_path / "package-logins").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_new_login_takes_the_place_of_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("old", "new"):
        environment = an_environment(f"https://{token}@host/simple")
        PackageLogins(tmp_path).keep([environment])
    forget(monkeypatch)
    assert PackageLogins(tmp_path).restore(environment.pip_options[0]) == ("https://new@host/simple", [])


def test_where_nobody_knows_the_login_the_installer_gets_the_url_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = an_environment().pip_options
    forget(monkeypatch)
    assert PackageLogins(tmp_path).restore(line) == ("--index-url https://host/simple", ["https://***@host/simple"])


def test_nothing_is_written_for_urls_without_a_login(tmp_path: Path) -> None:
    PackageLogins(tmp_path).keep([an_environment("--index-url https://host/simple")])
    assert not list(tmp_path.iterdir())


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "package-logins").write_text("a file")
    with pytest.raises(InfrastructureError, match="AMLPIPE_HOME"):
        PackageLogins(tmp_path).keep([an_environment()])
