"""Made-up candidates: known lithium conductors with one or two elements partly replaced by others like them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.formula import parse_formula

BASES = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li1.3Al0.3Ti1.7P3O12",
    "Li3YCl6",
    "Li10GeP2S12",
    "Li3PS4",
    "Li3OCl",
    "Li0.34La0.55TiO3",
    "Li4SiO4",
    "Li3InCl6",
    "LiTi2P3O12",
    "Li2ZrCl6",
    "Li5La3Ta2O12",
    "Li7P3S11",
    "LiGe2P3O12",
    "Li3N",
    "Li4GeS4",
    "Li2B4O7",
    "LiTaCl6",
    "Li6.5La3Zr1.5Ta0.5O12",
)
LIKE = {
    "P": "Si Ge Sn As Sb V",
    "S": "Se O",
    "Cl": "Br I F",
    "La": "Nd Ca Sr Ba Y",
    "Zr": "Ta Nb Hf Sn W",
    "Al": "Ga In Sc Y Fe Cr",
    "Ti": "Ge Sn Zr Hf",
    "Y": "Er In Sc Yb Ho Zr Lu",
    "Ge": "Si Sn",
    "O": "F S",
    "Si": "Ge P Al",
    "In": "Sc Y Zr",
    "Ta": "Nb W Sb",
    "N": "O",
    "B": "Al P",
    "Li": "Na K Mg Zn",
}
ROWS_PER_FILE, ROWS_PER_GROUP = 100_000, 50_000


def doped(rng: np.random.Generator, amounts: dict[str, float]) -> str:
    """Replace 5 to 90 % of one or two elements."""
    amounts = dict(amounts)
    for _ in range(int(rng.integers(1, 3))):
        replaced = [symbol for symbol in amounts if symbol in LIKE]
        old = replaced[int(rng.integers(len(replaced)))]
        choice = LIKE[old].split()
        new, share = choice[int(rng.integers(len(choice)))], round(amounts[old] * int(rng.integers(1, 19)) * 0.05, 4)
        amounts[old] = round(amounts[old] - share, 4)
        amounts[new] = round(amounts.get(new, 0.0) + share, 4)
    return "".join(f"{symbol}{amount:g}" for symbol, amount in amounts.items() if amount > 1e-3)


def write_candidates(folder: Path, rows: int, rng: np.random.Generator) -> None:
    """Write partitioned Parquet with the columns id and formula."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    bases = [parse_formula(base) for base in BASES]
    for number, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        size = min(ROWS_PER_FILE, rows - start)
        formulas = [doped(rng, bases[int(rng.integers(len(bases)))]) for _ in range(size)]
        table = pa.table({"id": [f"c{start + i}" for i in range(size)], "formula": formulas})
        pq.write_table(table, folder / f"candidates-{number:05d}.parquet", row_group_size=ROWS_PER_GROUP)
