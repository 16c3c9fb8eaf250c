"""The tools for agents as agents reach them: `elyte mcp` as a process, and `/mcp` of a running service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from running_service import CONFIGURING, ELYTE_SERVE, ROOT, RunningService, running_service

from serving.rest.http_api import create_app
from serving.rest.protection import Protection

COMMAND = ("-c", "from serving.cli import main; main()", "mcp")
NAMES = ["predict", "nearest", "interface", "coatings", "rank", "generate", "synthesis", "models"]
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
KEY = "a-key-of-this-test"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def plain_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURING)}
    return kept | {"ELYTE_MODELS": "shipped"}


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    arguments = (*ELYTE_SERVE, "--mcp")
    with running_service(tmp_path_factory.mktemp("agents"), arguments=arguments, ELYTE_API_KEY=KEY) as running:
        yield running


def with_client(server: str | StdioServerParameters, use: Callable[[Client], Awaitable[None]], mode: str) -> None:
    async def run() -> None:
        async with Client(server, mode=mode) as client:
            await use(client)

    asyncio.run(run())


async def a_conversation(client: Client) -> None:
    """Ask what an agent asks: what there is, a question, a wrong one, and something to read."""
    tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == NAMES
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools)
    answer = await client.call_tool("predict", {"formulas": ["Li6PS5Cl", "Xx"], "properties": ["conductivity"]})
    assert not answer.is_error
    assert [row["status"] for row in answer.structured_content["results"]] == ["ok", "error"]
    assert "S/cm" in answer.content[0].text  # type: ignore[union-attr]
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("nearest", {"formulas": ["Li3YCl6"]}),
        ("generate", {"patterns": ["Li3{Y,In}Cl6"]}),
        ("rank", {"formulas": ["Li3YCl6", "Li3InCl6"]}),
        ("interface", {"formula": "Li3YCl6", "against": ["lithium"]}),
        ("synthesis", {"formula": "Li3YCl6"}),
        ("models", {"property": "ccd"}),
    )
    for name, arguments in steps:
        assert not (await client.call_tool(name, arguments)).is_error, name
    wrong = await client.call_tool("predict", {"formulas": []})
    assert wrong.is_error
    assert wrong.structured_content["error"]["code"] == "invalid_request"
    unknown = await client.call_tool("delete_everything", {})
    assert unknown.structured_content["error"]["code"] == "unknown_tool"
    addresses = [str(resource.uri) for resource in (await client.list_resources()).resources]
    assert {"elyte://guide", "elyte://cards/conductivity", "elyte://docs/use/predict"} <= set(addresses)
    guide = (await client.read_resource("elyte://guide")).contents[0]
    assert "What is data" in guide.text  # type: ignore[union-attr]
    card = (await client.read_resource("elyte://cards/ccd")).contents[0]
    assert json.loads(card.text)["property"] == "ccd"  # type: ignore[union-attr]
    with pytest.raises(MCPError, match="no such resource"):
        await client.read_resource("elyte://docs/../../SECURITY")


def test_an_agent_talks_to_the_command_over_its_pipes() -> None:
    command = StdioServerParameters(command=sys.executable, args=[*COMMAND], env=plain_environment(), cwd=ROOT)
    with_client(command, a_conversation, "auto")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agent_talks_to_the_service_over_http(agents: RunningService, mode: str) -> None:
    with_client(f"{agents.url}/mcp", a_conversation, mode)


def test_standard_output_carries_the_protocol_alone_and_the_models_wait() -> None:
    """The first answers come before any model is loaded; a line that is no message is answered with an error."""
    hello = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    question = {"name": "predict", "arguments": {"formulas": ["Li6PS5Cl"]}}
    asked = [hello, done, LIST, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": question}]
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        answers = []
        for message in asked:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(20) == 0
    finally:
        process.kill()
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert answers[0]["result"]["serverInfo"]["name"] == "elyte"
    assert "instructions" in answers[0]["result"]


def test_models_are_loaded_with_the_first_question_only() -> None:
    script = (
        "import sys; sys.argv = ['elyte', 'mcp']\n"
        "import serving.agents.local as local\n"
        "import serving.agents.server\n"
        "heavy = {'torch', 'sqlalchemy', 'mlflow', 'pandas', 'bentoml'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert local._load.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=plain_environment())


def post(service: RunningService, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{service.url}/mcp", content=content, headers=HEADERS | headers, timeout=60)


def test_names_and_origins_of_others_are_refused(agents: RunningService) -> None:
    assert post(agents, LIST).status_code == 200
    rebound = post(agents, LIST, Host="evil.example:3000")
    assert rebound.status_code == 403
    assert rebound.json()["error"]["code"] == "host_not_allowed"
    page = post(agents, LIST, Host="evil.example", Origin="http://evil.example")
    assert page.json()["error"]["code"] == "origin_not_allowed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 50_000,
        b"\xff\xfe",
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b', "method": "ping"}',
        {"jsonrpc": "2.0", "id": 1, "method": "no/such"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "predict", "arguments": [1]}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "predict", "arguments": {"a": 1}}},
        {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///etc/passwd"}},
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "predict", "arguments":'
        b' {"formulas": ["\\ud800"]}}}',
    ],
)
def test_bad_messages_are_refused_quickly_and_never_with_5xx(agents: RunningService, body: Any) -> None:
    started = time.perf_counter()
    answer = post(agents, body)
    assert answer.status_code < 500, answer.text
    assert "error" in answer.text
    assert time.perf_counter() - started < 5.0


def test_a_body_of_another_kind_or_too_large_is_refused(agents: RunningService) -> None:
    assert post(agents, LIST, **{"Content-Type": "text/plain"}).status_code == 415
    assert post(agents, b" " * (16 * 1024 * 1024 + 1)).status_code == 413
    assert httpx.get(f"{agents.url}/mcp").status_code == 405


def test_what_agents_ask_is_counted_and_not_logged(agents: RunningService) -> None:
    question = {"name": "predict", "arguments": {"formulas": ["Li5.5PS4.5Cl1.5", "Xx"]}}
    before = agents.metric('elyte_rows_total{status="ok"}'), agents.metric('elyte_rows_total{status="error"}')
    assert post(agents, LIST | {"method": "tools/call", "params": question}).status_code == 200
    after = agents.metric('elyte_rows_total{status="ok"}'), agents.metric('elyte_rows_total{status="error"}')
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert agents.metric('elyte_requests_total{method="POST",route="/mcp",status="200"}') > 0
    assert "Li5.5PS4.5Cl1.5" not in agents.log()
    assert KEY not in agents.log()


def test_keys_are_asked_for_as_everywhere() -> None:
    app = create_app(protection=Protection.of((KEY,), protect_reads=True), agents=True)

    async def ask(**headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.post("/mcp", json=LIST, headers=HEADERS | headers)

    assert asyncio.run(ask()).status_code == 401
    assert asyncio.run(ask(Authorization="Bearer wrong")).status_code == 401
    assert asyncio.run(ask(Authorization=f"Bearer {KEY}")).status_code == 200


def test_while_models_are_loaded_a_tool_says_to_come_back() -> None:
    app = create_app(agents=True)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            question = LIST | {"method": "tools/call", "params": {"name": "models", "arguments": {}}}
            return await client.post("/mcp", json=question, headers=HEADERS)

    result = asyncio.run(ask()).json()["result"]
    assert result["isError"]
    assert result["structuredContent"]["error"]["code"] == "not_ready"


def test_without_the_switch_there_is_no_such_route_and_nothing_of_it_is_loaded(service: RunningService) -> None:
    assert post(service, LIST).status_code == 404
    script = (
        "import sys\nimport serving.rest.service\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] in ('mcp', 'mcp_types', 'httpx2')]\n"
        "own = {name for name in sys.modules if name.startswith('serving.agents.')}\n"
        "loaded += sorted(own - {'serving.agents.settings'})\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=plain_environment())
