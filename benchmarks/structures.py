"""What is made of crystal structures: ordered representatives of disordered CIFs, and lithium's ways through them.

`--what representatives`: which share of OBELiX's disordered CIFs gets whole atoms, how long it takes, how sound the
cells are, and why the rest is refused. `--what barriers`: rank correlations of the bond-valence description with
measured conductivities and with barriers of the literature. `--what bvlain`: beside that package, where it is
installed. `--what dynamics`: what twenty minutes of molecular dynamics would buy, where sevenn is installed. One
thread, processor time. Prints one JSON line.

`--what energies` and `interval`: relaxed by potentials, see `structure_energies`; `batch` and `queue`: what is killed
or flooded, see `structure_runs`. These take a folder `--work`, and options of their own.
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import importlib
import json
import sys

from structures_barriers import barriers, beside_bvlain
from structures_dynamics import dynamics
from structures_representatives import representatives

from training.sources import MissingSourceError, texts_of_archive

RELAXED = {
    "energies": "structure_energies",
    "interval": "structure_energies",
    "batch": "structure_runs",
    "queue": "structure_runs",
}
"""Parts that relax structures, and the module beside this one whose `main` takes the same arguments."""
PARTS = {"representatives": representatives, "barriers": barriers, "bvlain": beside_bvlain, "dynamics": dynamics}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=sorted(PARTS), default="representatives")
    parser.add_argument("--quick", action="store_true", help="an eighth of the crystals")
    parser.add_argument("--strict", action="store_true", help="exit 1 below the share or above the time asked for")
    relaxed = next((RELAXED[word] for word in sys.argv[1:] if word in RELAXED), None)
    if relaxed is not None:
        return int(importlib.import_module(relaxed).main(sys.argv[1:]))
    given = parser.parse_args()
    try:
        cifs = texts_of_archive("obelix_cifs")
    except MissingSourceError as error:
        print(json.dumps({"benchmark": "structures", "what": given.what, "skipped": str(error)}))
        return 0 if given.quick else 2
    found = PARTS[given.what](cifs, quick=given.quick)
    print(json.dumps({"benchmark": "structures", "what": given.what} | found))
    missed = given.what == "representatives" and (
        found["share"] < found["asked_share"] or found["seconds_mean"] > found["asked_s"]
    )
    return 1 if given.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
