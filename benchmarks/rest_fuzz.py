"""A hundred thousand fuzzed bodies: no 5xx, no hang, and the next good request is answered right.

Three quarters are good bodies of every route in which bytes, values, types, keys and numbers were changed; the rest are
made from nothing. Prints one JSON line, progress to standard error; the seed makes a run repeatable.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from running import Client, post, predict, running_service, say

N_BODIES, QUICK_BODIES = 100_000, 1_500
CHECK_EVERY = 500
LONGEST_SECONDS = 10.0
SEEDS: dict[str, dict[str, Any]] = {
    "/predict": {
        "candidates": [{"id": "a", "formula": "Li6PS5Cl"}, {"formula": "Li3YCl6", "conditions": {"temperature_C": 60}}],
        "conditions": {"temperature_C": 25, "interlayer_type": "oxide"},
        "properties": ["conductivity", "ccd"],
        "coverage": 0.9,
        "explain": False,
    },
    "/interface": {"formula": "Li6PS5Cl", "against": ["lithium", "LCO"], "voltage_V": 4.2},
    "/rate": {"anolyte": "Li6PS5Cl", "catholyte": "Li3InCl6", "conditions": {"c_rate": 4.0, "porosity": 0.1}},
    "/pathways": {"cif": "data_x", "block": "x", "grid": True},
    "/ccd/grid": {"formula": "Li6PS5Cl", "temperatures_C": [25, 60], "interlayer_types": ["none"], "coverage": 0.8},
    "/nearest": {"candidates": [{"formula": "Li6PS5Cl"}], "count": 3},
}
CSV = "id,formula,temperature_C\na,Li6PS5Cl,25\nb,Li3YCl6,60\n"
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


def with_other_formulas(document: dict[str, Any], rng: random.Random) -> bytes:
    """Return a good document whose formulas are drawn by chance: most fail by row, some are answered."""

    def formula() -> str:
        symbols = rng.sample(SYMBOLS, rng.randint(1, 6))
        return "".join(f"{symbol}{rng.choice(AMOUNTS)}" for symbol in symbols)

    document = copy.deepcopy(document)
    for row in document.get("candidates", [document]):
        row["formula"] = formula()
    return json.dumps(document).encode()


def request_of(rng: random.Random) -> bytes:
    """Return the bytes of one fuzzed request."""
    if rng.random() < 0.1:
        return post("/predict/csv", torn(CSV.encode(), rng), "text/csv")
    path = rng.choice([*SEEDS])
    draw = rng.random()
    if draw < 0.15:
        body = from_nothing(rng)
    elif draw < 0.35:
        body = torn(json.dumps(SEEDS[path]).encode(), rng)
    elif draw < 0.7:
        body = changed(SEEDS[path], rng)
    else:
        body = with_other_formulas(SEEDS[path], rng)
    return post(path, body)


class Fuzzer:
    """Clients that send fuzzed bodies and, now and then, a good one."""

    def __init__(self, port: int, seed: int) -> None:
        self.port, self.seed = port, seed
        self.statuses: Counter[int] = Counter()
        self.bad: list[str] = []
        self.wrong_answers = 0
        self.slowest = 0.0
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
            request = request_of(rng)
            started = time.perf_counter()
            try:
                status = client.send(request).status
            except OSError as error:
                self.bad.append(f"{type(error).__name__}: {request[-300:]!r}")
                client = Client(self.port, LONGEST_SECONDS)
                continue
            self.slowest = max(self.slowest, time.perf_counter() - started)
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
    arguments = parser.parse_args()
    bodies = QUICK_BODIES if arguments.quick else arguments.bodies
    with running_service() as service:
        fuzzer = Fuzzer(service.port, arguments.seed)
        threads = [threading.Thread(target=fuzzer.run, args=(n, bodies // 4)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        memory = service.memory_MB()
    for text in fuzzer.bad[:20]:
        say(text)
    result = {
        "benchmark": "rest_fuzz",
        "bodies": 4 * (bodies // 4),
        "seed": arguments.seed,
        "statuses": dict(sorted(fuzzer.statuses.items())),
        "server_errors_or_lost_connections": len(fuzzer.bad),
        "slowest_s": round(fuzzer.slowest, 2),
        "good_requests_answered_wrong": fuzzer.wrong_answers,
        "memory_MB": round(memory),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
