"""Which part of a package's URL is hidden, and what is left as it is?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_amlpipe.spec.secret_urls import given_url, hidden_urls, hide_secrets, redact, without_login


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("--index-url https://me:canary@host/simple", "--index-url https://***@host/simple"),
        ("--extra-index-url=https://canary@host/simple", "--extra-index-url=https://***@host/simple"),
        ("tool @ git+https://canary@host/team/tool@v1#egg=tool", "tool @ git+https://***@host/team/tool@v1#egg=tool"),
        ("git+ssh://me:canary@host/tool", "git+ssh://***@host/tool"),
        ("tool @ https://host/tool.whl?sv=1&sig=canary#sha256=00", "tool @ https://host/tool.whl?***#sha256=00"),
        ("https://host/tool.whl?X-Amz-Signature=canary&x=1 ; python_version<'3.9'", "https://host/tool.whl?*** ; python_version<'3.9'"),
        ("https://host/tool.whl?access_token=canary;python_version<'3.9'", "https://host/tool.whl?***;python_version<'3.9'"),
        ("https://me:canary@host/a.whl?token=canary", "https://***@host/a.whl?***"),
        ("https://conda.host/t/canary/channel", "https://conda.host/t/***/channel"),
    ],
)
def test_what_lets_somebody_in_is_hidden(line: str, hidden: str) -> None:
    """S11."""
    assert hide_secrets(line) == hidden
    assert hide_secrets(hidden) == hidden
    assert "canary" not in redact(line)
    (url,) = hidden_urls(hidden)
    assert hidden.replace(url, given_url(url) or "") == line
    assert "***" not in without_login(url)


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=1.2,<2",
        "--index-url https://host/simple",
        "git+ssh://git@host/team/tool",
        "--index-url https://${USER}:${TOKEN}@host/simple",
        "tool @ https://host/download?file=tool.whl",
        "https://host/monkey/t/",
        "conda-forge",
    ],
)
def test_what_lets_nobody_in_stays(line: str) -> None:
    assert hide_secrets(line) == line
    assert hidden_urls(line) == []


def test_messages_show_no_query_at_all() -> None:
    assert redact("at https://u:canary@h/p?sig=canary#x and http://h/p") == "at https://***@h/p?***#x and http://h/p"


def test_the_last_login_that_was_given_counts() -> None:
    for token in ("old", "new"):
        hide_secrets(f"https://me:{token}@last.example/simple")
    assert given_url("https://***@last.example/simple") == "https://me:new@last.example/simple"


@given(st.text(alphabet=st.characters(exclude_characters=" /@\t\n;", categories=("L", "N", "P", "S")), min_size=1).map("canary".__add__))
def test_no_password_is_left(password: str) -> None:
    """S11."""
    assert "canary" not in hide_secrets(f"--index-url https://me:{password}@host/simple")
