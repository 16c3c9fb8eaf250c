"""Lithium's ways through a CIF as an answer: the same by command line, REST and Python, with its picture."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from made_cifs import argyrodite, cif, group
from made_structures import LICL, entry

from features.structures.pathways import pathways
from serving.cli import elyte
from serving.pathways.answer import answer_pathways
from serving.pathways.picture import MOST_POINTS, picture
from serving.pathways.request import PathwaysRequest
from serving.rest.http_api import create_app

HYDRIDE = cif(sites="Li1 Li 0 0 0 1\nH1 H 0.5 0.5 0.5 1")
TWICE = cif(sites="Li1 Li 0 0 0 1\nCl1 Cl 0 0 0 1")


def posted(body: dict[str, Any]) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app())  # no model is asked
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post("/pathways", json=body)

    return asyncio.run(ask())


def run(folder: Path, *arguments: str, **texts: str) -> tuple[int, str]:
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.cif")
        paths[-1].write_text(text)
    found = CliRunner().invoke(elyte, ["pathways", *map(str, paths), *arguments])
    return found.exit_code, found.stdout


def test_an_argyrodite_is_described_and_said_to_be_no_prediction() -> None:
    document = answer_pathways(PathwaysRequest(cif=argyrodite()))
    assert (document["status"], document["read_as"], document["space_group"]) == ("ok", "Li6PS5Cl", "F -4 3 m")
    way = document["pathway"]
    assert way["dimension"] == 3
    assert way["barrier_3d_eV"] == pytest.approx(pathways(argyrodite()).barriers_eV[2], abs=6e-4)
    assert document["warnings"][-1]["code"] == "picture_only"
    assert "grid" not in document


def test_command_line_and_rest_give_one_document(tmp_path: Path) -> None:
    status, printed = run(tmp_path, "--json", "--grid", salt=cif())
    row = json.loads(printed)["results"][0]
    assert row.pop("id") == "salt.cif"
    response = posted({"cif": cif(), "grid": True})
    assert (status, response.status_code) == (0, 200)
    assert response.json() == row


def test_a_poscar_and_an_optimade_entry_are_described_as_their_cif(tmp_path: Path) -> None:
    listed = cif(group("P 1"), cell=(3.9, 3.9, 3.9, 90, 90, 90))
    way = answer_pathways(PathwaysRequest(cif=listed))["pathway"]
    for document in (LICL, entry(), json.dumps(entry())):
        said = posted({"structure": document}).json()
        assert (said["status"], said["pathway"]) == ("ok", way)
        assert said["warnings"][0]["code"] == "no_space_group"
    (tmp_path / "POSCAR").write_text(LICL)
    shown = CliRunner().invoke(elyte, ["pathways", str(tmp_path / "POSCAR"), "--json"])
    assert json.loads(shown.stdout)["results"][0]["pathway"] == way


def test_a_row_that_fails_leaves_its_neighbours(tmp_path: Path) -> None:
    status, printed = run(tmp_path, "--json", bad=HYDRIDE, good=cif(), broken="no CIF at all", twice=TWICE)
    assert status == 1
    rows = {row["id"]: row for row in json.loads(printed)["results"]}
    assert rows["good.cif"]["status"] == "ok"
    codes = {name: row["error"]["code"] for name, row in rows.items() if row["status"] == "error"}
    assert codes == {
        "bad.cif": "no_bond_valence",
        "broken.cif": "unparseable_structure",
        "twice.cif": "unparseable_cif",
    }
    assert rows["bad.cif"]["read_as"] == "LiH"  # what was read is said all the same


def test_lines_for_people(tmp_path: Path) -> None:
    status, printed = run(tmp_path, salt=argyrodite(), bad=HYDRIDE)
    assert status == 1
    assert "salt.cif: Li6PS5Cl, F -4 3 m" in printed
    assert "not a prediction" in printed
    assert "bad.cif: error no_bond_valence" in printed


def test_unusable_calls(tmp_path: Path) -> None:
    assert run(tmp_path, "--grid", salt=cif())[0] == 2
    assert CliRunner().invoke(elyte, ["pathways"]).exit_code == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cif": cif(), "block": "test"}, 200),
        ({"cif": cif(), "block": "other"}, 200),
        ({}, 400),
        ({"cif": 3}, 400),
        ({"cif": cif(), "grid": "yes"}, 400),
        ({"cif": cif(), "gird": True}, 400),
    ],
)
def test_requests_are_read_strictly(body: dict[str, Any], status: int) -> None:
    response = posted(body)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]["code"] == "invalid_request"
    else:
        assert response.json()["status"] == ("ok" if body["block"] == "test" else "error")


def test_a_crystal_without_lithium_is_said_to_be_one() -> None:
    codes = []
    for symbol in ("Na", "Li"):
        document = answer_pathways(PathwaysRequest(cif=cif(sites=f"A1 {symbol} 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1")))
        codes.append([warning["code"] for warning in document["warnings"]])
    assert "no_lithium" in codes[0]
    assert "no_lithium" not in codes[1]


def test_without_a_way_the_barrier_is_null_and_said() -> None:
    """A wall of cations across one axis."""
    wall = "\n".join(f"Ta{i}{j} Ta {i / 2} {j / 2} 0 1" for i in range(2) for j in range(2))
    text = cif(group("P 1"), f"{wall}\nO1 O 0.25 0.25 0.4 1\nO2 O 0.75 0.75 0.4 1", (3, 3, 9, 90, 90, 90))
    document = answer_pathways(PathwaysRequest(cif=text))
    assert document["status"] == "ok"
    assert document["pathway"]["barrier_3d_eV"] is None
    assert document["pathway"]["dimension"] < 3
    assert "no_path" in {warning["code"] for warning in document["warnings"]}


def test_the_picture_shows_the_energies_of_the_cell() -> None:
    found = pathways(argyrodite())
    shown = picture(found)
    levels = np.frombuffer(base64.b64decode(shown["levels"]), dtype=np.uint8).reshape(shown["shape"])
    assert levels.size <= 1.1 * MOST_POINTS
    assert levels.min() <= 5
    np.testing.assert_allclose(np.array(shown["lattice_A"]), np.eye(3) * 9.857, atol=1e-6)
    assert len(shown["atoms"]) == 48 + 4 + 16 + 4 + 4
    # the cell is centred on its faces, and so is what is drawn
    half = levels.shape[0] // 2
    if levels.shape[0] % 2 == 0:
        np.testing.assert_allclose(levels.astype(float), np.roll(levels, (half, half), (0, 1)).astype(float), atol=2)


def test_the_picture_of_a_primitive_cell_is_its_landscape() -> None:
    text = cif(group("P 1"), "Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1", (4, 4.5, 5, 90, 90, 90))
    found = pathways(text)
    shown = picture(found)
    levels = np.frombuffer(base64.b64decode(shown["levels"]), dtype=np.uint8).reshape(shown["shape"])
    above = found.landscape.energy_eV - found.landscape.energy_eV.min()
    expected = np.clip(np.rint(above / shown["step_eV"]), 0, 255)
    assert levels.shape == expected.shape
    np.testing.assert_allclose(levels.astype(float), expected, atol=1)
    places = {tuple(atom["occupancies"]): atom["place"] for atom in shown["atoms"]}
    assert places == {("Li",): [0.0, 0.0, 0.0], ("Cl",): [0.5, 0.5, 0.5]}
