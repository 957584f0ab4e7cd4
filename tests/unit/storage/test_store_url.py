"""Which URLs can be a store's, and is nothing repeated that may be a secret?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.storage.store_url import Service, StoreUrl, parse_store_url

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("url", "service", "root", "path", "account"),
    [
        ("s3://bucket", Service.S3, "bucket", "", None),
        ("S3A://bucket/a/b/", Service.S3, "bucket", "a/b", None),
        ("s3://bucket/a%20b+c=d", Service.S3, "bucket", "a%20b+c=d", None),
        ("az://container/x", Service.AZURE, "container", "x", None),
        ("abfs://container@lake.dfs.core.windows.net/x/y", Service.AZURE, "container", "x/y", "lake.dfs.core.windows.net"),
        ("abfss://container@lake.dfs.core.windows.net", Service.AZURE, "container", "", "lake.dfs.core.windows.net"),
        ("adl://container/x", Service.AZURE, "container", "x", None),
        ("gs://bucket/x", Service.GCS, "bucket", "x", None),
        ("gcs://bucket/x", Service.GCS, "bucket", "x", None),
        ("sftp://me@host:2222/data", Service.SFTP, "me@host:2222", "data", None),
        ("ssh://host/data", Service.SFTP, "host", "data", None),
        ("https://host:8443/data/é", Service.HTTP, "host:8443", "data/é", None),
        ("http://host", Service.HTTP, "host", "", None),
    ],
)
def test_a_url_is_read_in_its_parts(url: str, service: Service, root: str, path: str, account: str | None) -> None:
    found = parse_store_url(url)
    assert (found.service, found.root, found.path, found.account) == (service, root, path, account)


@pytest.mark.parametrize(
    "url", ["S3://bucket/a/", "abfss://c@lake.dfs.core.windows.net/x", "sftp://me@host:22/x", "https://host/x", "gs://b"]
)
def test_the_text_of_a_url_is_read_as_the_same_url(url: str) -> None:
    found = parse_store_url(url)
    assert parse_store_url(found.text) == found
    assert found.text.lower() == url.lower().rstrip("/")


@pytest.mark.parametrize(
    "protocol",
    [
        "ftp",
        "github",
        "reference",
        "zip",
        "dir",
        "jupyter",
        "memory",
        "simplecache",
        "data",
        "hdfs",
        "dbfs",
        "blockcache",
        "simplecache::s3",
    ],
)
def test_other_protocols_are_refused_by_name(protocol: str) -> None:
    """S16."""
    with pytest.raises(UnsupportedFeatureError, match="or one of these protocols: abfs, abfss, ") as caught:
        parse_store_url(f"{protocol}://{CANARY}:{CANARY}@host/{CANARY}")
    assert str(caught.value).startswith(f"a datastore on {protocol!r} cannot be opened")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("protocol", ["", "s3 ", "sftp:", CANARY * 2 + "@s3", f"/{CANARY}"])
def test_what_is_no_protocol_is_not_repeated(protocol: str) -> None:
    with pytest.raises(UnsupportedFeatureError, match="a datastore on something that is no protocol cannot be opened") as caught:
        parse_store_url(f"{protocol}://host")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"simplecache::s3://bucket/{CANARY}",
        f"zip://x::https://host/{CANARY}",
        f"s3://bucket/{CANARY}::https://host/x",
        f"https://host/a::file:///etc/{CANARY}",
        f"file:///srv/{CANARY}::s3://bucket",
        f"/srv/{CANARY}::s3://bucket",
    ],
)
def test_no_store_is_opened_through_another(url: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match="cannot be opened|names no absolute folder") as caught:
        parse_store_url(url)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"s3://key:{CANARY}@bucket/x",
        f"s3://{CANARY}@bucket/x",
        f"gs://{CANARY}@bucket",
        f"abfss://c:{CANARY}@lake.dfs.core.windows.net/x",
        f"abfss://key@{CANARY}@lake.dfs.core.windows.net/x",
        f"az://container/x?sv=2024&sig={CANARY}",
        f"https://lake.blob.core.windows.net/c?sig={CANARY}",
        f"https://me:{CANARY}@host/x",
        f"https://{CANARY}@host/x",
        f"https://host/x#{CANARY}",
        f"sftp://me:{CANARY}@host/x",
        f"sftp://host/x?password={CANARY}",
    ],
)
def test_a_secret_in_a_url_is_refused_without_being_repeated(url: str) -> None:
    """S11."""
    with pytest.raises(DefinitionError, match="put them into an Airflow connection and name it") as caught:
        parse_store_url(url, "workspace")
    assert CANARY not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("s3://", "names no bucket, container or host; write it as s3://bucket/folder"),
        ("s3:///x", "names no bucket"),
        ("abfss://@lake.dfs.core.windows.net/x", "names no bucket"),
        ("abfss://c@/x", "names no bucket"),
        ("gs://bucket/a/../b", r"has an empty, '\.' or '\.\.' part in its path"),
        ("gs://bucket/a//b", "has an empty"),
        ("s3://bucket/./b", "has an empty"),
        ("https://host/a/%2e%2e/b", "has an empty"),
        ("https://host:c4n4ry/x", "names no server: its address or port cannot be read"),
        ("https://host:99999/x", "names no server"),
        ("http://[bad/x", "names no server"),
        ("s3://[x/y", "names no server"),
        ("s3://bucket/a\\b", "has characters that no URL has"),
        ("s3://bucket/a\nb", "has characters"),
        ("s3://bucket/a\0b", "has characters"),
    ],
)
def test_what_cannot_be_a_store_is_refused(url: str, trouble: str) -> None:
    """S01."""
    with pytest.raises(DefinitionError, match=trouble):
        parse_store_url(url)


def test_the_path_of_a_folder_is_literal() -> None:
    assert parse_store_url("/srv/a %20#?@é") == StoreUrl(Service.FILE, "/srv/a %20#?@é", "", "/srv/a %20#?@é")
    assert parse_store_url("FILE:///srv/a::b").path == "/srv/a::b"
