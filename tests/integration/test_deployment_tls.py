"""The sample configurations of nginx and Caddy, in front of the real service, over TLS, under a public name."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_service import ELYTE_SERVE, ROOT, RunningService, running_service

from benchmarks.ports import free_port, hold_port

DEPLOY = ROOT / "deploy"
NAME = "elyte.example"  # in both samples
KEY = {"X-API-Key": "deployment-key"}
LARGEST_BODY = 16 << 20
PREFIXES = ("", "/elyte")
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"))


def program(name: str) -> str:
    """Return where a program lies; without nginx a run of CI fails, other runs skip."""
    found = shutil.which(name, path=PATH)
    if found is None:
        reason = f"no {name} on this machine: its sample configuration is not tried (apt-get install {name})"
        if name == "nginx" and os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for the name and its key; return their paths."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "fullchain.pem", folder / "privkey.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *formats))
    return paths


def adapted(sample: str, changes: dict[str, str]) -> str:
    """Return a sample with what a user would change; each change must find its place."""
    text = (DEPLOY / sample).read_text()
    for old, new in changes.items():
        assert old in text, f"{sample} says nothing of {old}"
        text = text.replace(old, new)
    return text


@dataclass
class Proxy:
    """A running proxy.

    Parameters
    ----------
    origin
        What a browser would say of its pages.
    port
        Where it listens.
    client
        Trusts its certificate only and calls it by its name.
    log
        What it complained of.
    """

    origin: str
    port: int
    client: httpx.Client
    log: Path

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request to the proxy by its public name."""
        headers = {"Host": self.origin.removeprefix("https://")} | more.pop("headers", {})
        url = f"https://127.0.0.1:{self.port}{path}"
        return self.client.request(method, url, headers=headers, extensions={"sni_hostname": NAME}, **more)


def nginx_command(folder: Path, port: int, upstream: int, pem: tuple[Path, Path]) -> list[str]:
    """Write the configuration of nginx around the sample; return what starts it."""
    changes = {
        "server 127.0.0.1:3000;": f"server 127.0.0.1:{upstream};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/elyte/fullchain.pem": str(pem[0]),
        "/etc/ssl/elyte/privkey.pem": str(pem[1]),
    }
    (folder / "elyte.conf").write_text(adapted("nginx.conf", changes))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    main = f"daemon off; master_process off; pid {folder / 'nginx.pid'}; error_log {folder / 'log'} warn; events {{}}"
    (folder / "nginx.conf").write_text(
        f"{main} http {{ access_log off; {temporary} include {folder / 'elyte.conf'}; }}"
    )
    return [program("nginx"), "-e", str(folder / "log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy_command(folder: Path, port: int, upstream: int, pem: tuple[Path, Path]) -> list[str]:
    """Write the sample for Caddy; return what starts it."""
    changes = {
        "reverse_proxy 127.0.0.1:3000": f"reverse_proxy 127.0.0.1:{upstream}",
        "\nelyte.example {": f"\nhttps://{NAME}:{port} {{\n\tbind 127.0.0.1",
        "/etc/ssl/elyte/fullchain.pem": str(pem[0]),
        "/etc/ssl/elyte/privkey.pem": str(pem[1]),
    }
    text = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + adapted("Caddyfile", changes)
    (folder / "Caddyfile").write_text(text)
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


COMMANDS = {"nginx": nginx_command, "caddy": caddy_command}


@contextmanager
def proxy_before(kind: str, folder: Path, port: int, upstream: int) -> Iterator[Proxy]:
    """Run a proxy from its sample until the block ends."""
    program(kind)
    folder.mkdir()
    pem = certificate(folder)
    command = COMMANDS[kind](folder, port, upstream, pem)
    trusted = ssl.create_default_context(cafile=str(pem[0]))
    homes = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    log = folder / "log"
    with log.open("ab") as output, httpx.Client(verify=trusted, timeout=60.0) as client:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | homes)
        proxy = Proxy(f"https://{NAME}:{port}", port, client, log)
        try:
            deadline = time.monotonic() + 20
            while True:
                with suppress(httpx.TransportError):
                    proxy.call("GET", "/metrics")
                    break
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield proxy
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Keep the ports where the proxies will listen; the service must know them before."""
    with ExitStack() as held:
        yield {kind: held.enter_context(hold_port()).getsockname()[1] for kind in COMMANDS}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[RunningService]:
    """Start the service as docs/operate/deploy.md says: loopback, a key, and its public origins."""
    origins = ",".join(f"https://{NAME}:{port}" for port in ports.values())
    settings = {"ELYTE_ALLOWED_ORIGINS": origins, "ELYTE_API_KEY": KEY["X-API-Key"]}
    with running_service(tmp_path_factory.mktemp("behind"), arguments=ELYTE_SERVE, **settings) as service:
        yield service


@pytest.fixture(scope="module", params=list(COMMANDS))
def proxy(
    request: pytest.FixtureRequest,
    behind: RunningService,
    ports: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """Run each proxy before the service."""
    folder = tmp_path_factory.mktemp("proxy") / request.param
    upstream = int(behind.url.rpartition(":")[2])
    with proxy_before(request.param, folder, ports[request.param], upstream) as running:
        yield running


BODY = {"candidates": [{"formula": "Li6PS5Cl"}]}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_page_and_what_it_asks_come_through(proxy: Proxy, behind: RunningService, prefix: str) -> None:
    page = proxy.call("GET", f"{prefix}/")
    assert page.status_code == 200
    assert page.headers["strict-transport-security"]
    assets = re.findall(r'(?:href|src)="\./(page/[^"]+)"', page.text)
    assert len(assets) >= 5
    for asset in assets:
        assert proxy.call("GET", f"{prefix}/{asset}").content == behind.client.get(f"/{asset}").content
    assert proxy.call("GET", f"{prefix}/docs").status_code == 200
    answer = proxy.call("POST", f"{prefix}/predict", json=BODY, headers={"Origin": proxy.origin})
    assert answer.status_code == 200
    assert answer.json() == behind.client.post("/predict", json=BODY).json()
    assert proxy.call("GET", f"{prefix}/readyz").status_code == 200


def test_other_origins_names_and_metrics_stay_outside(proxy: Proxy) -> None:
    for origin in ("https://evil.example", f"http://{NAME}", f"https://{NAME}"):  # the last: without its port
        refused = proxy.call("POST", "/predict", json=BODY, headers={"Origin": origin})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    for prefix in PREFIXES:
        assert proxy.call("GET", f"{prefix}/metrics").status_code == 404
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    for name, welcome in ((NAME, True), ("rebound.example", False)):  # a name that was made to lead here
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
            refused_name = nullcontext() if welcome else pytest.raises(ssl.SSLError)
            with refused_name, anyone.wrap_socket(connection, server_hostname=name) as secured:
                assert secured.version() in {"TLSv1.2", "TLSv1.3"}


def test_without_its_origin_listed_the_page_could_not_ask(
    ports: dict[str, int], tmp_path: Path, behind: RunningService
) -> None:
    host = f"{NAME}:{ports['nginx']}"
    headers = {"Host": host, "Origin": f"https://{host}"}  # as both proxies pass them on
    assert behind.client.post("/predict", json=BODY, headers=headers).status_code == 200
    with running_service(tmp_path, arguments=ELYTE_SERVE) as unlisted:
        refused = unlisted.client.post("/predict", json=BODY, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")


def test_keys_pass_and_are_asked_for(proxy: Proxy) -> None:
    assert proxy.call("POST", "/models/refresh").status_code == 401
    assert proxy.call("POST", "/models/refresh", headers=KEY).json()["error"]["code"] == "no_registry"


def test_large_bodies_pass_up_to_the_limit_and_larger_ones_are_refused_in_words(proxy: Proxy) -> None:
    document = b'{"candidates": [{"formula": "Li3N"}], "properties": ["stability"]}'
    headers = {"Content-Type": "application/json"}
    for size, status in ((LARGEST_BODY, 200), (LARGEST_BODY + 1, 413), (LARGEST_BODY + (2 << 20), 413)):
        answer = proxy.call("POST", "/predict", content=document.ljust(size), headers=headers)
        assert answer.status_code == status
        if status == 413:
            assert answer.headers["content-type"].startswith("application/json")
            assert answer.json()["error"]["code"] == "body_too_large"


def test_long_answers_come_whole_and_nothing_goes_to_files(proxy: Proxy) -> None:
    candidates = [{"formula": f"Li{6 - 0.0001 * step:.4f}PS5Cl"} for step in range(2000)]
    document = {"candidates": candidates, "properties": ["conductivity"]}
    answer = proxy.call("POST", "/predict", json=document)
    assert len(answer.content) > 1 << 20
    assert len(answer.json()["results"]) == 2000
    with proxy.client.stream(
        "POST",
        f"https://127.0.0.1:{proxy.port}/predict",
        json=document,
        headers={"Host": proxy.origin[8:]},
        extensions={"sni_hostname": NAME},
    ) as slow:
        time.sleep(1.0)  # a reader that pauses: the proxy must wait, not write
        assert len(slow.read()) > 1 << 20
    assert "temporary file" not in proxy.log.read_text()


@pytest.mark.parametrize("kind", COMMANDS)
def test_while_nobody_listens_callers_are_told_when_to_come_back(kind: str, tmp_path: Path) -> None:
    with hold_port() as held, proxy_before(kind, tmp_path / kind, held.getsockname()[1], free_port()) as lonely:
        answer = lonely.call("POST", "/predict", json=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["error"]["code"] == "not_ready"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_browser_asks_over_tls(proxy: Proxy, prefix: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine: only the requests of the page were tried (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_context(ignore_https_errors=True).new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(f"{proxy.origin}{prefix or '/'}")  # without the slash: the proxy adds it
        page.wait_for_selector("body[data-ready]")
        page.fill("#formulas", "Li6PS5Cl")
        page.click("#predict")
        page.wait_for_selector("#answers-body tr", timeout=30_000)
        assert page.locator("#answers-body .col-material .formula").all_text_contents() == ["Li6PS5Cl"]
        assert page.url.partition("#")[0] == f"{proxy.origin}{prefix}/"
        browser.close()
    assert problems == []
