from __future__ import annotations

import subprocess
import sys

from features.featurizers import FEATURIZERS, Featurizer


def test_the_registered_featurizers_are_featurizers() -> None:
    assert {"chemistry", "crystal", "magpie"} <= set(FEATURIZERS)
    assert list(FEATURIZERS) == sorted(FEATURIZERS)
    for featurizer in FEATURIZERS.values():
        assert isinstance(featurizer, Featurizer)


def test_importing_the_features_loads_no_heavy_library_and_reads_no_table() -> None:
    program = (
        "import sys, features.conformance, features.cif, features.elements\n"
        "heavy = {'gemmi', 'matminer', 'pymatgen', 'pandas', 'torch', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert features.elements.element_table.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
