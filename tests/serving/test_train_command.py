"""`elyte train` and `elyte evaluate`: every registered property, of other packages too; what one refuses is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.cli import elyte
from training.properties import registry

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("conductivity", "--refit"), "conductivity is always fitted anew"),
        (("ccd", "--quick"), "not for ccd, which is always fitted anew"),
        (("ccd", "--work", "somewhere"), "not for ccd, which is always fitted anew"),
        (("hardness",), f"is not one of {', '.join(repr(name) for name in registry.names())}."),
    ],
)
def test_what_a_property_does_not_offer_is_refused_in_its_words(arguments: tuple[str, ...], said: str) -> None:
    found = CliRunner().invoke(elyte, ["evaluate", *arguments])
    assert found.exit_code == 2
    assert said in " ".join(found.stderr.split())


@pytest.mark.parametrize("name", ["conductivity", "all"])
def test_nets_are_kept_only_where_a_recipe_keeps_nets(name: str) -> None:
    found = CliRunner().invoke(elyte, ["train", name, "--keep-nets", "--no-registry", "--output", "unused"])
    assert found.exit_code == 2
    assert f"the recipe of {name} keeps no nets" in found.stderr


class Toy:
    """The command line beside the toy's package, with a registry of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.uri = folder, f"sqlite:///{folder / 'mlflow.db'}"
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS / "plugin_property")]),
            "MLFLOW_TRACKING_URI": self.uri,
            "ELYTE_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        }

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, text=True)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-c", "from serving.cli import main; main()", *arguments)


ASK = """
import json, mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/elyte-toy@challenger")
said = model.predict(pd.DataFrame({"formula": ["LiCl"], "toy_pressure_GPa": [1.0]}))
print(json.dumps([list(said.columns), model.metadata.get_input_schema().input_names()]))
"""


def test_a_property_of_another_package_is_trained_registered_evaluated_and_answers_in_mlflow(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    trained = toy.call("train", "toy", "--output", "bundle")
    assert trained.returncode == 0, trained.stderr
    assert "registered elyte-toy version 1 as challenger" in trained.stdout
    assert (tmp_path / "bundle" / "card.json").is_file()
    columns, inputs = json.loads(toy.python("-c", ASK).stdout.splitlines()[-1])
    assert columns == ["toy_density_g_per_cm3", "toy_density_lower_g_per_cm3", "toy_density_upper_g_per_cm3"]
    assert inputs == ["formula", "toy_pressure_GPa"]
    scores = json.loads(toy.call("evaluate", "toy", "--json").stdout)
    assert scores["mae_log"] > 0.0
    refused = toy.call("retrain", "toy")
    assert refused.returncode == 2
    assert "no champion of toy and no shipped bundle; run `elyte train toy`" in refused.stderr
    assert "toy: champion is the shipped bundle" in toy.call("models", "history").stdout
