"""How is a compute target made, found and described?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnknownNameError, UnsupportedFeatureError
from azureml.core import Workspace
from azureml.core.compute import (
    AdlaCompute,
    AksCompute,
    AmlCompute,
    BatchCompute,
    ComputeInstance,
    ComputeTarget,
    DatabricksCompute,
    DataFactoryCompute,
    DsvmCompute,
    HDInsightCompute,
    KubernetesCompute,
    RemoteCompute,
    SynapseCompute,
)
from azureml.core.compute.amlcompute import AmlComputeStatus
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import ComputeTargetException as FromExceptions

SECRET = "hunter2-is-no-secret"


def test_the_idiom_of_the_notebooks(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        target = ComputeTarget(workspace=ws, name="cpu-cluster")
    except ComputeTargetException:
        configuration = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", min_nodes=0, max_nodes=4, tags={"team": "a"})
        target = ComputeTarget.create(ws, "cpu-cluster", configuration)
    target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    assert "Succeeded" in capsys.readouterr().out
    found = ComputeTarget(ws, "cpu-cluster")
    assert type(found) is AmlCompute
    assert (found.name, found.vm_size, found.tags, found.provisioning_state) == (
        "cpu-cluster",
        "STANDARD_D2_V2",
        {"team": "a"},
        "Succeeded",
    )
    assert found.get_status().serialize() == found.status.serialize()
    assert found.status.serialize()["scaleSettings"] == {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT1800S"}


def test_an_absent_target_lists_those_there_are(ws: Workspace) -> None:
    with pytest.raises(
        ComputeTargetException, match=r"ComputeTargetNotFound: compute target 'cpu' is not registered .*: local\. Make it with"
    ) as caught:
        ComputeTarget(ws, "cpu")
    assert isinstance(caught.value, UnknownNameError)
    assert FromExceptions is ComputeTargetException
    assert "cpu" in caught.value.message


def test_local_is_always_there(ws: Workspace) -> None:
    assert ComputeTarget(ws, "local").name == "local"
    assert [target.name for target in ComputeTarget.list(ws)] == ["local"]


def test_a_target_can_be_changed_and_deleted(ws: Workspace) -> None:
    target: Any = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(max_nodes=4))
    target.update(max_nodes=8, idle_seconds_before_scaledown=60)
    assert AmlCompute(ws, "cpu").scale_settings.maximum_node_count == 8
    assert target.get().scale_settings.idle_seconds_before_scaledown == 60
    with pytest.raises(ComputeTargetException, match="min_nodes=9 and max_nodes=8 do not fit"):
        target.update(min_nodes=9)
    target.delete()
    with pytest.raises(ComputeTargetException):
        ComputeTarget(ws, "cpu")
    with pytest.raises(ComputeTargetException, match="built in and cannot be removed"):
        ComputeTarget(ws, "local").delete()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vm_priority": "cheap"}, "vm_priority 'cheap' is not known; use one of: dedicated, lowpriority"),
        ({"min_nodes": -1}, "min_nodes must be a whole number"),
        ({"max_nodes": "four"}, "max_nodes must be a whole number, not 'four'"),
        ({"max_nodes": ""}, "max_nodes must be a whole number, not ''"),
        ({"min_nodes": 3, "max_nodes": 2}, "do not fit"),
        ({"max_nodes": 0}, "do not fit"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ComputeTargetException, match=message):
        AmlCompute.provisioning_configuration(**arguments)


def test_sizes_from_the_environment_are_text_and_are_taken_as_the_numbers_they_are(ws: Workspace) -> None:
    configuration = AmlCompute.provisioning_configuration(min_nodes="0", max_nodes="4", idle_seconds_before_scaledown="300")  # type: ignore[arg-type]
    target = ComputeTarget.create(ws, "cpu", configuration)
    target.update(max_nodes="6")
    assert ComputeTarget(ws, "cpu").scale_settings.serialize() == {
        "minNodeCount": 0,
        "maxNodeCount": 6,
        "nodeIdleTimeBeforeScaleDown": "PT300S",
    }


@pytest.mark.parametrize("name", ["a/b", "x" * 300, "a\nb", "a*", "[a]", "..", ""])
def test_a_name_that_cannot_be_registered_is_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(ComputeTargetException, match="compute target: the name .* cannot be registered"):
        ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration())


def test_what_is_no_configuration_is_refused(ws: Workspace) -> None:
    with pytest.raises(ComputeTargetException, match="'small' is no configuration; use AmlCompute.provisioning_configuration"):
        ComputeTarget.create(ws, "cpu", "small")  # type: ignore[arg-type]


def test_a_status_comes_back_from_what_it_was_serialized_to(ws: Workspace) -> None:
    status = ComputeTarget(ws, "local").get_status()
    assert AmlComputeStatus.deserialize(status.serialize()).serialize() == status.serialize()


@pytest.mark.parametrize(
    ("made", "kind", "details"),
    [
        (lambda: RemoteCompute.attach_configuration("me", address="10.0.0.4", password=SECRET), "VirtualMachine", {"username": "me", "address": "10.0.0.4", "ssh_port": 22}),
        (lambda: DataFactoryCompute.attach_configuration(resource_group="g", factory_name="f"), "DataFactory", {"resource_group": "g", "factory_name": "f"}),
        (lambda: DatabricksCompute.attach_configuration(workspace_name="w", access_token=SECRET), "Databricks", {"workspace_name": "w"}),
        (lambda: AksCompute.attach_configuration("g", "c"), "AKS", {"resource_group": "g", "cluster_name": "c"}),
        (lambda: BatchCompute.attach_configuration("g", "a"), "Batch", {"resource_group": "g", "account_name": "a"}),
        (lambda: AdlaCompute.attach_configuration("g", "a"), "DataLakeAnalytics", {"resource_group": "g", "account_name": "a"}),
        (lambda: HDInsightCompute.attach_configuration("me", address="10.0.0.4", password=SECRET), "HDInsight", {"username": "me", "address": "10.0.0.4", "ssh_port": 22}),
        (lambda: DsvmCompute.attach_configuration("g", "vm"), "VirtualMachine", {"resource_group": "g", "vm_name": "vm"}),
        (lambda: KubernetesCompute.attach_configuration("id", "team"), "Kubernetes", {"resource_id": "id", "namespace": "team"}),
        (lambda: SynapseCompute.attach_configuration(None, "SynapseSpark", "pool"), "SynapseSpark", {"type": "SynapseSpark", "pool_name": "pool"}),
    ],
)  # fmt: skip
def test_what_exists_elsewhere_becomes_a_name_for_steps_without_its_secrets(
    ws: Workspace, made: Any, kind: str, details: dict[str, Any]
) -> None:
    """S11"""
    target = ComputeTarget.attach(ws, "other", made())
    assert (target.type, target.serialize()["properties"]) == (kind, details)
    found = ws.compute_targets["other"]
    assert (type(found), found.get_status(), found.provisioning_state) == (type(target), "Succeeded", "Succeeded")
    assert SECRET.encode() not in b"".join(file.read_bytes() for file in Path(ws._url.removeprefix("file://")).rglob("*.json"))


def test_a_compute_instance_is_a_name_that_is_always_ready(ws: Workspace) -> None:
    made = ComputeTarget.create(ws, "mine", ComputeInstance.provisioning_configuration(vm_size="STANDARD_D3_V2"))
    assert isinstance(made, ComputeInstance)
    made.start()
    made.stop()
    made.restart(wait_for_completion=True)
    assert made.get().get_status().serialize() == {"state": "Running", "vmSize": "STANDARD_D3_V2", "errors": []}
    made.delete(wait_for_completion=True)
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeInstance(ws, "mine")


def test_the_old_attach_of_each_class_registers_too(ws: Workspace) -> None:
    RemoteCompute.attach(ws, "machine", "me", "10.0.0.4", password=SECRET)
    DataFactoryCompute.attach(ws, "factory", "id")
    DatabricksCompute.attach(ws, "bricks", "id", SECRET)
    assert ComputeTarget.create(ws, "other-factory", DataFactoryCompute.provisioning_configuration("westeurope")).type == "DataFactory"
    assert {target.name: type(target) for target in ComputeTarget.list(ws)} == {
        "local": AmlCompute,
        "machine": RemoteCompute,
        "factory": DataFactoryCompute,
        "bricks": DatabricksCompute,
        "other-factory": DataFactoryCompute,
    }


def test_a_compute_target_of_another_class_is_not_found_under_this_one(ws: Workspace) -> None:
    DataFactoryCompute.attach(ws, "factory", "id")
    with pytest.raises(
        ComputeTargetException, match="ComputeTargetNotFound: compute target 'factory' is a DataFactoryCompute, not a AmlCompute"
    ):
        AmlCompute(ws, "factory")
    assert type(DataFactoryCompute(ws, "factory")) is DataFactoryCompute


def test_credentials_of_a_compute_target_are_not_kept_to_be_asked_for(ws: Workspace) -> None:
    machine = RemoteCompute.attach(ws, "machine", "me", "10.0.0.4", password=SECRET)
    with pytest.raises(UnsupportedFeatureError, match="keep credentials in Airflow connections"):
        machine.get_credentials()  # type: ignore[attr-defined]
    with pytest.raises(ComputeTargetException, match=r"RemoteCompute: address \['10'\] cannot be used; give text"):
        ComputeTarget.attach(ws, "odd", RemoteCompute.attach_configuration("me", address=["10"]))  # type: ignore[arg-type]


def test_while_airflow_parses_a_target_is_its_name(ws: Workspace, airflow_is_parsing: None) -> None:
    target = ComputeTarget(ws, "nope")
    assert (target.name, type(target)) == ("nope", AmlCompute)
    with pytest.raises(ValueError, match=r"ComputeTarget.create uses the workspace, which must not happen while Airflow parses"):
        ComputeTarget.create(ws, "nope", AmlCompute.provisioning_configuration())
