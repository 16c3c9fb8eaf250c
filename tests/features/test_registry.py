from __future__ import annotations

import subprocess
import sys

import pytest

from features.featurizers import FEATURIZERS, Featurizer
from features.registry import Registry


def test_an_entry_is_found_under_its_name() -> None:
    registry: Registry[type] = Registry("calibrator")

    @registry.register("constant")
    class Constant:
        pass

    assert registry["constant"] is Constant
    assert list(registry) == ["constant"]
    assert len(registry) == 1


def test_a_name_is_given_once() -> None:
    registry: Registry[int] = Registry("calibrator")
    registry.register("constant")(1)
    with pytest.raises(ValueError, match="calibrator 'constant' is registered twice"):
        registry.register("constant")(2)
    assert registry["constant"] == 1


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    registry: Registry[int] = Registry("calibrator")
    registry.register("b")(1)
    registry.register("a")(2)
    with pytest.raises(KeyError, match=r"no calibrator 'c'; there are: a, b"):
        registry["c"]


def test_names_come_in_alphabetical_order_whatever_the_order_of_imports() -> None:
    registry: Registry[int] = Registry("calibrator")
    for name in ("b", "c", "a"):
        registry.register(name)(0)
    assert list(registry) == ["a", "b", "c"]


def test_the_registered_featurizers_are_featurizers() -> None:
    assert {"chemistry", "crystal", "magpie"} <= set(FEATURIZERS)
    assert list(FEATURIZERS) == sorted(FEATURIZERS)
    for name in FEATURIZERS:
        assert isinstance(FEATURIZERS[name], Featurizer)


def test_importing_the_features_loads_no_heavy_library_and_reads_no_table() -> None:
    program = (
        "import sys, features.conformance, features.cif, features.elements\n"
        "heavy = {'gemmi', 'matminer', 'pymatgen', 'pandas', 'torch', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert features.elements.element_table.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
