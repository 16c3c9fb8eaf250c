"""Write `ions.csv` and `substitutions.csv`: `python -m serving.generation.build_ion_table DATA_FOLDER_OF_SMACT`.

Needs the data folder of SMACT 4.0.2 (MIT licence; doi 10.21105/joss.01361), not SMACT itself; generation needs only the
two tables written here:

- oxidation states: how often the ICSD reports them (SMACT's count of 2024), those with at least `LEAST_SHARE` of the
  element's non-zero states of either sign;
- ionic radii: Shannon, Acta Cryst. A32, 751 (1976), doi 10.1107/S0567739476001551, averaged over spin states and
  geometries of one coordination number;
- substitutions: how much more often than by chance two ions of one charge replace each other in known structure types
  (ln of a probability), Hautier et al., Inorg. Chem. 50, 656 (2011), doi 10.1021/ic102031h.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from features.elements import SYMBOLS

LEAST_SHARE = 0.03
LEAST_REPORTS = 5
LEAST_SCORE = 0.3
COORDINATIONS = ("4", "6", "8")
_SPECIES = re.compile(r"([A-Z][a-z]?)([0-9])([+-])")


def main(source: Path, target: Path) -> None:
    """Read SMACT's tables and write ours."""
    radii = _radii(source / "shannon_radii.csv")
    shares = _shares(source / "oxidation_states_icsd24_counts.json")
    with (target / "ions.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["symbol", "charge", "share", *(f"radius_cn{n}_A" for n in COORDINATIONS)])
        for symbol in SYMBOLS:
            for charge, share in shares.get(symbol, []):
                known = [radii.get((symbol, charge, n)) for n in COORDINATIONS]
                writer.writerow([symbol, charge, share, *("" if r is None else round(r, 4) for r in known)])
    with (target / "substitutions.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["charge", "first", "second", "score"])
        writer.writerows(_scores(source / "lambda.json"))


def _radii(path: Path) -> dict[tuple[str, int, str], float]:
    found = defaultdict(list)
    with path.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            number = row["coordination"].split("_")[0]
            if number in COORDINATIONS and row["ionic_radius"]:
                found[row["ion"], int(row["charge"]), number].append(float(row["ionic_radius"]))
    return {key: sum(values) / len(values) for key, values in found.items()}


def _shares(path: Path) -> dict[str, list[tuple[int, float]]]:
    reports: dict[str, dict[int, int]] = defaultdict(dict)
    for row in json.loads(path.read_text(encoding="utf-8")):
        if row["oxidation_state"] and row["results_count"] >= LEAST_REPORTS:
            reports[row["element"]][row["oxidation_state"]] = row["results_count"]
    shares = {}
    for symbol, counts in reports.items():
        total = sum(counts.values())
        kept = [(charge, round(n / total, 4)) for charge, n in sorted(counts.items()) if n / total >= LEAST_SHARE]
        shares[symbol] = kept
    return shares


def _scores(path: Path) -> list[tuple[int, str, str, float]]:
    rows = []
    for first, second, score in json.loads(path.read_text(encoding="utf-8")):
        ends = [_SPECIES.fullmatch(species) for species in (first, second)]
        if ends[0] is None or ends[1] is None or score < LEAST_SCORE:
            continue
        (a, *charge_a), (b, *charge_b) = (end.groups() for end in ends if end is not None)
        if a != b and charge_a == charge_b and {a, b} <= set(SYMBOLS):
            low, high = sorted((a, b), key=SYMBOLS.index)
            rows.append((int(charge_a[1] + charge_a[0]), low, high, round(score, 3)))
    return sorted(set(rows), key=lambda row: (row[0], SYMBOLS.index(row[1]), SYMBOLS.index(row[2])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
