"""Does a store that cannot be tested go unnoticed?"""

from __future__ import annotations

import pytest

from tests import servers


def test_a_missing_server_is_a_failure_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Nowhere: it is not installed"):
        servers.leave_out("Nowhere", "it is not installed")
    assert "Nowhere" not in servers.left_out


def test_a_missing_server_is_a_skip_elsewhere_and_is_said_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(servers, "left_out", {})
    with pytest.raises(pytest.skip.Exception, match="Nowhere: it is not installed"):
        servers.leave_out("Nowhere", "it is not installed")
    assert servers.left_out == {"Nowhere": "it is not installed"}
