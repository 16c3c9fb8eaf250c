"""Small crystals relaxed for real by the shipped potential, and what is refused or flagged, each with its code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from made_structures import LICL

from features.structures.cells import OrderedCell, to_cif
from features.structures.representatives import ordered_representative
from serving.cli import elyte
from serving.structures.answer import StructureJudge
from serving.structures.document import StructureRow
from serving.structures.jobs import JobQueue, QueueLimits
from serving.structures.request import StructureRequest
from serving.structures.worker import StructureWorker
from training.properties import registry
from training.structures.relaxation import CancelledError, RelaxationLimits


@pytest.fixture(scope="module")
def judge() -> StructureJudge:
    """The potentials, loaded once (seconds)."""
    return StructureJudge.load()


def cif(lattice: np.ndarray, *atoms: tuple[str, float, float, float]) -> str:
    places = np.array([place for _, *place in atoms])
    return to_cif(OrderedCell(lattice, places, tuple(symbol for symbol, *_ in atoms)))


def cubic(edge_A: float, *atoms: tuple[str, float, float, float]) -> str:
    return cif(edge_A * np.eye(3), *atoms)


LI3OCL = cubic(
    3.9, ("Cl", 0, 0, 0), ("O", 0.5, 0.5, 0.5), ("Li", 0.5, 0.5, 0), ("Li", 0.5, 0, 0.5), ("Li", 0, 0.5, 0.5)
)
LI2O = cif(2.31 * (np.ones((3, 3)) - np.eye(3)), ("O", 0, 0, 0), ("Li", 0.25, 0.25, 0.25), ("Li", 0.75, 0.75, 0.75))
DISORDERED = (
    "data_x\n_cell_length_a 4.0\n_cell_length_b 4.0\n_cell_length_c 4.0\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
    "_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P m -3 m'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
    "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
    "Cl1 Cl 0 0 0 0.5\nBr1 Br 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\nLi1 Li 0.5 0.5 0 1\n"
)


def ask(judge: StructureJudge, text: str, **more: object) -> StructureRow:
    limits = RelaxationLimits(most_steps=int(str(more.pop("most_steps", 300))))
    most_atoms = int(str(more.pop("most_atoms", 100)))
    row = judge.judge(StructureRequest.model_validate({"cif": text, **more}), limits=limits, most_atoms=most_atoms)
    assert orjson.dumps(row)  # as the queue, the folder and `--json` write it: no number of numpy's
    return row


def test_an_antiperovskite_as_the_table_has_it(judge: StructureJudge) -> None:
    row = ask(judge, LI3OCL, id="mine")
    formation, hull = registry.of_phases().phase_energies
    assert (row["status"], row["basis"], row["read_as"], row["id"]) == ("ok", "structure", "Li3OCl", "mine")
    said = row[formation.name]  # type: ignore[literal-required]
    assert said["lower"] < said["value"] < said["upper"]
    assert said["value"] == pytest.approx(row["listed_eV_per_atom"], abs=0.02)
    assert row[hull.name]["value"] >= 0.0  # type: ignore[literal-required]
    assert set(row["by_potential"]) == {"sevenn-0", "sevenn-l3i5"}
    assert row["energy_by"] == "sevenn-l3i5"
    assert row["believe"] == "both"  # it is the cell that the table lists, far below the other compositions
    assert row["difference"].startswith("as drawn in your CIF")
    assert row["formula_alone"] is not None
    assert row["formula_alone"]["basis"] == "reference"
    assert {contact["against"] for contact in row["contacts"]} >= {"lithium", "NMC811"}
    assert row["moisture"] is not None
    assert row["relaxation"]["end"] == "converged"
    assert row["relaxation"]["bonded_dimensions"] == 3
    kept = row["relaxed_cif"]
    assert kept is not None
    assert ordered_representative(kept).formula == "Li3OCl"
    assert row["warnings"] == []


def test_limits_and_window_follow_the_structures_energy(judge: StructureJudge) -> None:
    row = ask(judge, LI3OCL)
    low, high = (row[one.name] for one in registry.of_phases().window)  # type: ignore[literal-required]
    assert low["lower"] <= low["value"] <= low["upper"]
    assert high["lower"] < high["value"] < high["upper"]


def test_wider_where_more_coverage_is_asked(judge: StructureJudge) -> None:
    formation = registry.of_phases().phase_energies[0].name
    half, most = (ask(judge, LI3OCL, coverage=coverage)[formation] for coverage in (0.5, 0.9))  # type: ignore[literal-required]
    assert half["value"] == most["value"]
    assert most["lower"] < half["lower"] < half["upper"] < most["upper"]


def test_more_coverage_than_was_calibrated_is_refused_before_anything_is_relaxed(judge: StructureJudge) -> None:
    def never(step: int, force: float) -> bool:
        raise AssertionError(f"step {step} with forces of {force}")

    row = judge.judge(StructureRequest(cif=LI3OCL, coverage=0.99), each_step=never)
    assert row["error"]["code"] == "invalid_condition"


def test_a_disordered_crystal_is_answered_by_one_arrangement(judge: StructureJudge) -> None:
    row = ask(judge, DISORDERED)
    assert row["status"] == "ok"
    part = row["representative"]
    assert part["disordered"]
    assert part["mixing_eV_per_atom_at_300_K"] > 0.0
    assert "one_arrangement" in {warning["code"] for warning in row["warnings"]}


def test_elastic_constants_on_request(judge: StructureJudge) -> None:
    elastic = ask(judge, LI3OCL, elastic=True)["elastic"]
    assert elastic is not None
    assert elastic["is_stable"]
    assert 20.0 < elastic["bulk_GPa"] < 90.0
    assert 20.0 < elastic["shear_GPa"] < 70.0
    constants = np.array(elastic["constants_GPa"])
    assert np.allclose(constants, constants.T)
    assert constants[0, 0] == pytest.approx(constants[1, 1], rel=0.05)


def test_unbound_atoms_have_no_elastic_constants_and_the_rest_of_an_answer(judge: StructureJudge) -> None:
    row = ask(judge, cubic(10.0, ("Li", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)), elastic=True)
    assert (row["status"], row["elastic"]) == ("ok", None)
    assert {"isolated_molecules", "no_elastic_constants"} <= {warning["code"] for warning in row["warnings"]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("garbage", "unparseable_cif"),
        (cubic(3.5, ("Li", 0, 0, 0)), "one_atom"),
        (cubic(5.0, ("Li", 0, 0, 0), ("Xe", 0.5, 0.5, 0.5)), "element_without_energies"),
        (cubic(5.0, ("Li", 0, 0, 0), ("Po", 0.5, 0.5, 0.5)), "element_without_potential"),
        (cubic(6.0, ("Li", 0, 0, 0), ("Cl", 0.1, 0, 0)), "atoms_collide"),
        (cubic(6.0, ("Li", 0.5, 0.5, 0.5), ("La", 0, 0, 0), ("O", 0.17, 0, 0)), "forces_too_large"),
        (cubic(4.6, ("Li", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)), "volume_changed"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_code(judge: StructureJudge, text: str, code: str) -> None:
    row = ask(judge, text)
    assert row["status"] == "error"
    assert row["error"]["code"] == code
    assert row["error"]["message"]
    kept = code in ("forces_too_large", "volume_changed")
    assert (row.get("relaxed_cif") is not None) == kept


def test_large_cells_are_refused_before_anything_is_computed(judge: StructureJudge) -> None:
    row = ask(judge, LI3OCL, most_atoms=4)
    assert row["error"]["code"] == "cell_too_large"


def test_doubts_are_flagged_and_then_the_formula_is_believed(judge: StructureJudge) -> None:
    pushed = LI3OCL.replace("0.50000000 0.50000000 0.00000000", "0.53000000 0.46000000 0.04000000")
    assert pushed != LI3OCL
    row = ask(judge, pushed, most_steps=2)
    assert [warning["code"] for warning in row["warnings"]] == ["not_relaxed"]
    assert row["believe"] == "formula"
    assert "upper bound" in row["believe_because"]
    assert row["relaxed_cif"] is not None


def test_a_worker_loads_a_potential_once_and_asks_the_model_that_is_served_now(
    judge: StructureJudge, tmp_path: Path
) -> None:
    worker = StructureWorker(JobQueue(tmp_path), QueueLimits())
    worker._judges["sevenn-0"] = judge
    again = worker._judge("sevenn-0")
    assert again.pair is judge.pair
    assert again.predictor is not judge.predictor


def test_it_can_be_cancelled(judge: StructureJudge) -> None:
    with pytest.raises(CancelledError):
        judge.judge(StructureRequest(cif=LI3OCL), each_step=lambda step, force: False)


def test_the_same_file_gives_the_same_answer(judge: StructureJudge) -> None:
    assert ask(judge, DISORDERED) == ask(judge, DISORDERED)


def test_the_command_prints_the_document_and_keeps_the_relaxed_cell(tmp_path: Path) -> None:
    (tmp_path / "a.cif").write_text(LI3OCL)
    (tmp_path / "b.cif").write_text("garbage")
    kept = tmp_path / "relaxed.cif"
    call = ["relax", str(tmp_path / "a.cif"), "--above-hull", "--output", str(kept), "--json"]
    said = CliRunner().invoke(elyte, call)
    assert said.exit_code == 0, said.output
    (row,) = json.loads(said.stdout)["results"]
    formation, hull = registry.of_phases().phase_energies
    assert (row["read_as"], row["basis"], row["file"]) == ("Li3OCl", "structure", "a.cif")
    assert {"value", "lower", "upper", "coverage"} <= row[formation.name].keys() & row[hull.name].keys()
    assert ordered_representative(kept.read_text()).formula == "Li3OCl"


def test_a_stable_listed_crystal_is_compared_with_what_is_listed(judge: StructureJudge) -> None:
    """Both sides of the comparison are against other compositions, neither cut at 0."""
    row = ask(judge, LI2O)
    assert row["difference"].startswith("as drawn in your CIF 9")
    assert "; the formula alone 971 meV/atom below the hull (from the table)" in row["difference"]
    assert (row["believe"], row["believe_because"]) == ("both", "they agree within the error of the potential")


def test_a_poscar_is_the_same_crystal_as_its_cif(judge: StructureJudge) -> None:
    by_text = judge.judge(StructureRequest(structure=LICL))
    row = ask(judge, cubic(3.9, ("Li", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)))
    differing = {key for key in row if row[key] != by_text[key]}  # type: ignore[literal-required]
    assert differing <= {"warnings", "block", "relaxed_cif"}
    assert {warning["code"] for warning in by_text["warnings"]} - {warning["code"] for warning in row["warnings"]} == {
        "no_space_group"
    }


def test_a_folder_gives_lines_and_relaxed_cells(tmp_path: Path) -> None:
    (tmp_path / "a.cif").write_text(LI3OCL)
    (tmp_path / "b.cif").write_text("garbage")
    (tmp_path / "c.cif").write_text("")
    (tmp_path / "d.cif").symlink_to(tmp_path / "nowhere")
    (tmp_path / "e.cif").mkdir()
    (tmp_path / "a.vasp").write_text(LICL)
    whole = CliRunner().invoke(elyte, ["relax", str(tmp_path), "--output", str(tmp_path / "out")])
    assert whole.exit_code == 1  # some of them cannot be read
    assert "Li3OCl: as drawn in your CIF" in whole.output
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert [row["file"] for row in rows] == ["a.cif", "a.vasp", "b.cif", "c.cif", "d.cif"]
    assert [row["read_as"] for row in rows[:2]] == ["Li3OCl", "LiCl"]
    codes = [row["error"]["code"] for row in rows[2:]]
    assert codes == ["unparseable_structure", "unparseable_structure", "unreadable_row"]
    assert rows[1]["relaxed_file"] == "relaxed/a.vasp.cif"
    assert (tmp_path / "out" / rows[0]["relaxed_file"]).exists()


def test_unusable_calls_are_told(tmp_path: Path) -> None:
    empty = CliRunner().invoke(elyte, ["relax", str(tmp_path)])
    assert empty.exit_code == 2
    assert "no *.cif, *.vasp" in empty.output
    (tmp_path / "a.cif").write_text(LI3OCL)
    absent = CliRunner().invoke(elyte, ["relax", str(tmp_path / "a.cif"), "--potential", "mace"])
    assert absent.exit_code == 2


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_relaxed(tmp_path: Path) -> None:
    given, taken = tmp_path / "a.cif", tmp_path / "taken"
    given.write_text(LI3OCL)
    taken.write_text("mine")
    (tmp_path / "link.cif").symlink_to(given)
    for output, words in (
        (given, "is the file that is read"),
        (tmp_path / "link.cif", "is the file that is read"),
        (tmp_path / "absent" / "x.cif", "there is no folder"),
        (taken, "no folder can be made"),
    ):
        said = CliRunner().invoke(elyte, ["relax", str(given), "--output", str(output)])
        assert (said.exit_code, words in said.output) == (2, True), said.output
    assert (given.read_text(), taken.read_text()) == (LI3OCL, "mine")
