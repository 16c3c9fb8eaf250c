"""A hundred thousand fuzzed bodies: no 5xx, no hang, and the next good request is answered right.

The routes are those of the service's own OpenAPI document, so that a new one is fuzzed once it is there. Three quarters
are the examples of their bodies in which bytes, values, types, keys, numbers and query parameters were changed; the
rest are made from nothing. Routes that write get the key and a ledger of their own. Prints one JSON line, progress to
standard error; the seed makes a run repeatable. `--route` fuzzes one alone.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ports import HOST
from running import Client, get, predict, running_service, say

N_BODIES, QUICK_BODIES = 100_000, 1_500
CHECK_EVERY = 500
LONGEST_SECONDS = 20.0
LONGEST_TARGET = 4_000
JSON = "application/json"
KEY = "fuzzing-needs-a-key-of-its-own-1"
ACCEPT = "Accept: application/json, text/event-stream"
FORMULA = re.compile(r"(?=.*[0-9])[A-Z][A-Za-z0-9.()]+")
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    -(2**70),
    0.5,
    1e308,
    1e-320,
    273.15,
    "",
    " ",
    "Li",
    "Li99999999O",
    "=1+1",
    "\x00",
    "\ud7ff",
    "💡" * 50,
    "(" * 400,
    "Li2O" * 200,
    "NaN",
    [],
    {},
    [[]],
    [None],
    {"": {}},
    ["a"] * 50,
    {"formula": "Li3N"},
    "data_x\n_cell_length_a 1",
    "../../etc/passwd",
    "<script>",
    "Li0.0000001P",
    "Li,2O",
    "Li₇La₃Zr₂O₁₂",
)
FRAGMENTS = (b'"', b"{", b"]", b",", b"\\u", b"\x00", b"\xff", b"1e999", b"\\ud800", b":")
SYMBOLS = ("Li", "Na", "La", "Zr", "P", "S", "Cl", "O", "H", "B", "N", "F", "Ge", "Y", "U", "He", "Xx", "Pu", "(", "·")
AMOUNTS = ("", "1", "2", "7", "12", "0.5", "1.333333", "0", "1e3", "-1", "999999999", "0.000000001")
LETTERS = "LiPSClO0123456789.()[]·-"


def places_of(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Return every container with a key or index in it, from the top down."""
    keys: list[Any] = []
    if isinstance(value, dict | list):
        keys = [*value] if isinstance(value, dict) else [*range(len(value))]
    return [(value, key) for key in keys] + [place for key in keys for place in places_of(value[key])]


def changed(document: dict[str, Any], rng: random.Random) -> bytes:
    """Return a document in which a few values, keys or elements were changed."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        places = places_of(document)
        if not places:
            break
        container, key = rng.choice(places)
        match rng.randrange(4):
            case 0 | 1:
                container[key] = copy.deepcopy(rng.choice(ODD))
            case 2 if isinstance(container, dict):
                container[rng.choice(("formulae", "", "id", "cif", "block", "conditions", key + "x"))] = container.pop(
                    key
                )
            case 3 if isinstance(container, list):
                container.insert(key, copy.deepcopy(rng.choice(ODD)))
            case _:
                del container[key]
    return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def torn(body: bytes, rng: random.Random) -> bytes:
    """Return bytes in which some were changed, left out, doubled or cut off."""
    data = bytearray(body)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[place : place + rng.randint(1, 8)]
            case 2:
                data[place:place] = rng.choice(FRAGMENTS)
            case _:
                data = data[:place] if rng.random() < 0.3 else data[:place] + data[place // 2 :]
        if not data:
            break
    return bytes(data)


def from_nothing(rng: random.Random) -> bytes:
    """Return bytes that were never a request."""
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: rng.randbytes(rng.randrange(200)),
        lambda: b"[" * rng.randrange(2000),
        lambda: json.dumps(rng.choice(ODD)).encode(),
        lambda: json.dumps({"candidates": [{"formula": "".join(rng.choices(LETTERS, k=20))}]}).encode(),
    )
    return rng.choice(makers)()


def with_other_formulas(document: Any, rng: random.Random) -> bytes:  # noqa: ANN401
    """Return a good document whose formulas are drawn by chance: most fail by row, some are answered."""

    def formula() -> str:
        symbols = rng.sample(SYMBOLS, rng.randint(1, 6))
        return "".join(f"{symbol}{rng.choice(AMOUNTS)}" for symbol in symbols)

    document = copy.deepcopy(document)
    for container, key in places_of(document):
        if isinstance(container[key], str) and FORMULA.fullmatch(container[key]):
            container[key] = formula()
    return json.dumps(document).encode()


@dataclass(frozen=True)
class FuzzedRoute:
    """One route of the service: its method and path, an example of each body that it takes, and its parameters."""

    method: str
    path: str
    examples: dict[str, Any]
    of_query: tuple[str, ...]
    of_path: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


_LICL = {
    "id": "mp-1",
    "type": "structures",
    "attributes": {
        "lattice_vectors": [[3.9, 0, 0], [0, 3.9, 0], [0, 0, 3.9]],
        "cartesian_site_positions": [[0, 0, 0], [1.95, 1.95, 1.95]],
        "species": [{"name": s, "chemical_symbols": [s], "concentration": [1]} for s in ("Li", "Cl")],
        "species_at_sites": ["Li", "Cl"],
    },
}
_POSCAR = "LiCl\n1.0\n3.9 0 0\n0 3.9 0\n0 0 3.9\nLi Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
_TOOL_CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "predict", "arguments": {"formulas": ["Li6PS5Cl"], "structures": [_POSCAR]}},
}
BESIDES = [
    FuzzedRoute("POST", "/predict", {JSON: {"candidates": [{"structure": _LICL}, {"structure": _POSCAR}]}}, (), {}),
    FuzzedRoute("POST", "/mcp", {JSON: _TOOL_CALL}, (), {}),
]
"""Bodies that the document gives no example of: structures, and tools for agents."""


def routes_of(document: dict[str, Any]) -> list[FuzzedRoute]:
    """Return the routes that an OpenAPI document names; one without bodies is asked with odd queries."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            parameters = operation.get("parameters", ())
            choices = {
                one["name"]: tuple(map(str, one["schema"].get("enum", ("conductivity", "1"))))
                for one in parameters
                if one["in"] == "path"
            }
            examples = {kind: media.get("example", {}) for kind, media in content.items()}
            of_query = tuple(one["name"] for one in parameters if one["in"] == "query")
            found.append(FuzzedRoute(method.upper(), path, examples, of_query, choices))
    return found


def target_of(route: FuzzedRoute, rng: random.Random) -> str:
    """Return the path of a request, now and then with parts and parameters that nobody expects."""
    path = route.path
    for name, choices in route.of_path.items():
        odd = str(rng.choice(ODD)).encode("utf-8", "replace")
        path = path.replace("{" + name + "}", rng.choice(choices) if rng.random() < 0.8 else quote(odd, safe=""))
    if rng.random() < (0.5 if not route.examples else 0.1):
        names = [*route.of_query, "x"]
        pairs = [(rng.choice(names), str(rng.choice(ODD)).encode("utf-8", "replace")) for _ in range(rng.randint(1, 3))]
        path += "?" + urlencode(pairs)
    return path[:LONGEST_TARGET]


def body_of(route: FuzzedRoute, rng: random.Random) -> tuple[str, bytes]:
    """Return a media type and a body."""
    if not route.examples:
        return JSON, rng.choice((b"", b"{}", from_nothing(rng)))
    media_type = rng.choice([*route.examples])
    example = route.examples[media_type]
    if isinstance(example, str):
        return media_type, torn(example.encode(), rng) if rng.random() < 0.9 else from_nothing(rng)
    draw = rng.random()
    if draw < 0.15:
        return media_type, from_nothing(rng)
    if draw < 0.35:
        return media_type, torn(json.dumps(example).encode(), rng)
    return media_type, changed(example, rng) if draw < 0.7 else with_other_formulas(example, rng)


def request_of(routes: list[FuzzedRoute], rng: random.Random) -> tuple[str, bytes]:
    """Return the name of a route and the bytes of one fuzzed request."""
    route = rng.choice(routes)
    media_type, body = body_of(route, rng) if route.method != "GET" else (JSON, b"")
    key = () if rng.random() < 0.05 else (f"X-API-Key: {KEY}",)
    line = f"{route.method} {target_of(route, rng)} HTTP/1.1"
    head = (line, f"Host: {HOST}", f"Content-Type: {media_type}", ACCEPT, *key)
    return route.name, "\r\n".join((*head, f"Content-Length: {len(body)}", "", "")).encode() + body


class Fuzzer:
    """Clients that send fuzzed bodies and, now and then, a good one."""

    def __init__(self, port: int, seed: int, route: str | None = None) -> None:
        self.port, self.seed = port, seed
        with Client(port) as client:
            document: Any = client.send(get("/openapi.json")).json()
        self.routes = [one for one in (*routes_of(document), *BESIDES) if route in (None, one.path)]
        if not self.routes:
            raise SystemExit(f"no route {route}; there are: {', '.join(document['paths'])}")
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bad: list[str] = []
        self.wrong_answers = 0
        self.slowest: dict[str, tuple[float, bytes]] = {}
        self.expected = self._sigma()

    def _sigma(self) -> float:
        with Client(self.port) as client:
            answer: Any = client.send(predict(["Li6PS5Cl"])).json()
        sigma: float = answer["results"][0]["conductivity"]["log10_sigma_S_per_cm"]["value"]
        return sigma

    def run(self, number: int, count: int) -> None:
        """Send `count` fuzzed bodies."""
        rng = random.Random(self.seed * 1000 + number)
        client = Client(self.port, LONGEST_SECONDS)
        for turn in range(count):
            name, request = request_of(self.routes, rng)
            self.asked[name] += 1
            started = time.perf_counter()
            try:
                status = client.send(request).status
            except OSError as error:
                self.bad.append(f"{type(error).__name__}: {request[-300:]!r}")
                client = Client(self.port, LONGEST_SECONDS)
                continue
            took = time.perf_counter() - started
            self.slowest[name] = max(self.slowest.get(name, (0.0, b"")), (took, request))
            self.statuses[status] += 1
            if status >= 500:
                self.bad.append(f"{status}: {request[-300:]!r}")
            if turn % CHECK_EVERY == 0:
                self.wrong_answers += abs(self._sigma() - self.expected) > 1e-3
                if number == 0:
                    say(f"{turn}/{count} of each client: {dict(self.statuses)}, {len(self.bad)} bad")
        client.close()


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=N_BODIES)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--quick", action="store_true", help="fewer bodies, for a smoke test")
    parser.add_argument("--route", help="fuzz this path alone, such as /synthesis")
    arguments = parser.parse_args()
    bodies = QUICK_BODIES if arguments.quick else arguments.bodies
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(
            environment={"ELYTE_API_KEY": KEY, "ELYTE_LEDGER_URL": f"sqlite:///{folder}/l.db", "ELYTE_MCP": "true"}
        ) as service,
    ):
        fuzzer = Fuzzer(service.port, arguments.seed, arguments.route)
        threads = [threading.Thread(target=fuzzer.run, args=(n, bodies // 4)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        memory = service.memory_MB()
    for text in fuzzer.bad[:20]:
        say(text)
    took, request = max(fuzzer.slowest.values())
    say(f"slowest, {took:.2f} s: {request[-400:]!r}")
    result = {
        "benchmark": "rest_fuzz",
        "bodies": 4 * (bodies // 4),
        "seed": arguments.seed,
        "statuses": dict(sorted(fuzzer.statuses.items())),
        "server_errors_or_lost_connections": len(fuzzer.bad),
        "routes": dict(sorted(fuzzer.asked.items())),
        "slowest_s": {name: round(took, 2) for name, (took, _) in sorted(fuzzer.slowest.items())},
        "good_requests_answered_wrong": fuzzer.wrong_answers,
        "memory_MB": round(memory),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
