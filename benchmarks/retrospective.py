"""Does the ranking work? Learn from what was known, rank the rest, count what was found.

Cuts go through the conductivity table without the official OBELiX test split: by random halves of the papers, by year
of publication, and by chemical family (a family unknown, its members among the other half's materials). A pool holds
distinct materials measured near 25 C of which training saw no row and no near copy (half-L1 < 0.01); an upper bound is
no hit. Compared are elyte's ranking by P(sigma >= target), through `Predictor.rank` on a bundle that the retraining
job fitted on the cut (the shipped recipe, formulas only), elyte's point prediction, a random forest on Magpie features
of the same rows, a forest that classifies hits, the value of the nearest known composition, and blind choice.

Prints one JSON line a question. [a, b, c]: mean over cuts, 2.5 and 97.5 % points over cuts (cuts by year: the pool's
figure, interval by drawing whole papers of the pool). The cuts share one table: such a spread says how much one history
differs from another, and is far wider than the error of the mean.
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrospective_cuts import FAMILIES, Cut, History
from retrospective_figures import (
    Pair,
    bootstrapped,
    enrichments,
    family_figures,
    left_out_materials,
    over_families,
    regrets,
    reliability,
    spread,
)
from retrospective_plot import draw
from retrospective_rankings import rank_cut
from running import say

from training.properties.conductivity.ensemble import EnsembleSettings
from training.sources import MissingSourceError
from training.splits import grouped_folds

QUESTIONS = ("random", "years", "families")
YEARS, QUICK_YEARS = (2011, 2014, 2017, 2020, 2023), (2023,)
REPEATS, FAMILY_REPEATS = 10, 2
QUICK_FAMILIES, SMALL_TABLE = ("argyrodite",), 500


@dataclass
class Bench:
    """The table, the settings and the folder in which finished cuts lie."""

    history: History
    settings: EnsembleSettings
    recipe: str
    work: Path
    quick: bool
    repeats: int

    def ranked(self, cuts: Iterable[Cut]) -> list[Pair]:
        """Rank every cut's pool."""
        out = []
        for cut in cuts:
            began = time.process_time()
            out.append((cut, rank_cut(self.history, cut, self.settings, self.work)))
            say(f"{cut.question}, {cut.name}: {time.process_time() - began:.1f} s of processor time")
        return out

    def line(self, question: str, pairs: list[Pair], figures: dict[str, Any]) -> dict[str, Any]:
        """Return a line to print."""
        about = {
            "benchmark": f"retrospective {question}",
            "cuts": len(pairs),
            "recipe": self.recipe,
            "table_rows": len(self.history.table),
            "learnt_rows": spread([float(len(c.train)) for c, _ in pairs]),
            "pool": spread([float(len(c.pool)) for c, _ in pairs]),
            "unit": "decades of S/cm",
        }
        return about | figures

    def random(self) -> tuple[list[Pair], dict[str, Any]]:
        """Cut by random halves of the papers."""
        pairs = self.ranked(self.history.random_halves(self.repeats))
        figures = {"enrichment": enrichments(pairs), "regret": regrets(pairs), "reliability": reliability(pairs)}
        return pairs, self.line("random", pairs, figures)

    def years(self) -> tuple[list[Pair], dict[str, Any]]:
        """Cut by year of publication."""
        pairs = self.ranked(self.history.years(QUICK_YEARS if self.quick else YEARS))
        return pairs, self.line("years", pairs, {"by_cut": [bootstrapped(self.history, pair) for pair in pairs]})

    def families(self) -> tuple[list[Pair], dict[str, Any]]:
        """Take families out, one by one."""
        names = QUICK_FAMILIES if self.quick else tuple(FAMILIES)
        pairs = self.ranked(self.history.without_families(names, 1 if self.quick else FAMILY_REPEATS))
        of_family = {name: [pair for pair in pairs if pair[0].name.rpartition(" ")[0] == name] for name in names}
        found = [family_figures(name, own) for name, own in of_family.items() if own]
        verdicts: dict[str, list[str]] = {"found": [], "partly": [], "missed": [], "too few hits": []}
        for one in found:
            verdicts[one["elyte_verdict"]].append(one["family"])
        means = over_families(found)
        return pairs, self.line("families", pairs, {"verdicts": verdicts, "mean": means, "by_family": found})


def load(quick: bool, work: Path, repeats: int) -> Bench:
    """Return the bench on the tables at hand."""
    from training.properties.conductivity.table import load_literature, load_training_table, papers

    try:
        table = load_training_table(with_obelix_test=False)
    except MissingSourceError:
        say("no public tables: the embedded literature only, whose figures mean little")
        table = load_literature()
    if quick and len(table) > SMALL_TABLE:
        third = grouped_folds(papers(table), 3, 0) == 0
        table = table.loc[third].reset_index(drop=True)
    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    return Bench(History(table), settings, "quick" if quick else "as shipped", work, quick, 1 if quick else repeats)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=(*QUESTIONS, "all"), default="all")
    parser.add_argument(
        "--quick", action="store_true", help="a third of the papers, five cuts, a tiny model: to try the path"
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="halvings of the papers, two cuts each")
    parser.add_argument("--work", type=Path, default=None, help="folder for finished cuts: a killed run goes on there")
    parser.add_argument("--mirror", type=Path, default=None, help="folder with the public tables")
    parser.add_argument("--plot", type=Path, default=None, help="where to draw the curves (needs random and families)")
    parser.add_argument("--materials", type=Path, default=None, help="where to write what was said of each material")
    asked = parser.parse_args()
    if asked.mirror is not None:
        os.environ["ELYTE_DATA_MIRROR"] = str(asked.mirror)
    with tempfile.TemporaryDirectory(prefix="elyte-retrospective-") as scratch:
        work = asked.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        bench = load(asked.quick, work, asked.repeats)
        run: dict[str, tuple[list[Pair], dict[str, Any]]] = {}
        for question in QUESTIONS if asked.what == "all" else (asked.what,):
            run[question] = getattr(bench, question)()
            print(json.dumps(run[question][1]), flush=True)
    if asked.materials is not None and "random" in run:
        write_materials(bench, run["random"][0], asked.materials)
    if asked.plot is not None and {"random", "families"} <= set(run):
        draw(run["random"][0], run["families"][1]["by_family"], asked.plot)


def write_materials(bench: Bench, pairs: list[Pair], path: Path) -> None:
    """Write what elyte said of materials that it had not seen: names of columns, and a row a material."""
    materials = left_out_materials(bench.history, pairs)
    rows = ",\n".join(json.dumps([round(v, 3) if isinstance(v, float) else v for v in m.values()]) for m in materials)
    head = {"made_by": "python benchmarks/retrospective.py --what random --materials FILE", "recipe": bench.recipe}
    told = json.dumps(head | {"cuts": len(pairs), "columns": list(materials[0])})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{told[:-1]}, "rows": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
