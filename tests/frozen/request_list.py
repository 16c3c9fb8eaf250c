"""The requests, by area: every id begins with its area, so `pytest -k rank/` asks one area alone.

Order counts in one place: what writes into the service's ledger comes last.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
CASES = TESTS / "reading_cases"
JSON, CSV = "application/json", "text/csv"
KEYED = (("X-API-Key", "<key>"),)

Content = str | bytes | dict[str, list[Any]]


@dataclass(frozen=True)
class Call:
    """One HTTP request."""

    id: str
    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def area(self) -> str:
        """The beginning of the id."""
        return self.id.partition("/")[0]


@dataclass(frozen=True)
class Command:
    """Commands in a folder of their own, and which files of it belong to the answer."""

    id: str
    steps: tuple[list[str], ...]
    files: tuple[tuple[str, Content], ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        """The beginning of the id."""
        return self.id.partition("/")[0]


Request = Call | Command


def slug(text: str) -> str:
    """Return a text as it may stand in an id."""
    short = re.sub(r"[^A-Za-z0-9.=+-]+", "_", text).strip("_")[:60]
    return short or "blank"


def post(id: str, path: str, document: Any = None, *, raw: bytes | str | None = None, **headers: str) -> Call:
    """Post JSON, or a text as it stands."""
    text = json.dumps(document, ensure_ascii=False) if raw is None else raw
    body = text if isinstance(text, bytes) else text.encode()
    named = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(id, "POST", path, body, tuple(named.items()))


def predict(id: str, *rows: str | dict[str, Any], **more: Any) -> Call:
    """Ask for predictions of formulas or candidates."""
    candidates = [{"formula": row} if isinstance(row, str) else row for row in rows]
    return post(id, "/predict", {"candidates": candidates, **more})


def elyte(id: str, line: str | Sequence[str], files: dict[str, Content] | None = None, *outputs: str) -> Command:
    """Run one command; a text is cut at blanks."""
    words = line.split() if isinstance(line, str) else list(line)
    return Command(id, (words,), tuple((files or {}).items()), outputs)


def case(name: str) -> str:
    """Return a CIF of the reading cases."""
    return (CASES / name).read_text(encoding="utf-8")


CIFS = sorted(path.name for path in CASES.glob("*.cif"))
READING = [row["case"] for row in csv.DictReader((CASES / "expected.csv").open(encoding="utf-8", newline=""))]

GOLDEN = (
    "Li1.3Al0.3Ti1.7(PO4)3 Li6PS5Cl Li7P3S11 Li3InCl6 Li3PS4 Li10GeP2S12 Li2ZrCl6 Li6PS5Br "
    "Li1.4Al0.4Ti1.6(PO4)3 Li3YCl6 Li3.335Sn0.33P0.67S4 Li6.4La3Zr1.4Ta0.6O12 Li6.5La3Zr1.5Ta0.5O12 "
    "Li6.6La3Zr1.6Ta0.4O12 Li6BaLa2Ta2O12 Li1.2Ti1.8Al0.2(PO4)3 Li1.2Ti1.8Sc0.2(PO4)3 Li1.3Sc0.3Ti1.7(PO4)3 "
    "Li2Sc0.6667Cl4 Li5La3Nb2O12 LiTa2PO8 "
)
SULFIDES = (
    "Li6PS5Cl Li6PS5Br Li6PS5I Li5.5PS4.5Cl1.5 Li6PS5Cl0.5Br0.5 Li6.6P0.4Ge0.6S5I Li10GeP2S12 Li10SnP2S12 "
    "Li9.54Si1.74P1.44S11.7Cl0.3 Li3PS4 Li7P3S11 Li4SnS4 Li3SbS4 Li2S P2S5 75Li2S-25P2S5 Li4GeS4 Li6PSe5Cl Li7P2S8I "
    "Li9.6P3S12 Li2SiS3 LiInS2 Li7PS6 Li3BS3"
)
OXIDES = (
    "Li7La3Zr2O12 Li6.5La3Zr1.5Ta0.5O12 Li6.25Al0.25La3Zr2O12 Li6.4Ga0.2La3Zr2O12 Li1.3Al0.3Ti1.7(PO4)3 "
    "Li1.5Al0.5Ge1.5(PO4)3 LiTi2(PO4)3 LiZr2(PO4)3 Li0.33La0.557TiO3 Li0.33La0.5566667TiO3 Li0.33La0.56TiO3 Li3PO4 "
    "Li4SiO4 Li14ZnGe4O16 Li2O Li2CO3 LiNbO3 LiTaO3 LiAlO2 Li2ZrO3 Li5La3Ta2O12 Li3BO3 Li2SO4 LiClO4 Li2O2 Li2MoO4 "
    "LiCoO2 LiFePO4 LiNi0.8Mn0.1Co0.1O2 Li4Ti5O12"
)
HALIDES = (
    "Li3YCl6 Li3InCl6 Li2ZrCl6 Li3YBr6 Li3ErCl6 Li3ScCl6 Li2.5Y0.5Zr0.5Cl6 Li3Y0.5In0.5Cl6 LiCl LiF LiI LiAlCl4 "
    "LiTaOCl4 LiNbOCl4 Li3HoBr6 Li2MgCl4 LiAlF4 Li2ZrF6"
)
OTHERS = (
    "Li3N Li2NH LiBH4 LiAlH4 Li3OCl Li2OHCl Li3P Li LiH LiBF4 LiPF6 Li3AlN2 LiCB11H12 Li2B12H12 Li2.9PO3.3N0.46 "
    "LiZnPS4 "
    "Li3AcCl6 LiH2PO4 LiC6 Li15Si4"
)
WITHOUT_LITHIUM = "Na3PS4 Na3Zr2Si2PO12 UO2 BaTiO3 SiO2 NaCl H2O ZrO2 Ag8GeS6 C"
WITHOUT_ENERGIES = "Li2XeO4 Li2PoO3 Li3RaCl5 LiAmO2 LiHe"
SPELLED = (
    "Li₇La₃Zr₂O₁₂",
    "Li<sub>6</sub>PS<sub>5</sub>Cl",
    "Li$_6$PS$_5$Cl",
    "Li6 P S5 Cl",
    "  Li3N  ",
    "LiOH·H2O",
    "LiOH.H2O",
    "CaSO4.2H2O",
    "75Li2S:25P2S5",
    "1.6Li2O-TaCl5",
    "95(0.6Li2S-0.4SiS2)-5Li4SiO4",
    "Al2O3 · 2SiO2",
    "Li3PS4-LiI",
    "6Li3PS4",
    "⁶Li3PS4",
    "LiBD4",
    "Li2S(s)",
    "β-Li3PS4",
    "PO4^3-",
    "{Li6}[PS5]Cl",
    "Li20.0P2",
    "ClPLi6S5",
    "2Li3N",
    "LiNO3",
    "Li{6}PS5Cl",
    "Li6PS5Cl2",
    "NaN",
    "No",
    "INF",
)
NAMES = (
    "LLZO",
    "name:LLZO",
    "name:LLZTO",
    "name:LPSCl",
    "name:LATP",
    "name:NMC811",
    "name:LiPON",
    "name:unknown thing",
    "NMC811",
    "LiFSI",
    "LGPS",
    "NASICON",
    "PVC",
    "name:LNO",
    "name:NMC",
    "name:lithium",
    "name:graphite",
    "LiBOB",
    "name:",
    "NCA",
)
REFUSED = (
    "",
    "   ",
    "''",
    "Li7-3xAlxLa3Zr2O12",
    "Li1,3Al0,3Ti1,7(PO4)3",
    "li6ps5cl",
    "PF6-",
    "Li3(PO4",
    "Li3PO4)",
    "Li2S-P2S5 (75:25)",
    "Xx2O3",
    "LiBT4",
    "LI6PS5CL",
    "Li0La3",
    "Li-1O2",
    "Li99999999O",
    "Li0.00000001O",
    "Li4Ti5012",
    "Li6PS5CI",
    "LiCOO2",
    "LiNbOO3",
    "Li7P3S11(HP)",
    "LiCoO2.1",
    "Li6PS5Cl Li3YCl6",
    "Fe(II)O",
    "Li3PS4·2THF",
    "Li6PS5Cl-PEO",
    "hello world",
    "123",
    "Li3PO4; DROP TABLE",
    "=1+1",
    "Li" * 151,
    "Li\tN",
    "Li3N\x07",
    "H1Li1Be1B1C1N1O1F1Na1Mg1Al1Si1P1S1Cl1K1Ca1Sc1Ti1V1Cr1Mn1",
    "-",
    "NA",
    "TRUE",
    "#REF!",
    "Li₂S–P₂S₅",
    "Li3PS4*",
    "Li3Ps4",
    "Lí3N",
    "Li1e3O",
    "Li3N?",
    "Li1/2O",
    "(Li3N",
    "()",
    "Li()2O",
)
FULL = {
    "temperature_C": 60.0,
    "stack_pressure_MPa": 5.0,
    "interlayer_type": "fluoride/halide",
    "anode": "Li",
    "areal_capacity_mAh_cm2": 1.0,
    "relative_density": 0.95,
    "thickness_um": 500.0,
    "interfacial_resistance_ohm_cm2": 20.0,
    "sigma_S_per_cm": 1e-3,
    "electrolyte_class": "argyrodite",
}
CONDITION_VALUES: dict[str, tuple[Any, ...]] = {
    "temperature_C": (
        -200,
        -60,
        0,
        25,
        80,
        120,
        181,
        251,
        298,
        333.15,
        900,
        1500,
        1501,
        -273.15,
        -300,
        "25",
        True,
        [25],
    ),
    "stack_pressure_MPa": (0.1, 5, 100, 2000, 0, -1, 2001, "5"),
    "interlayer_type": (
        "none",
        "oxide",
        "fluoride/halide",
        "MIEC/3D",
        "liquid wetting",
        "flouride",
        "LiF",
        "None",
        "",
        5,
    ),
    "anode": (
        "Li",
        "lithium",
        "anode-free",
        "Li alloy or composite",
        "molten Li",
        "In-Li",
        "graphite",
        "LTO",
        "Na",
        "stone",
    ),
    "areal_capacity_mAh_cm2": (0.5, 3, 0, 101),
    "relative_density": (0.3, 0.8, 1, 95, 0),
    "thickness_um": (30, 1000, 0, 30000),
    "interfacial_resistance_ohm_cm2": (0, 1, 1000, -1, 1e8),
    "sigma_S_per_cm": (1e-5, 1e-2, 0, 101, 5),
    "electrolyte_class": ("garnet", "argyrodite", "polymer", "composite", "unspecified", "glass", "LiPON"),
}
TABLE = [
    ("a", "Li6PS5Cl"),
    ("b", "Li3YCl6"),
    ("c", "Li6.5La3Zr1.5Ta0.5O12"),
    ("d", "Li10GeP2S12"),
    ("f", "Li1.3Al0.3Ti1.7(PO4)3"),
    ("g", "Li3InCl6"),
    ("h", "Li2ZrCl6"),
    ("i", "LiTaOCl4"),
    ("k", "UO2"),
    ("l", "Li3P04"),
    ("m", "Li2XeO4"),
    ("n", "Li3N"),
]
ROWS = [{"id": name, "formula": formula} for name, formula in TABLE]
GOOD_ROWS = [row for row in ROWS if row["id"] not in "klm"]
CANDIDATES_CSV = "id,formula\n" + "".join(f"{name},{formula}\n" for name, formula in TABLE)
CONDITIONS_CSV = (
    "id,formula,temperature_C,interlayer_type,relative_density,remark\n"
    "a,Li6PS5Cl,60,none,,x\nb,Li3YCl6,,oxide,0.9,\nc,Li3N,hot,,,\nd,LLZO,25,flouride,,\ne,,25,,,\nf,Li7La3Zr2O12,298,,95,\n"
    "g,NaN,NA,-,,\nh,Li3PS4,#REF!,,,\n"
)


def formulas() -> Iterable[Request]:
    """Every chemistry, one a request."""
    groups = {"sulfide": SULFIDES, "oxide": OXIDES, "halide": HALIDES, "other": OTHERS, "no-lithium": WITHOUT_LITHIUM}
    for name, texts in (groups | {"no-energies": WITHOUT_ENERGIES}).items():
        for formula in texts.split():
            yield predict(f"predict/{name}/{slug(formula)}", formula)
    for group, texts in (("spelled", SPELLED), ("name", NAMES), ("refused", REFUSED), ("reading", READING)):
        for number, formula in enumerate(texts):
            if not formula.endswith(".cif") and " row " not in formula:
                yield predict(f"predict/{group}/{number}-{slug(formula)}", formula)
    materials = GOLDEN.split()
    for coverage in (0.5, 0.9, 0.99):
        yield predict(f"golden/coverage-{coverage}", *materials, coverage=coverage)
    for degrees in (-20, 60, 100):
        yield predict(f"golden/at-{degrees}", *materials, conditions={"temperature_C": degrees})


def parts_of_predict() -> Iterable[Request]:
    """Properties, coverages, explanations, mixed lists."""
    for chosen in (
        ["conductivity"],
        ["stability"],
        ["ccd"],
        ["conductivity", "stability"],
        ["conductivity", "ccd"],
        ["stability", "ccd"],
        ["ccd", "stability", "conductivity"],
        ["ccd", "ccd"],
        [],
        ["hardness"],
        "conductivity-ccd",
        ["Conductivity"],
        None,
    ):
        name = slug(json.dumps(chosen))
        yield predict(f"predict/properties/{name}", "Li6PS5Cl", "Li2XeO4", "UO2", "Li3P04", properties=chosen)
    for coverage in (0.5, 0.51, 0.6827, 0.8, 0.95, 0.97, 0.98, 0.99, 0.4, 0.995, 1, "0.9", None, True):
        yield predict(f"predict/coverage/{coverage}", "Li6PS5Cl", "Li3YCl6", "Li7La3Zr2O12", coverage=coverage)
    for formula in (
        "Li6PS5Cl",
        "Li3YCl6",
        "Li7La3Zr2O12",
        "UO2",
        "Li3P04",
        "Li3N",
        "LiFePO4",
        "Li2XeO4",
        "Li10GeP2S12",
    ):
        yield predict(f"explain/{slug(formula)}", formula, explain=True)
    yield predict("explain/at-100", "Li6PS5Cl", explain=True, conditions={"temperature_C": 100})
    yield predict("explain/not-of-stability", "Li6PS5Cl", explain=True, properties=["stability"])
    yield predict("explain/conductivity-alone", "Li6PS5Cl", explain=True, properties=["conductivity"], coverage=0.5)
    yield predict("explain/no-truth-value", "Li6PS5Cl", explain="yes")
    yield predict("explain/formula-beside-cif", "Li6PS5Cl", {"cif": ARGYRODITE}, {"cif": "data_x"}, explain=True)
    yield predict("predict/mixed/all-kinds", *ROWS, {"cif": case("c23_lgps_plain.cif")}, {"cif": "no"}, {"id": "z"})
    yield predict("predict/mixed/one-property-fails", "Li2XeO4", "Li6PS5Cl", properties=["conductivity"])
    yield predict(
        "predict/mixed/both", {"formula": "Li3N", "cif": case("a08_li3n_33.cif")}, {"formula": "Li3N", "block": "x"}
    )
    yield predict("predict/mixed/same-material-often", *["Li6PS5Cl"] * 4, "2Li6PS5Cl", "ClPLi6S5")
    yield predict("predict/mixed/long-id", {"id": "x" * 200, "formula": "Li3N"}, {"id": "", "formula": "Li2O"})
    own = [{"formula": "Li6PS5Cl", "conditions": {"temperature_C": t}} for t in (0, 60)]
    yield predict("predict/mixed/own-conditions-win", *own, "Li6PS5Cl", conditions={"temperature_C": 100})
    series = [f"Li{6 - i / 600:.4f}PS{5 - i / 600:.4f}Cl{1 + i / 600:.4f}" for i in range(530)]
    series[100], series[511], series[512] = "Li3P04", "Xx2", "UO2"
    yield predict("predict/long/530-rows-conductivity", *series, properties=["conductivity"])
    halves = [*series[:8], *series[505:520]]
    yield predict("predict/long/same-rows-in-a-short-list", *halves, properties=["conductivity"])
    rows = [{"id": str(i), "formula": series[i]} for i in range(90)]
    yield predict("predict/long/90-rows-everything", *rows)
    yield post("predict/accept/csv", "/predict", {"candidates": ROWS}, Accept=CSV)


def conditions() -> Iterable[Request]:
    """Every condition, in and out of its range, alone and together."""
    for name, values in CONDITION_VALUES.items():
        for number, value in enumerate(values):
            given = {"formula": "Li6PS5Cl", "conditions": {name: value}}
            yield predict(f"conditions/{name}/{number}-{slug(json.dumps(value))}", given)
    for formula in ("Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "UO2", "LiBH4", "Li2XeO4"):
        yield predict(f"conditions/all/{slug(formula)}", formula, conditions=FULL)
        yield predict(f"conditions/ccd-alone/{slug(formula)}", formula, conditions=FULL, properties=["ccd"])
    for degrees in (110, 120, 298.15):
        yield predict(f"conditions/phase-change/{degrees}", "LiBH4", "Li7P3S11", conditions={"temperature_C": degrees})
    yield predict("conditions/unknown-key", "Li6PS5Cl", conditions={"temperature": 25})
    yield predict("conditions/unknown-key-of-a-row", {"formula": "Li3N", "conditions": {"temprature_C": 25}})
    yield predict("conditions/null", {"formula": "Li3N", "conditions": {"temperature_C": None}}, conditions={})
    yield predict("conditions/word-of-the-request", "Li6PS5Cl", "Li3N", conditions={"interlayer_type": "flouride"})
    yield predict(
        "conditions/word-not-for-conductivity", "Li6PS5Cl", conditions={"anode": "x"}, properties=["conductivity"]
    )


ARGYRODITE = """data_arg
_cell_length_a 9.857
_cell_length_b 9.857
_cell_length_c 9.857
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F -4 3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.3071 0.0251 0.6929 0.5
P1 P 0 0 0.5 1
S1 S 0.11957 -0.11957 0.61957 1
S2 S 0.25 0.25 0.75 1
Cl1 Cl 0 0 0 1
"""


def cifs() -> Iterable[Request]:
    """Structures: those that were once misread, blocks, refusals."""
    for name in CIFS:
        yield predict(f"cif/{name}", {"id": name, "cif": case(name)})
    yield predict("cif/every-one-explained", *({"cif": case(name)} for name in CIFS), explain=True, coverage=0.8)
    for block in ("arg", "Si_standard", "nothing", ""):
        row = {"cif": case("a12_si_first.cif"), "block": block}
        yield predict(f"cif/block-{block or 'blank'}", row)
    changes = {
        "plain": ("", ""),
        "no-cell": ("_cell_length_a 9.857\n", ""),
        "bad-occupancy": ("0.6929 0.5", "0.6929 50%"),
        "no-coordinate": ("0.3071", "?"),
        "clipped": ("0 0 0.5 1", "0 0 0.5 1.03(2)"),
        "dummy": ("Cl1 Cl", "Du1 Du"),
        "unknown-group": ("F -4 3 m", "F 9 9 9"),
        "unknown-element": ("Cl1 Cl", "Cl1 Xx"),
        "tiny-cell": ("9.857", "3.857"),
        "deuterium": ("Cl1 Cl", "D1 D"),
        "uncertain": ("9.857", "9.857(3)"),
        "wrong-angle": ("alpha 90", "alpha 0"),
        "formula-says-otherwise": ("data_arg\n", "data_arg\n_chemical_formula_sum 'Li6 P S5 Br'\n"),
        "unlike-group": ("F -4 3 m", "P 1"),
        "windows-line-ends": ("\n", "\r\n"),
        "no-energies": ("Cl1 Cl", "Xe1 Xe"),
        "no-lithium": ("Li1 Li", "Na1 Na"),
        "unclosed-text": ("data_arg\n", "data_arg\n;never closed\n"),
    }
    for name, (old, new) in changes.items():
        yield predict(f"cif/changed/{name}", {"cif": ARGYRODITE.replace(old, new) if old else ARGYRODITE})
    for name, text in {
        "blank": "",
        "words": "hello",
        "too-large": "#" * 1_000_001,
        "loop": "data_a\nloop_\n_x\n",
    }.items():
        yield predict(f"cif/refused/{name}", {"cif": text})


def csv_route() -> Iterable[Request]:
    """A table in, JSON or a table out."""

    def table(id: str, text: str | bytes, query: str = "", **headers: str) -> Call:
        return post(f"csv/{id}", f"/predict/csv{query}", raw=text, **({"Content_Type": CSV} | headers))

    for name, text in (("plain", CANDIDATES_CSV), ("conditions", CONDITIONS_CSV)):
        yield table(f"{name}-to-json", text)
        yield table(f"{name}-to-csv", text, Accept=CSV)
        for chosen in ("conductivity", "stability", "ccd"):
            yield table(f"{name}-{chosen}", text, f"?property={chosen}&coverage=0.8", Accept=CSV)
        yield table(f"{name}-explain", text, "?explain=true&temperature_C=60&interlayer_type=none", Accept=CSV)
    two = "id,formula\na,Li6PS5Cl\nb,Li3YCl6\n"
    texts: dict[str, str | bytes] = {
        "byte-order-mark": "﻿" + two,
        "utf-16": two.encode("utf-16"),
        "semicolons": two.replace(",", ";"),
        "tabs": two.replace(",", "\t"),
        "sep-line": "sep=,\n" + two,
        "windows": two.replace("\n", "\r\n"),
        "blank": "",
        "header-alone": "id,formula\n",
        "no-material": "id,sigma\na,1\n",
        "twice": "formula,formula\nLi3N,Li2O\n",
        "close-name": "formulae\nLi3N\n",
        "close-condition": "formula,temperature\nLi3N,25\n",
        "unclosed": 'formula\n"Li3N\n',
        "quote-inside": 'id,formula\na,Li"3N\nb,Li2O\n',
        "decimal-comma": "formula,temperature_C\nLi3N,25,5\nLi2O,25\n",
        "code-page": (CASES / "cp1252.csv").read_bytes(),
        "formula-of-a-spreadsheet": "id,formula\n=1+1,Li3N\n-1,@x\n+a,Li2O\n",
        "cif-cell": 'id,cif\na,"' + ARGYRODITE + '"\nb,\n',
        "cif-block": 'cif,block\n"' + case("a12_si_first.cif") + '",arg\n',
        "empty-rows": two + ",\n,\n",
        "workbook": b"PK\x03\x04" + bytes(40),
        "ignored": "formula,note,x\nLi3N,a,b\n",
        "nul": "formula\nLi3N\x00\n",
        "words-for-nothing": "formula\nNaN\nNo\nNA\nNone\n-\nTRUE\n#N/A\nNa\n",
    }
    for name, text in texts.items():
        yield table(f"text/{name}", text, "?property=conductivity", Accept=CSV)
        yield table(f"text-json/{name}", text, "?property=conductivity&property=ccd")
    for query in (
        "?temperature=25",
        "?coverage=2",
        "?property=x",
        "?coverage=0.8&coverage=0.9",
        "?explain=maybe",
        "?temperature_C=abc",
        "?interlayer_type=flouride",
        "?stack_pressure_MPa=0",
        "?x=1",
    ):
        yield table(f"query/{slug(query)}", two, query)
    yield table("accept/neither", two, Accept="image/png")
    yield table("accept/weights", two, Accept="text/csv;q=0.5, application/json;q=0.9")
    yield table("accept/any", two, Accept="*/*")
    yield table("type/json", two, Content_Type=JSON)
    yield table("type/plain", two, Content_Type="text/plain")


def nearest() -> Iterable[Request]:
    """Nearest known materials."""
    near = "/nearest"
    for formula in (
        "Li6PS5Cl0.9Br0.1",
        "Li3YCl6",
        "Li7La3Zr2O12",
        "UO2",
        "Li3P04",
        "Li2XeO4",
        "Li3N",
        "LLZO",
        "LiFePO4",
    ):
        yield post(f"nearest/{slug(formula)}", near, {"candidates": [{"formula": formula}]})
    for name in ("conductivity", "stability", "ccd"):
        for count in (1, 3, 50):
            asked = {"candidates": ROWS, "properties": [name], "count": count}
            yield post(f"nearest/{name}-{count}", near, asked)
    cell = {"candidates": [{"formula": "Li6PS5Cl", "conditions": {"interlayer_type": "oxide"}}, {"formula": "Li3N"}]}
    yield post("nearest/conditions", near, cell | {"conditions": FULL, "properties": ["ccd"]})
    yield post("nearest/cif", near, {"candidates": [{"cif": ARGYRODITE}, {"cif": "x"}, {}]})
    more = {"count": (0, 51, 2.0, 2.5, "3"), "properties": ([], ["x"], ["ccd", "ccd"]), "coverage": (0.9,)}
    for key, values in more.items():
        for value in values:
            yield post(f"nearest/refused/{key}-{slug(json.dumps(value))}", near, {"candidates": ROWS[:1], key: value})
    yield post("nearest/refused/none", near, {"candidates": []})
    yield post("nearest/refused/1001", near, {"candidates": [{"formula": "Li3N"}] * 1001})


def interfaces() -> Iterable[Request]:
    """Reactions with what is touched."""
    partners = (
        "lithium",
        "graphite",
        "Li-In",
        "NMC811",
        "LFP",
        "LCO",
        "LNO",
        "NMC",
        "cathodes",
        "coatings",
        "water",
        "all",
        "LiNbO3",
        "Li3PO4",
        "LLZO",
        "hard carbon",
        "Li-Mg",
        "LTO",
        "Xx",
        "H2O",
        "Li6PS5Cl",
        "XeO3",
        "Na",
    )
    for name in partners:
        yield post(f"interface/against-{slug(name)}", "/interface", {"formula": "Li6PS5Cl", "against": [name]})
    for formula in (
        "Li3YCl6",
        "Li7La3Zr2O12",
        "Li10GeP2S12",
        "UO2",
        "Li3P04",
        "Li2XeO4",
        "LLZO",
        "name:LLZTO",
        "Li₃N",
        "Li3InCl6",
    ):
        yield post(f"interface/of-{slug(formula)}", "/interface", {"formula": formula})
    for voltage in (0, 2.5, 4.3, 10, 10.1, -1, "4.2"):
        asked = {"formula": "Li6PS5Cl", "against": ["lithium", "NMC811", "LiNbO3"], "voltage_V": voltage}
        yield post(f"interface/voltage-{voltage}", "/interface", asked)
    for key, value in {"against": [], "formula": 5, "voltage": 4.3, "cif": "x"}.items():
        yield post(f"interface/refused/{key}", "/interface", {"formula": "Li6PS5Cl", key: value})
    yield post("interface/refused/no-formula", "/interface", {"against": ["all"]})
    yield post("interface/refused/51-partners", "/interface", {"formula": "Li3N", "against": ["Li2O"] * 51})


def grids() -> Iterable[Request]:
    """Critical current densities over conditions."""
    axes = {"temperatures_C": [25, 60], "interlayer_types": ["none", "fluoride/halide"], "stack_pressures_MPa": [1, 10]}
    for formula in ("Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "UO2", "Li3P04", "LLZO", "Li2XeO4"):
        yield post(f"grid/{slug(formula)}", "/ccd/grid", {"formula": formula, **axes})
    for name, more_of_it in {
        "nothing": {},
        "temperatures": {"temperatures_C": [-60, 0, 100, 180, 181, 300, 900]},
        "coverage": axes | {"coverage": 0.5},
        "conditions": axes | {"conditions": FULL},
        "unknown-word": {"interlayer_types": ["none", "flouride"]},
        "anode": {"conditions": {"anode": "molten Li"}},
        "class": {"conditions": {"electrolyte_class": "glass"}},
        "too-many": {"temperatures_C": list(range(100)), "stack_pressures_MPa": list(range(1, 22))},
        "too-long": {"temperatures_C": list(range(201))},
        "empty": {"temperatures_C": []},
        "bad": {"temperatures_C": ["hot"]},
        "unknown-key": {"temperature_C": [25]},
        "bad-pressure": {"stack_pressures_MPa": [0]},
    }.items():
        yield post(f"grid/{name}", "/ccd/grid", {"formula": "Li6PS5Cl", **more_of_it})


OBJECTIVES = (
    "sigma>=1e-3@25",
    "sigma>=1 mS/cm@60",
    "log10_sigma>=-3",
    "ea<=0.3",
    "ea<=300 meV",
    "hull<=0.05",
    "hull<=25 meV",
    "stable>=0.5",
    "reduction<=1",
    "oxidation>=2.5",
    "window>=1",
    "interphase>=protective",
    "interphase>=2",
    "window against NMC811",
    "window against Li metal",
    "window against LFP",
    "ccd>=1@25,interlayer=oxide",
    "ccd>=1@25",
    "moisture>=0",
    "h2s<=1",
    "cost<=50",
    "supply<=3000",
    "density<=3",
    "minimise cost",
    "maximise sigma",
    "maximise ccd",
    "minimise density",
    "maximise oxidation",
    "sigma>=1e-3@25,weight=2",
)
BAD_OBJECTIVES = (
    "speed>=1",
    "sigma",
    "sigma>=",
    "sigma>=-1",
    "sigma>=1e-3@hot",
    "hull<=1 V",
    "window against stone",
    "window against LNO",
    "sigme>=1",
    "minimise",
    "sigma>=1e-3@25,layer=x",
    "interphase>=great",
    "sigma>=1e-3@5000",
    "ccd>=1@25,interlayer=flouride",
    "",
    "sigma=1",
)


def rank(id: str, *objectives: Any, rows: list[dict[str, Any]] | None = None, **more: Any) -> Call:
    """Rank the candidates of the table, or others."""
    chosen = {"objectives": list(objectives)} if objectives else {}
    return post(f"rank/{id}", "/rank", {"candidates": ROWS if rows is None else rows, **chosen, **more})


def ranking() -> Iterable[Request]:
    """Objectives, presets, constraints, orders, batches."""

    for text in OBJECTIVES:
        yield rank(f"objective/{slug(text)}", text)
    for number, text in enumerate(BAD_OBJECTIVES):
        yield rank(f"bad-objective/{number}-{slug(text)}", text, rows=ROWS[:2])
    for pair in (
        ("reduction<=1", "reduction>=2"),
        ("maximise sigma", "minimise sigma"),
        ("sigma>=1e-3@25", "sigma<=1e-4@60"),
        ("oxidation<=1", "reduction>=2"),
        ("sigma>=1", "hull<=0"),
        ("hull<=0.05", "hull<=0.02"),
    ):
        yield rank(f"together/{slug('-'.join(pair))}", *pair)
    many = ("sigma>=1e-3@25", "hull<=0.05", "window against NMC811", "minimise cost")
    for order in ("success", "front", "utility", "ucb", "x"):
        yield rank(f"order/{order}", *many, order=order)
        yield rank(f"order/{order}-directions", "maximise sigma", "minimise cost", order=order)
    for method in ("ehvi", "success", "ucb", "thompson", "greedy"):
        yield rank(f"batch/{method}", *many[:3], batch={"size": 3, "method": method})
        for explore in (0, 1):
            yield rank(f"batch/{method}-{explore}", *many[:2], batch={"size": 2, "method": method, "explore": explore})
    yield rank("batch/known", *many, batch={"size": 2, "known": ["Li6PS5Cl", "Li3InCl6"]})
    yield rank("batch/known-unreadable", *many, batch={"size": 2, "known": ["Li3P04"]})
    yield rank("batch/more-than-there-are", "sigma>=1e-3", batch={"size": 50})
    yield rank("batch/five-quantities", *many, "maximise ccd", "minimise density", batch={"size": 2})
    for size in (0, 101, "3"):
        yield rank(f"batch/size-{size}", "sigma>=1e-3", batch={"size": size})


def ranking_choices() -> Iterable[Request]:
    """Presets, constraints, objectives in parts, rows and conditions."""
    many = ("sigma>=1e-3@25", "hull<=0.05", "window against NMC811", "minimise cost")
    for preset in ("first-screen", "nmc-cell", "li-metal", "x"):
        yield rank(f"preset/{preset}", preset=preset)
        yield rank(f"preset/{preset}-own", "sigma>=1e-4@60", preset=preset, constraints={"avoid": ["Ge"]})
    yield rank("preset/none")
    for name, limits in {
        "avoid": {"avoid": ["Cl", "Ge"]},
        "require": {"require": ["O"]},
        "max-elements": {"max_elements": 3},
        "balanced": {"charge_balanced": True},
        "in-domain": {"in_domain": True},
        "both": {"avoid": ["Li"], "require": ["Li"]},
        "no-element": {"avoid": ["Xx"]},
        "nobody-left": {"require": ["Au"]},
        "unknown": {"without": ["Cl"]},
    }.items():
        yield rank(f"constraints/{name}", *many[:2], constraints=limits)
    parts: dict[str, dict[str, Any]] = {
        "sigma": {"quantity": "sigma", "at_least": 1e-3, "conditions": {"temperature_C": 60}},
        "window": {"quantity": "window", "against": "LFP"},
        "cost": {"quantity": "cost", "direction": "minimize", "weight": 2},
        "nothing-given": {"quantity": "sigma"},
        "two-given": {"quantity": "sigma", "at_least": 1, "direction": "maximise"},
        "bad-quantity": {"quantity": "x", "at_least": 1},
        "negative": {"quantity": "sigma", "at_least": -1},
        "log": {"quantity": "log10_sigma", "at_least": -4},
        "word": {"quantity": "ccd", "at_least": 1, "conditions": {"interlayer_type": "flouride"}},
    }
    for name, one in parts.items():
        yield rank(f"parts/{name}", one)
    mixed = [
        *ROWS,
        {"id": "q", "cif": ARGYRODITE},
        {"id": "r", "cif": "no"},
        {"formula": "Li7La3Zr2O12"},
        {"formula": "2Li3N"},
    ]
    yield rank("mixed-rows", *many, "ccd>=1@25", "density<=3", rows=mixed)
    yield rank(
        "own-conditions", "sigma>=1e-3", "ccd>=1", rows=[r | {"conditions": {"temperature_C": 60}} for r in GOOD_ROWS]
    )
    yield rank(
        "conditions-of-all", "sigma>=1e-3", "ccd>=1", conditions={"temperature_C": 60, "interlayer_type": "oxide"}
    )
    yield rank("kelvin", "ccd>=1", conditions={"temperature_C": 298})
    yield rank("coverage", *many, coverage=0.5)
    for top in (1, 3, 0, 2.5):
        yield rank(f"top-{top}", *many[:2], top=top)
    yield rank("nobody", "sigma>=1e-3", rows=[])
    yield rank("nobody-readable", "sigma>=1e-3", rows=[{"formula": "Li3P04"}])
    yield rank(
        "same-material-twice", *many, rows=[{"formula": "Li6PS5Cl"}, {"formula": "2Li6PS5Cl"}, {"formula": "Li3YCl6"}]
    )


def whole_requests() -> Iterable[Request]:
    """What is refused as a whole; what there is besides predictions."""
    one = '{"candidates": [{"formula": "Li3N"}]'
    raws = {
        "blank": "",
        "malformed": "{",
        "list": "[]",
        "number": "5",
        "null": "null",
        "nan": one + ', "coverage": NaN}',
        "duplicate-key": '{"candidates": [{"formula": "Li3N", "formula": "Li2O"}]}',
        "unknown-key": one + ', "x": 1}',
        "duplicate-key-above": one + ', "coverage": 0.8, "coverage": 0.9}',
        "no-candidates": "{}",
        "no-rows": '{"candidates": []}',
        "row-no-object": '{"candidates": ["Li3N"]}',
        "row-unknown-key": '{"candidates": [{"formula": "Li3N", "x": 1}]}',
        "formula-number": '{"candidates": [{"formula": 5}]}',
        "id-number": '{"candidates": [{"id": 5, "formula": "Li3N"}]}',
        "id-too-long": json.dumps({"candidates": [{"id": "x" * 201, "formula": "Li3N"}]}),
        "trailing": one + "} x",
        "deep": "[" * 2000,
        "bad-utf-8": b"\xff\xfe{}",
        "infinite": '{"candidates": [{"formula": "Li3N"}], "coverage": 1e999}',
        "surrogate": '{"candidates": [{"formula": "\\ud800"}]}',
        "null-formula": '{"candidates": [{"formula": null}]}',
        "typo": '{"candidates": [{"formula": "Li3N"}], "propertys": ["ccd"]}',
        "many-faults": '{"candidates": [{"x": 1}, {"y": 2}], "z": 3}',
    }
    for name, raw in raws.items():
        yield post(f"errors/{name}", "/predict", raw=raw)
    for path in ("/nearest", "/interface", "/ccd/grid", "/rank"):
        for name in ("malformed", "list", "duplicate-key-above", "blank", "unknown-key"):
            yield post(f"errors{path}/{name}", path, raw=raws[name])
        yield post(f"errors{path}/type", path, raw="{}", Content_Type="text/plain")
    yield predict("errors/10001-rows", *["Li3N"] * 10_001)
    yield post("errors/too-large", "/predict", raw=b" " * (16 * 1024 * 1024 + 1))
    yield post("errors/type-text", "/predict", raw="{}", Content_Type="text/plain")
    yield post("errors/type-charset", "/predict", raw=one + "}", Content_Type="application/json; charset=utf-8")
    yield post("errors/compressed", "/predict", raw="{}", Content_Encoding="gzip")
    yield post("errors/not-acceptable", "/predict", raw=one + "}", Accept="image/png")
    yield post("errors/other-origin", "/predict", raw=one + "}", Origin="https://elsewhere.example")
    for method, path in (
        ("GET", "/predict"),
        ("PUT", "/rank"),
        ("DELETE", "/models"),
        ("GET", "/nothing"),
        ("GET", "/predict/more"),
        ("POST", "/models"),
        ("OPTIONS", "/predict"),
        ("HEAD", "/models"),
        ("GET", "/models/refresh"),
        ("POST", "/"),
        ("GET", "/ccd/grid"),
    ):
        yield Call(f"errors/{method}-{slug(path)}", method, path)
    for path in ("/models", "/vocabulary", "/openapi.json", "/docs.json", "/livez", "/readyz", "/healthz", "/docs"):
        yield Call(f"{'models' if path == '/models' else 'documents'}/{slug(path)}", "GET", path)
    yield Call("models/refresh-without-key", "POST", "/models/refresh")
    yield Call("models/refresh-wrong-key", "POST", "/models/refresh", b"", (("X-API-Key", "wrong"),))
    yield Call("models/refresh", "POST", "/models/refresh", b"", KEYED)


CONDUCTIVITY = {"formula": "Li6.05PS5.05Cl0.95", "sigma_mS_per_cm": 3.4, "temperature_C": 25}
CELL = {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": 1.1, "interlayer_type": "none", "temperature_C": 25, "anode": "Li"}
PHASE = {"formula": "Li5.7PS4.7Cl1.3", "observation": "stable", "against": "lithium"}
SOURCE = {"source": "lab:2025-11-03:JD", "who": "J. Doe"}
MEASURED: dict[str, dict[str, Any]] = {
    "plain": CONDUCTIVITY,
    "cell": CELL,
    "phase": PHASE,
    "kelvin": CONDUCTIVITY | {"temperature_C": 298},
    "kelvin-unit": CONDUCTIVITY | {"temperature_C": None, "temperature_K": 298},
    "no-temperature": {"formula": "Li3YCl6", "sigma_S_per_cm": 5e-4},
    "typed-zero": CONDUCTIVITY | {"formula": "Li3P04"},
    "no-lithium": CONDUCTIVITY | {"formula": "Na3PS4"},
    "charged": CONDUCTIVITY | {"formula": "Li6PS5Cl2"},
    "far": CONDUCTIVITY | {"formula": "Li3AcCl6"},
    "name": CONDUCTIVITY | {"formula": "name:LLZTO"},
    "thousandfold": CONDUCTIVITY | {"formula": "Li6PS5Cl", "sigma_mS_per_cm": 1500},
    "negative": CONDUCTIVITY | {"sigma_mS_per_cm": -2},
    "swapped": {"formula": "Li3YCl6", "sigma_S_per_cm": 25, "temperature_C": 0.002},
    "above": CONDUCTIVITY | {"sigma_mS_per_cm": 900},
    "upper-bound": CONDUCTIVITY | {"sigma_mS_per_cm": "<1e-6"},
    "no-unit": {"formula": "Li3N", "sigma": 1},
    "date": CONDUCTIVITY | {"formula": "Mar-09"},
    "comma": CONDUCTIVITY | {"sigma_mS_per_cm": "0,002"},
    "word": CELL | {"interlayer_type": "flouride"},
    "no-interlayer": {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": 1.0},
    "large-ccd": CELL | {"ccd_mA_per_cm2": 50},
    "energy": {"formula": "Li3YCl6", "energy_above_hull_eV_per_atom": 0.7, "method": "DFT"},
    "windows": {"formula": "Li3YCl6", "reduction_V": 4.0, "oxidation_V": 1.0},
    "doi": CONDUCTIVITY | {"doi": "not a doi"},
    "future": CONDUCTIVITY | {"measured_on": "2999-01-01"},
    "extra": CONDUCTIVITY | {"colour": "white"},
    "known-paper": CONDUCTIVITY | {"doi": "10.1021/jacs.7b06327"},
    "density-percent": CELL | {"relative_density_pct": 95, "thickness_mm": 0.5},
}


def recorded() -> Iterable[Request]:
    """Measurements, by REST; the last one writes."""

    def send(id: str, document: Any, key: tuple[tuple[str, str], ...] = KEYED) -> Call:
        body = json.dumps(document).encode()
        return Call(f"measurements/{id}", "POST", "/measurements", body, (("Content-Type", JSON), *key))

    for name, row in MEASURED.items():
        yield send(f"dry/{name}", {"measurements": [row], **SOURCE, "dry_run": True})
    several = {"measurements": [CONDUCTIVITY, CONDUCTIVITY | {"temperature_C": 298}, CONDUCTIVITY], **SOURCE}
    yield send("dry/several", several | {"dry_run": True})
    yield send("held", several)
    yield send("refused", {"measurements": [CONDUCTIVITY, MEASURED["negative"]], **SOURCE})
    yield send("no-source", {"measurements": [CONDUCTIVITY]})
    yield send("no-such-warning", {"measurements": [CONDUCTIVITY], **SOURCE, "accept_warnings": "1:out_of_domain"})
    yield send("no-rows", {"measurements": [], **SOURCE})
    yield send("unknown-key", {"measurements": [CONDUCTIVITY], "x": 1})
    yield send("without-key", {"measurements": [CONDUCTIVITY], **SOURCE}, ())
    yield send("wrong-key", {"measurements": [CONDUCTIVITY], **SOURCE}, (("X-API-Key", "wrong"),))
    text = b"formula,sigma_mS_per_cm,T / K\nLi6.05PS5.05Cl0.95,3.4,298.15\nLi3P04,1,298\n"
    query = "/measurements?source=lab:2025-11-03:JD&dry_run=true"
    yield Call("measurements/table", "POST", query, text, (("Content-Type", CSV), *KEYED))
    yield Call("measurements/type", "POST", query, text, (("Content-Type", "text/plain"), *KEYED))
    yield send("stored", {"measurements": [CONDUCTIVITY | {"sample": "stored"}], **SOURCE})


def commands() -> Iterable[Request]:
    """What people type: predictions, interfaces, grids, models."""
    table = {"c.csv": CANDIDATES_CSV}
    for name, line in {
        "terminal": "Li6PS5Cl Li3YCl6 Li6.5La3Zr1.5Ta0.5O12 UO2",
        "json": "Li6PS5Cl Li3YCl6 Li3P04 --json",
        "json-one": "Li6PS5Cl --json",
        "conductivity": "Li6PS5Cl Li3PS4 Li7La3Zr2O12 --property conductivity --temperature-c 60",
        "two": "Li6PS5Cl UO2 --property conductivity --property stability",
        "stability": "Li6PS5Cl LiCl Li2XeO4 --property stability",
        "ccd": "Li6PS5Cl Li3N UO2 --property ccd --interlayer-type oxide --temperature-c 60 --stack-pressure-mpa 5",
        "failed": "Li3P04 LLZO",
        "explain": "Li6PS5Cl Li3YCl6 UO2 --explain",
        "explain-json": "Li3YCl6 --explain --json",
        "coverage": "Li6PS5Cl --coverage 0.5",
        "read-as": "Li₇La₃Zr₂O₁₂ name:LLZTO 75Li2S-25P2S5",
        "bad-coverage": "Li6PS5Cl --coverage 0.2",
        "nothing": "",
        "bad-option": "--x",
        "bad-property": "Li3N --property x",
        "bad-word": "Li6PS5Cl --interlayer-type flouride",
        "kelvin": "Li6PS5Cl --temperature-c 298",
        "cold": "Li6PS5Cl --temperature-c -300",
        "bad-number": "Li3N --temperature-c hot",
        "no-file": "--input none.csv",
        "capacity": "Li6PS5Cl --areal-capacity-mah-cm2 3 --anode anode-free --relative-density 0.9 --thickness-um 300",
        "class": "Li6PS5Cl --electrolyte-class garnet --sigma-s-per-cm 1e-3 --interfacial-resistance-ohm-cm2 9"
        " --property ccd",
    }.items():
        yield elyte(f"command/predict/{name}", f"predict {line}")
    for ending in ("csv", "jsonl", "parquet"):
        words = f"predict --input c.csv --output out.{ending}"
        yield elyte(f"command/predict/to-{ending}", words, table, "out.*")
        more = "--explain --temperature-c 60 --interlayer-type none --coverage 0.8"
        yield elyte(f"command/predict/conditions-to-{ending}", f"{words} {more}", {"c.csv": CONDITIONS_CSV}, "out.*")
        yield elyte(f"command/predict/ccd-to-{ending}", f"{words} --property ccd", table, "out.*")
    columns = {"id": [1, 2, 3], "formula": ["Li6PS5Cl", None, "Li3P04"], "temperature_C": [60.0, None, float("nan")]}
    lines = '{"id": "a", "formula": "Li6PS5Cl"}\nno\n{"formula": "Li3N", "temperature_C": NaN}\n{"formula": "Li2O"}\n'
    for name, content in {
        "c.parquet": columns,
        "c.jsonl": lines,
        "c.csv": CONDITIONS_CSV,
        "c.xlsx": "x",
        "c.txt": "x",
    }.items():
        yield elyte(f"command/predict/from-{name}", f"predict --input {name} --json", {name: content})
        yield elyte(f"command/predict/from-{name}-terminal", f"predict --input {name}", {name: content})
    for name in ("binary.parquet", "cp1252.csv", "nan3.jsonl"):
        content = (CASES / name).read_bytes()
        yield elyte(
            f"command/predict/case-{name}", f"predict --input {name} --output out.csv", {name: content}, "out.csv"
        )
    yield elyte("command/predict/to-odd-file", "predict --input c.csv --output out.xlsx", table)
    structures: dict[str, Content] = {"a.cif": case("a12_si_first.cif")}
    for line in (
        "",
        "--json",
        "--block arg",
        "--block none",
        "--all-blocks",
        "--all-blocks --json",
        "Li3N",
        "--explain",
    ):
        yield elyte(f"command/predict/cif-{slug(line)}", f"predict --cif a.cif {line}", structures)
    for line in (
        "Li6PS5Cl",
        "Li6PS5Cl --json",
        "Li6PS5Cl --against NMC811 --against LiNbO3 --against water --voltage 4.3",
        "Li3P04",
        "UO2",
        "Li7La3Zr2O12 --against lithium",
        "Li6PS5Cl --against stone",
        "Li6PS5Cl --voltage 11",
        "",
    ):
        yield elyte(f"command/interface/{slug(line)}", f"interface {line}")
    for line in (
        "Li6PS5Cl",
        "Li6PS5Cl --temperature-c 25 --temperature-c 60 --interlayer-type none --interlayer-type oxide",
        "Li3P04",
        "Li3N --json",
        "Li6PS5Cl --stack-pressure-mpa 1 --stack-pressure-mpa 5 --json",
        "UO2 --coverage 0.5",
        "Li3N --interlayer-type x",
        "Li3N --coverage 2",
    ):
        yield elyte(f"command/ccd-grid/{slug(line)}", f"ccd-grid {line}")
    for line in ("models", "models list --json", "models list", "models history", "models history --json", "models x"):
        yield elyte(f"models/command-{slug(line)}", line)
    yield elyte("command/version", "--version")
    yield elyte("command/unknown", "predikt")
    yield elyte("command/data/list", "data list")
    yield elyte("command/data/list-json", "data list --json")
    yield elyte("command/data/check", "data check")
    yield elyte("command/monitor/nothing", "monitor --json")
    yield elyte("command/monitor/empty-log", "monitor --log r.log --json", {"r.log": ""})
    yield elyte("command/evaluate/unknown", "evaluate hardness")
    yield elyte("command/train/unknown", "train hardness")
    yield elyte("command/retrain/unknown", "retrain hardness")


def command_tables() -> Iterable[Request]:
    """Ranking, suggesting, screening from files."""
    table: dict[str, Content] = {"c.csv": CANDIDATES_CSV}
    full = (
        ["--objective", "sigma>=1e-3@25"],
        ["--objective", "hull<=0.05"],
        ["--objective", "window against NMC811"],
        ["--objective", "minimise cost"],
    )
    many = [word for pair in full for word in pair]
    lines: dict[str, list[str]] = {
        "terminal": [*many, "--top", "2"],
        "json": [*many, "--json"],
        "batch": [*many, "--batch", "3", "--top", "3"],
        "preset": [],
        "li-metal": ["--preset", "li-metal"],
        "front": [*many[:4], "--order", "front"],
        "utility": [*many[:4], "--order", "utility"],
        "ucb": [*many[:4], "--batch", "2", "--acquisition", "ucb", "--explore", "1"],
        "known": [*many[:4], "--batch", "2", "--known", "Li6PS5Cl"],
        "thompson": [*many[:4], "--batch", "3", "--acquisition", "thompson"],
        "avoid": [*many[:4], "--avoid", "Cl", "--require", "Li"],
        "success-batch": [*many[:2], "--batch", "3", "--acquisition", "success"],
        "in-domain": [*many, "--in-domain", "--charge-balanced"],
        "nobody": ["--objective", "sigma>=1e-3", "--require", "Au"],
        "contradiction": ["--objective", "reduction<=1", "--objective", "reduction>=2"],
        "bad": ["--objective", "speed>=1"],
        "ccd": ["--objective", "ccd>=1@25,interlayer=oxide", "--temperature-c", "60"],
        "bad-acquisition": [*many, "--batch", "2", "--acquisition", "x"],
        "max-elements": [*many[:2], "--max-elements", "3"],
    }
    for name, words in lines.items():
        yield elyte(f"rank/command/{name}", ["rank", "--input", "c.csv", *words], table)
    for ending in ("csv", "jsonl", "parquet"):
        words = ["rank", "--input", "c.csv", *many, "--batch", "2", "--output", f"out.{ending}"]
        yield elyte(f"rank/command/to-{ending}", words, table, "out.*")
    for name in ("conductivity", "stability", "ccd"):
        base = f"suggest --input c.csv --count 3 --property {name}"
        for more in ("", "--known-only --json", "--about domain --dial 0.5 --json"):
            yield elyte(f"suggest/{name}-{slug(more)}", f"{base} {more}", table)
    yield elyte("suggest/hot", "suggest --input c.csv --temperature-c 100 --json", table)
    yield elyte(
        "suggest/cell",
        "suggest --input c.csv --property ccd --interlayer-type oxide --stack-pressure-mpa 5 --json",
        table,
    )
    yield elyte("suggest/cell-word", "suggest --input c.csv --property ccd --interlayer-type flouride", table)
    yield elyte(
        "suggest/cell-not-of-stability", "suggest --input c.csv --property stability --interlayer-type oxide", table
    )
    yield elyte("suggest/conditions", "suggest --input c.csv --property ccd --json", {"c.csv": CONDITIONS_CSV})
    yield elyte("suggest/too-few", "suggest --input c.csv --count 100 --property ccd", table)
    yield elyte("suggest/bad-dial", "suggest --input c.csv --dial 2", table)

    columns: dict[str, list[Any]] = {
        "id": [name for name, _ in TABLE],
        "formula": [formula for _, formula in TABLE],
        "temperature_C": [60.0, None, 5000.0, *[None] * (len(TABLE) - 3)],
        "remark": ["x"] * len(TABLE),
    }
    amounts: dict[str, list[Any]] = {
        "Li": [6.0, 7.0, 5.7, -1.0, 0.0, 1e-7],
        "P": [1, None, 1, 1, 0, 1],
        "S": [5.0, 0.0, 4.7, 4.0, 0.0, 4.0],
        "Cl": [1.0, None, 1.3, 0.0, None, 0.0],
        "La": [0, 3, 0, 0, 0, 0],
        "Zr": [0, 2, 0, 0, 0, 0],
        "O": [0, 12, 0, 0, 0, 0],
    }
    screen = "screen --input in.parquet --output out --processes 1"
    written = ("out/part-*.parquet", "out_*.parquet")
    best = "--top-k 3 --by log10_sigma_S_per_cm --pareto log10_sigma_S_per_cm:max,energy_above_hull_eV_per_atom:min"
    yield elyte(
        "screen/everything",
        f"{screen} --json {best} --where log10_sigma_S_per_cm>=-5",
        {"in.parquet": columns},
        *written,
    )
    cell = "--property ccd --interlayer-type oxide --stack-pressure-mpa 5 --anode Li --where log10_ccd_mA_per_cm2<=0.2"
    yield elyte("screen/ccd-alone-of-amounts", f"{screen} {cell}", {"in.parquet": amounts}, *written)
    for name, line in {
        "bad-where": "--where x>=1",
        "no-where": "--where sigma",
        "bad-by": "--top-k 3 --by x",
        "k-without-by": "--top-k 3",
        "bad-pareto": "--pareto x",
    }.items():
        yield elyte(f"screen/refused/{name}", f"{screen} {line}", {"in.parquet": columns})
    yield elyte("screen/refused/no-material", screen, {"in.parquet": {"x": [1]}})
    yield elyte("screen/refused/no-file", screen)


def made_and_kept() -> Iterable[Request]:
    """Generating, planning a synthesis, the ledger."""
    for name, words in {
        "pattern": ["Li{6-x}PS{5-x}Cl{1+x}", "x=0:0.8:0.1"],
        "as-printed": ["Li6-xPS5-xCl1+x", "Li3{Y,In,Sc}{Cl,Br}6", "x=0:0.8:0.4"],
        "mixture": ["xLi2S-(1-x)P2S5", "x=0.7,0.75,0.8"],
        "site": ["Li3(Y{1-a}In{a})Cl6", "a=0:1:0.25"],
        "doped": ["--parent", "Li7La3Zr2O12", "--dope", "--max", "30"],
        "anions": ["--parent", "Li6PS5Cl", "--anions", "--swap", "--new", "--max", "20"],
        "seed": ["--parent", "Li7La3Zr2O12", "--dope", "--together", "2", "--max", "10", "--seed", "3"],
        "entropy": ["--parent", "Li3YCl6", "--high-entropy", "Y,In,Sc,Er,Yb", "--n", "4"],
        "entropy-step": [
            "--parent",
            "Li3YCl6",
            "--high-entropy",
            "Y,In,Zr",
            "--n",
            "2",
            "--step",
            "0.25",
            "--site",
            "Y",
        ],
        "json": ["Li{6-x}PS{5-x}Cl{1+x}", "x=0:0.2:0.1", "--json"],
        "unknown-known": ["Li3YCl6", "Li6PS5Cl", "--no-known"],
        "balanced": ["Li{5+x}PS5Cl", "x=0:2:0.5", "--balanced"],
        "lithium": ["{Li,Na}3YCl6", "--lithium", "--max-elements", "3"],
        "no-value": ["Li{6-x}PS5Cl"],
        "bad-values": ["Li{x}O", "x=1:0:0.1"],
        "bad-pattern": ["Li{6-x", "x=1"],
        "nothing": [],
        "negative": ["Li{1-x}O", "x=0:2:0.5"],
        "bad-parent": ["--parent", "Li3P04", "--dope"],
        "parent-alone": ["--parent", "Li3YCl6"],
        "read-otherwise": ["--parent", "Li₃YCl₆", "--swap", "--top", "2"],
        "elements": ["--parent", "Li7La3Zr2O12", "--dope", "--elements", "Al,Ga,Ta", "--steps", "0.2"],
        "bad-element": ["--parent", "Li3YCl6", "--dope", "--exclude", "Xx"],
        "allow": ["--parent", "Li3YCl6", "--swap", "--allow", "Cd", "--max", "12"],
    }.items():
        yield elyte(f"generate/{name}", ["generate", *words])
    for ending in ("csv", "jsonl", "parquet"):
        yield elyte(
            f"generate/to-{ending}",
            f"generate Li{{6-x}}PS{{5-x}}Cl{{1+x}} x=0:0.8:0.2 --output o.{ending}",
            None,
            "o.*",
        )
    for line in (
        "Li2ZrO3 --grams 2 --top 1",
        "Li6PS5Cl --grams 2",
        "Li6PS5Cl --json --top 2",
        "Li7La3Zr2O12 --lithium-excess 10",
        "Li3YCl6 --json",
        "UO2",
        "Li0.33La0.557TiO3",
        "Li3P04",
        "Li2XeO4",
        "LLZO",
        "Li3N --temperature-c 400 --gas-bar 1",
        "Li1.3Al0.3Ti1.7(PO4)3 --max-precursors 3",
        "Li6PS5Cl --grams -1",
        "Li",
        "Li3InCl6 --coverage 0.5",
        "Li5AcO4",
        "Li6PS5Cl --shelf s.csv",
        "Li3YCl6 --shelf s.csv",
        "Li3YCl6 --shelf none.csv",
    ):
        yield elyte(
            f"synthesis/{slug(line)}", f"synthesis {line}", {"s.csv": "formula,purity\nLi2S,0.98\nP2S5,\nLiCl,0.99\n"}
        )

    good = "formula,sigma_mS_per_cm,temperature_C\nLi6.05PS5.05Cl0.95,3.4,25\nLi3Y0.9Zr0.1Cl6,0.7,25\n"
    odd = good + "Li3P04,1,25\nLi6PS5Cl2,1,25\nLi6PS5Cl,1500,25\nLi3YCl6,0.5,298\n"
    store = "--source lab:2025-11-03:JD --who J.Doe --ledger ledger.db"
    steps = (
        f"data add --input good.csv {store}",
        f"data add --input good.csv {store} --json",
        f"data add --input odd.csv {store}",
        f"data add --input odd.csv {store} --keep-good --json",
        "data history --ledger ledger.db",
        "data history --ledger ledger.db --json",
        "data correct 1 --set sigma_mS_per_cm=1.2 --reason thickness --who J.Doe --ledger ledger.db",
        "data retract 2 --reason short --who J.Doe --ledger ledger.db --json",
        "data retract 2 --reason again --who J.Doe --ledger ledger.db",
        "data correct 99 --set sigma_mS_per_cm=1 --reason x --who J.Doe --ledger ledger.db",
        f"data add --input good.csv {store} --dry-run",
        "data history --ledger ledger.db --kind conductivity --json",
        "data history --ledger ledger.db --entry 1",
    )
    files = (("good.csv", good), ("odd.csv", odd))
    yield Command("ledger/one-history", tuple(step.split() for step in steps), files)
    for name, row in MEASURED.items():
        lines = json.dumps(row, ensure_ascii=False) + "\n"
        check = "data check --input m.jsonl --source lab:2025-11-03:JD --ledger ledger.db"
        yield elyte(f"ledger/check/{name}", check, {"m.jsonl": lines})
    comma = "formula;sigma_mS_per_cm\nLi6PS5Cl;1,5\n"
    yield elyte("ledger/decimal-comma", f"data add --input m.csv {store} --decimal-comma --dry-run", {"m.csv": comma})
    yield elyte("ledger/semicolons", f"data add --input m.csv {store} --dry-run", {"m.csv": comma})
    yield elyte(
        "ledger/bad-acceptance", f"data add --input m.csv {store} --accept-warnings 9:out_of_domain", {"m.csv": good}
    )


HELP = (
    "",
    "predict",
    "interface",
    "ccd-grid",
    "generate",
    "synthesis",
    "rank",
    "screen",
    "serve",
    "train",
    "retrain",
    "evaluate",
    "data",
    "data add",
    "data check",
    "data correct",
    "data fetch",
    "data history",
    "data list",
    "data retract",
    "monitor",
    "suggest",
    "models",
    "models history",
    "models list",
    "models rollback",
)


def helps() -> Iterable[Request]:
    """What every command says of itself."""
    for words in HELP:
        yield elyte(f"help/{slug(words) if words else 'elyte'}", f"{words} --help")


def all_requests() -> list[Request]:
    """Return every request; no id comes twice."""
    areas = (
        formulas,
        parts_of_predict,
        conditions,
        cifs,
        csv_route,
        nearest,
        interfaces,
        grids,
        ranking,
        ranking_choices,
        whole_requests,
        helps,
        commands,
        command_tables,
        made_and_kept,
        recorded,
    )
    found = [request for area in areas for request in area()]
    ids = [request.id for request in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"ids that come twice: {', '.join(twice)}")
    return found


REQUESTS = all_requests()
