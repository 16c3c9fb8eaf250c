"""A structure is answered alike by every entrance and in every format: as the CIF in P 1 of the same cell."""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from made_cifs import argyrodite, cif

from elyte import Client, Predictor
from features.crystal_formats.objects import fields_of
from serving.answers.input_tables import read_candidate_records, read_candidates_file
from serving.answers.optimade_answers import MEDIA_TYPE
from serving.cli import elyte

CIFS = {"ordered": cif(), "disordered": argyrodite()}
HEAD = {"id", "index", "block", "warnings"}
"""Keys that name a row and its file; a structure's answer also carries the warning `no_space_group`."""


def structure_of(kind: str) -> Any:
    from pymatgen.core import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Structure.from_str(CIFS[kind], fmt="cif")


def p1_cif_of(structure: Any) -> str:
    from pymatgen.io.cif import CifWriter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(CifWriter(structure, significant_figures=16))


def poscar_of(structure: Any) -> str:
    from pymatgen.io.vasp import Poscar

    text: str = Poscar(structure).get_str(significant_figures=16)
    return text


def assert_same_answer(one: Any, other: Any, path: str = "") -> None:
    """Compare every number of two answers to 1e-9, and every text."""
    if isinstance(one, dict):
        assert one.keys() - HEAD == other.keys() - HEAD, path
        for key in one.keys() - HEAD:
            assert_same_answer(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for i, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same_answer(left, right, f"{path}[{i}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9), path
    else:
        assert one == other, path


def warned(row: Any) -> set[str]:
    return {warning["code"] for warning in row["warnings"]}


@pytest.mark.parametrize("kind", CIFS)
def test_python_answers_every_form_as_the_cif_in_p1(predictor: Predictor, kind: str, tmp_path: Path) -> None:
    structure = structure_of(kind)
    forms: list[Any] = [{"cif": p1_cif_of(structure)}, structure, fields_of(structure)]
    (tmp_path / "structure.json").write_text(json.dumps({"data": fields_of(structure)["structure"]}))
    forms.append(tmp_path / "structure.json")
    if structure.is_ordered:
        (tmp_path / "POSCAR").write_text(poscar_of(structure))
        from pymatgen.io.ase import AseAtomsAdaptor

        forms += [tmp_path / "POSCAR", AseAtomsAdaptor.get_atoms(structure)]
    reference, *rows = predictor.predict_formulas(forms)["results"]
    assert reference["status"] == "ok"
    assert "no_space_group" not in warned(reference)
    for row in rows:
        assert_same_answer(reference, row)
        assert warned(row) == warned(reference) | {"no_space_group"}


def test_a_file_that_cannot_be_read_leaves_its_neighbours_alone(predictor: Predictor, tmp_path: Path) -> None:
    from pymatgen.core import Composition

    rows = predictor.predict_formulas([tmp_path / "none", Composition("Li6PS5Cl"), "Li6PS5Cl"])["results"]
    assert [row["status"] for row in rows] == ["error", "ok", "ok"]
    assert_same_answer(rows[1], rows[2])
    with pytest.raises(TypeError, match="material 1"):
        predictor.predict_formulas(["Li3N", 3])


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_tables_take_structures(predictor: Predictor, ending: str, tmp_path: Path) -> None:
    import pandas as pd

    structure = structure_of("ordered")
    document = fields_of(structure)["structure"]
    texts = [poscar_of(structure), json.dumps(document), p1_cif_of(structure)]
    path = tmp_path / f"candidates.{ending}"
    if ending == "jsonl":
        path.write_text("\n".join(json.dumps({"structure": one}) for one in [*texts[:1], document, texts[2]]))
    else:
        frame = pd.DataFrame({"structure": texts})
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    rows = predictor.answer(read_candidates_file(path).rows)["results"]
    for row in rows:
        assert row["status"] == "ok", row
        assert_same_answer(rows[2], row)


def test_an_object_in_another_column_is_still_refused() -> None:
    row = read_candidate_records([{"formula": {"a": 1}, "structure": None}], "the records").rows[0]
    assert getattr(row, "code", None) == "unreadable_row"


def test_the_command_line_takes_structures_by_content(tmp_path: Path) -> None:
    structure = structure_of("ordered")
    (tmp_path / "a.txt").write_text(poscar_of(structure))
    entry = fields_of(structure)["structure"]
    (tmp_path / "b.json").write_text(json.dumps({"data": [entry, entry | {"id": "other"}]}))
    arguments = ["predict", "--structure", str(tmp_path / "a.txt"), "--cif", str(tmp_path / "b.json")]
    done = CliRunner().invoke(elyte, [*arguments, "--property", "conductivity", "--all-blocks", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["results"]
    assert [row["id"] for row in rows] == ["a.txt", "b.json#structure", "b.json#other"]
    for row in rows[1:]:
        assert_same_answer(rows[0], row)


def ask(app: FastAPI, candidates: list[Any], **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=60) as client:
            body = {"candidates": candidates, "properties": ["conductivity"]}
            return await client.post("/predict", json=body, headers=headers)

    return asyncio.run(send())


def test_rest_and_the_client_take_structures_as_text_and_object(app: FastAPI) -> None:
    structure = structure_of("disordered")
    document = fields_of(structure)["structure"]
    given = [{"cif": p1_cif_of(structure)}, {"structure": document}, {"structure": json.dumps(document)}]
    reference, *rows = ask(app, given).json()["results"]
    for row in rows:
        assert_same_answer(reference, row)

    def forward(request: httpx.Request) -> httpx.Response:
        answer = ask(app, json.loads(request.content)["candidates"])
        return httpx.Response(answer.status_code, content=answer.content, headers={"Content-Type": "application/json"})

    with Client("http://test", transport=httpx.MockTransport(forward)) as client:
        answers = client.predict([structure, {"structure": document}])
        alone = client.predict(structure)
    for row in [*answers.results, *alone.results]:
        assert_same_answer(reference, row)


@pytest.mark.parametrize(
    "structure",
    [
        "",
        " ",
        "[" * 5000,
        {},
        {"data": [[]]},
        {"attributes": {"species_at_sites": ["a"] * 200_000}},
        {"attributes": {"lattice_vectors": [[1e308] * 3] * 3, "species_at_sites": ["a"]}},
        {"attributes": {"lattice_vectors": [[1e-200, 0, 0], [0, 1, 0], [0, 0, 1]], "species_at_sites": ["a"]}},
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}},
    ],
)
def test_a_hostile_structure_is_an_error_of_its_row(app: FastAPI, structure: Any) -> None:
    answer = ask(app, [{"structure": structure}, {"formula": "Li3N"}])
    assert answer.status_code == 200, answer.text
    rows = answer.json()["results"]
    assert [row["status"] for row in rows] == ["error", "ok"]
    assert rows[0]["error"]["code"] in ("unparseable_structure", "structure_too_large")
    assert len(rows[0]["error"]["message"]) < 400


def test_answers_as_optimade_are_valid_for_its_own_models(app: FastAPI) -> None:
    from optimade.models import StructureResponseMany

    formulas = ["Li6PS5Cl", "Li6.5La3Zr1.5Ta0.5O12", "no formula", "PEO20-LiTFSI", "Li0.333333La0.55O3"]
    candidates = [{"id": "mine", "formula": formula} for formula in formulas]
    candidates.append({"structure": fields_of(structure_of("disordered"))["structure"]})
    answer = ask(app, candidates, Accept=MEDIA_TYPE)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["meta"]["data_returned"] == len(candidates)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that `_elyte_` fields are not declared to the package
        document = StructureResponseMany.model_validate(answer.json())
    data = answer.json()["data"]
    assert [entry.id for entry in document.data] == [str(i) for i in range(len(candidates))]
    plain = ask(app, candidates).json()
    for entry, row in zip(data, plain["results"], strict=True):
        own = entry["attributes"]
        assert own["_elyte_status"] == row["status"]
        assert own["_elyte_warnings"] == row["warnings"]
        assert own.get("_elyte_conductivity") == row.get("conductivity")
    assert answer.json()["meta"]["_elyte_models"] == plain["models"]
    assert data[0]["attributes"]["chemical_formula_reduced"] == "ClLi6PS5"
    assert data[0]["attributes"]["chemical_formula_anonymous"] == "A6B5CD"
    assert data[1]["attributes"]["chemical_formula_reduced"] == "La6Li13O24TaZr3"
    assert data[2]["attributes"]["elements"] is None
    assert data[2]["attributes"]["_elyte_error"]["code"] == "unparseable_formula"


def test_json_stays_what_is_answered_unless_optimade_is_asked_for(app: FastAPI) -> None:
    for accept, media_type in (
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/vnd.api+json;q=0.9, application/json;q=0.5", MEDIA_TYPE),
        ("application/json, application/vnd.api+json", "application/json"),
    ):
        assert ask(app, [{"formula": "Li3N"}], Accept=accept).headers["content-type"] == media_type
