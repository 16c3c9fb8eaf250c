"""Files made to keep a reader busy: within the limits, none may take long, whatever it says."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from made_cifs import cif

from features.cif import MAX_CIF_CHARACTERS, MAX_SITES, read_cif
from features.errors import CandidateError

LONGEST_SECONDS = 2.0  # a tenth of it on an idle machine


def costly_files() -> dict[str, str]:
    """Return files within every limit that make a reader work hardest, by what they exaggerate."""
    scatter = random.Random(0)
    places = [" ".join(f"{scatter.random():.5f}" for _ in range(3)) for _ in range(MAX_SITES)]
    sites = [f"Li{i} Li {place} 0.5" for i, place in enumerate(places)]
    with_multiplicity = "label type_symbol fract_x fract_y fract_z occupancy symmetry_multiplicity"
    wide = (300.0, 300.0, 300.0, 90, 90, 90)
    turns = "".join(f"'x+{i}/24,y+{j}/24,z'\n" for i in range(12) for j in range(16))
    long = 900_000
    return {
        "sites and operators": cif(sites="\n".join(sites), cell=wide),
        "sites, operators and stated multiplicities": cif(
            sites="\n".join(f"{site} 96" for site in sites), cell=wide, columns=with_multiplicity
        ),
        "operators that make no group": cif(f"loop_\n_symmetry_equiv_pos_as_xyz\n{turns}"),
        "a long operator": cif(f"loop_\n_symmetry_equiv_pos_as_xyz\n'{'x+' * (long // 2)}x,y,z'"),
        "a long name of a group": cif(f"_symmetry_space_group_name_H-M 'P{' ' * long}S'"),
        "a long Hall symbol": cif(f"_symmetry_space_group_name_Hall '-F {'4 2 3 ' * (long // 6)}'"),
        "a long number": cif(sites=f"Li1 Li 0.{'1' * long} 0 0 1"),
        "long numbers": cif(sites="\n".join(f"Li{i} Li 0.1 0.2 0.3 0.{'1' * 160}" for i in range(MAX_SITES))),
        "a long multiplicity": cif(sites=f"Li1 Li 0 0 0 1 {'1' * long}", columns=with_multiplicity),
        "blocks": "".join(f"data_{i}\n" for i in range(long // 11)),
        "loops": "data_x\n" + "".join(f"loop_\n_a{i}\n1\n" for i in range(long // 16)),
        "tags of one loop": "data_x\nloop_\n" + "".join(f"_a{i}\n" for i in range(long // 10)) + "1 " * (long // 10),
        "the same tag": "data_x\n" + "_a 1\n" * (long // 5),
        "save frames": "data_x\n" + "".join(f"save_a{i}\n_a 1\nsave_\n" for i in range(long // 22)),
        "quotes": "data_x\n_a " + "'a" * (long // 2),
        "text fields": "data_x\n_a\n" + "; " * (long // 2),
    }


@pytest.mark.parametrize("name", costly_files())
def test_no_file_within_the_limits_takes_long(name: str) -> None:
    """One file must not hold up the list it stands in; all that can go wrong is an error of its row."""
    text = costly_files()[name]
    assert len(text) <= MAX_CIF_CHARACTERS
    started = time.process_time()
    with contextlib.suppress(CandidateError):
        read_cif(text)
    assert time.process_time() - started < LONGEST_SECONDS
