"""What the nets of stability cost: the student that answers, and the pool from which it learnt.

Prints one JSON line: floating-point operations of the matrix products for one composition that no table holds (random
stoichiometries of five or so elements, and argyrodites), processor time of the nets and of the whole property, and of
lists of 64 argyrodites with all properties in one process. `benchmarks/rest.py` measures the service.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from running import new_formulas

from features.candidate import MaterialBatch
from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput
from serving.predictor import Predictor
from training.properties.stability.bundling import load_stability
from training.properties.stability.descriptors import NetInputs
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.inputs import net_inputs
from training.properties.stability.nets_choice import CHOICES, POOL

BUNDLE = Path(__file__).parents[1] / "serving" / "bundles" / "stability"
ROWS = 64
METALS = "Na Mg Ca Sr Ba Al Ga In Sc Y La Gd Er Yb Ti Zr Hf Nb Ta B Si Ge Sn P Sb Zn".split()
ANIONS = "O S Se F Cl Br I N".split()


def random_formulas(count: int) -> list[str]:
    """Return lithium compounds of one to three metals and one or two anions with amounts at random."""
    random = np.random.default_rng(0)

    def part(symbols: list[str], most: int) -> str:
        chosen = random.choice(symbols, random.integers(1, most, endpoint=True), replace=False)
        return "".join(f"{symbol}{random.integers(1, 60) / 10:g}" for symbol in chosen)

    return [f"Li{random.integers(1, 60) / 10:g}{part(METALS, 3)}{part(ANIONS, 2)}" for _ in range(count)]


def operations(nets: NetEnsemble, inputs: NetInputs) -> float:
    """Return the mean number of floating-point operations of matrix products and attention for one composition."""
    size = {name: float(np.prod(array.shape[1:])) for name, array in nets.weights.items() if array.ndim == 3}
    width = nets.weights["pool_norm.weight"].shape[1]
    elements = (inputs.fraction > 0).sum(axis=1)
    products = (inputs.hull.product_scalars[..., 0] > 0).sum(axis=1)
    relatives = (inputs.neighbours.scalars[..., 3] > 0).sum(axis=1)
    of_properties = nets.weights["vectors"].shape[2] * width  # tabulated for each element
    of_element = size["into_tokens.weight"] - of_properties
    of_element += sum(part for name, part in size.items() if name.startswith("blocks."))
    once = ("composition.weight", "product_2.weight", "relative_2.weight", "last.weight")
    of_row = sum(size[name] for name in once)
    of_row += sum(part for name, part in size.items() if name.startswith("head_"))
    of_relative = size["relative_1.weight"] + size["relative_score.weight"]
    multiplied = elements * of_element + 2 * nets.blocks * width * elements**2
    multiplied = multiplied + products * size["product_1.weight"] + relatives * of_relative + of_row
    return float(2 * len(nets) * multiplied.mean())


def milliseconds(work: Callable[[int], object], repeats: int) -> float:
    """Return the least processor time of a call, the first one not counted."""
    taken = []
    for number in range(repeats + 1):
        started = time.process_time()
        work(number)
        taken.append(time.process_time() - started)
    return 1000 * min(taken[1:])


def measured_lists(choice: str, repeats: int) -> float:
    """Return the processor time of a list of 64 with all properties."""
    predictor = Predictor.load("shipped")

    def ask(number: int) -> object:
        rows = [CandidateInput(formula=formula) for formula in new_formulas(ROWS, 7919 * number + 1)]
        return predictor.answer(rows, Conditions(nets=choice if choice == POOL else None))  # type: ignore[call-arg]

    return milliseconds(ask, repeats)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    repeats = 3 if parser.parse_args().quick else 15
    model = load_stability(BUNDLE)[0]
    found: dict[str, dict[str, float]] = {}
    batches = {"random": random_formulas(ROWS), "argyrodites": new_formulas(ROWS, 1)}
    for choice in CHOICES:
        nets = (model.of_pool if choice == POOL else model).ensemble
        found[choice] = {"nets": len(nets), "list_64_all_properties_ms": measured_lists(choice, repeats)}
        for name, formulas in batches.items():
            batch = MaterialBatch.from_formulas(formulas)
            asked = np.full(ROWS, choice == POOL)
            inputs = net_inputs(model.surroundings, batch, model.scaling)

            def judge(number: int, batch: MaterialBatch = batch, asked: np.ndarray = asked) -> object:
                said = model.predict(batch, by_pool=asked)
                return said.energy_above_hull_eV_per_atom, said.reduction_V

            def answer(number: int, nets: NetEnsemble = nets, inputs: NetInputs = inputs) -> object:
                return nets(inputs)

            found[choice] |= {
                f"{name}_MFlop": operations(nets, inputs) / 1e6,
                f"{name}_64_nets_ms": milliseconds(answer, repeats),
                f"{name}_64_stability_ms": milliseconds(judge, repeats),
            }
    short = json.loads(json.dumps(found), parse_float=lambda text: float(f"{float(text):.4g}"))
    print(json.dumps({"benchmark": "stability_nets"} | short))


if __name__ == "__main__":
    main()
