"""What `deploy/kubernetes` promises: manifests that Kubernetes' own schemas take, and that agree with the service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from running_service import ROOT

from serving.rest.http_api import create_app
from serving.rest.protection import KEY_VARIABLE, READS_VARIABLE

BASE = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.29", kubernetes_validate.latest_version())
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((BASE / "kustomization.yaml").read_text())
MANIFESTS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((BASE / name).read_text()) for name in KUSTOMIZATION["resources"]
}


def of_kind(kind: str) -> dict[str, Any]:
    """Return the one manifest of a kind."""
    (found,) = [manifest for manifest in MANIFESTS.values() if manifest["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = of_kind("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_takes_each_manifest(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_the_check_can_fail() -> None:
    broken = {**MANIFESTS["service.yaml"], "spec": {"ports": [{"port": "eighty"}], "selectors": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_every_file_is_in_the_base_and_every_selector_meets_the_pods() -> None:
    assert {path.name for path in BASE.glob("*.yaml")} == {"kustomization.yaml", *MANIFESTS}
    assert KUSTOMIZATION["kind"] == "Kustomization"
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    deployment, budget = of_kind("Deployment")["spec"], of_kind("PodDisruptionBudget")["spec"]
    selectors = [deployment["selector"]["matchLabels"], budget["selector"]["matchLabels"]]
    selectors += [
        of_kind("Service")["spec"]["selector"],
        of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)
    target = of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", of_kind("Deployment")["metadata"]["name"])
    assert "replicas" not in deployment  # would fight with the autoscaler
    assert (
        budget["minAvailable"] < of_kind("HorizontalPodAutoscaler")["spec"]["minReplicas"]
    )  # or no node could be drained


def test_probes_ask_routes_that_exist_and_need_no_key() -> None:
    paths = create_app().openapi()["paths"]
    probes = {name: container()[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/readyz",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    assert all(probe["path"] in paths and probe["port"] == "http" for probe in probes.values())
    annotations = of_kind("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in paths


def test_it_agrees_with_the_image() -> None:
    image = (ROOT / "deploy" / "Containerfile").read_text()
    (port,) = container()["ports"]
    assert f"EXPOSE {port['containerPort']}" in image
    assert f"--uid {pod()['securityContext']['runAsUser']} " in image
    volumes = re.search(r"VOLUME \[(.*)\]", image)
    assert volumes is not None
    mounts = {mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounts == {"/tmp", *(name.strip(' "') for name in volumes[1].split(","))}
    assert {mount["name"] for mount in container()["volumeMounts"]} == {volume["name"] for volume in pod()["volumes"]}
    args = container()["args"]
    assert args[0] == "serve"
    assert args[args.index("--port") + 1] == str(port["containerPort"])


def test_nothing_is_allowed_that_it_does_not_need_and_everything_has_a_bound() -> None:
    assert pod()["securityContext"]["runAsNonRoot"]
    assert not pod()["automountServiceAccountToken"]
    for one in [container(), *pod()["initContainers"]]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in one["resources"]["limits"]
        assert {"cpu", "memory"} <= set(one["resources"]["requests"])
    environment = {entry["name"]: entry.get("value") for entry in container()["env"]}
    assert environment == {READS_VARIABLE: "true"}
    assert KEY_VARIABLE in (BASE / "deployment.yaml").read_text()
    assert pod()["terminationGracePeriodSeconds"] > 15


def test_the_documentation_says_how(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operate" / "deploy.md").read_text()
    assert "kubectl apply --kustomize deploy/kubernetes" in page
