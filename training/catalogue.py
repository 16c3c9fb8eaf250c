"""The source catalogue: every public file that elyte may learn from, its terms, its origin and its content.

A new file is one more entry of `_CATALOGUE`; nothing else has to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

_OBELIX = "https://raw.githubusercontent.com/NRC-Mila/OBELiX/4eaac889809dd489e3bae468c45d5c0e02b9147a/data"
_CRABNET = "https://raw.githubusercontent.com/anthony-wang/CrabNet/457b4d4835737ecbe4dd33e53174bd818bd82143/data"


@dataclass(frozen=True, slots=True)
class Source:
    """One public file.

    Parameters
    ----------
    key
        Name by which the code and the command line ask for it.
    title, licence, attribution, doi
        What it is, under which terms, whom to name, and the article to cite.
    url
        Origin at a pinned commit; None where the user supplies the file.
    filename
        Name inside `data_dir()`.
    sha256, size_bytes
        Content that is accepted; None where the user supplies the file.
    ships_in_bundle
        Whether models fitted on it may be shipped with elyte.
    note
        What a reader should know before use.
    """

    key: str
    title: str
    licence: str
    attribution: str
    doi: str
    url: str | None
    filename: str
    sha256: str | None
    size_bytes: int | None
    ships_in_bundle: bool
    note: str = ""


class UnknownSourceError(KeyError):
    """A key that the catalogue does not hold."""

    def __init__(self, key: str) -> None:
        self.message = f"no source is called '{key}'; known are: {', '.join(catalogue())}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


def _obelix(key: str, path: str, sha256: str, size_bytes: int, title: str, note: str = "") -> Source:
    return Source(
        key,
        title,
        "CC BY 4.0",
        "OBELiX, NRC-Mila, F. Therrien et al.",
        "10.1039/D5DD00441A",
        f"{_OBELIX}/{path}",
        f"obelix_{path.rsplit('/', 1)[-1]}",
        sha256,
        size_bytes,
        True,
        note,
    )


def _laskowski(key: str, path: str, sha256: str, size_bytes: int, title: str, note: str) -> Source:
    return Source(
        key,
        title,
        "CC BY 4.0",
        "F. A. L. Laskowski et al., as extracted by OBELiX, NRC-Mila",
        "10.1039/D2EE03499A",
        f"{_OBELIX}/{path}",
        f"{key}.csv",
        sha256,
        size_bytes,
        True,
        note,
    )


def _critexam(target: str, split: str, sha256: str, size_bytes: int) -> Source:
    quantity = {"Ef": "formation", "Ed": "decomposition"}[target]
    return Source(
        f"critexam_{target.lower()}_{split}",
        f"Materials Project {quantity} energies, {split} split (eV/atom)",
        "MIT (split) and CC BY 4.0 (Materials Project data)",
        "Materials Project; C. J. Bartel et al.; split as redistributed by CrabNet, A. Y.-T. Wang et al.",
        "10.1038/s41524-020-00362-y",
        f"{_CRABNET}/benchmark_data/CritExam__{target}/{split}.csv",
        f"critexam_{target.lower()}_{split}.csv",
        sha256,
        size_bytes,
        True,
        "PBE and PBE+U ground states of about 2019, one per composition; elements are the zero of energy",
    )


def _matbench(key: str, path: str, sha256: str, size_bytes: int, title: str, note: str) -> Source:
    return Source(
        f"matbench_{key}",
        title,
        "MIT (copy) and CC BY 4.0 (Materials Project data)",
        "Materials Project; Matbench, A. Dunn et al.; as redistributed by CrabNet, A. Y.-T. Wang et al.",
        "10.1038/s41524-020-00406-3",
        f"{_CRABNET}/matbench/{path}",
        f"matbench_{key}.csv",
        sha256,
        size_bytes,
        True,
        note,
    )


def _polymer(key: str, path: str, content: tuple[str, int], title: str, whose: tuple[str, str], note: str) -> Source:
    url, filename = f"https://raw.githubusercontent.com/{path}", f"polymer_{key}.csv"
    return Source(f"polymer_{key}", title, "MIT", *whose, url, filename, *content, True, note)


def _synthesis(key: str, path: str, filename: str, content: tuple[str, int], title: str) -> Source:
    return Source(
        f"synthesis_{key}",
        title,
        "article CC BY 4.0; the repository carries no licence file",
        "O. Kononova et al. (CederGroupHub); cleaned conditions by SyntMTE",
        "10.1038/s41597-019-0224-1",
        f"https://raw.githubusercontent.com/{path}",
        filename,
        *content,
        True,
        "numbers, formulas and DOIs are taken, never a sentence of a paper",
    )


_MINED = "CederGroupHub/text-mined-synthesis_public/fca0a994ddb36b37d39b803e8a21880aaecb1d71"
_SYNTMTE = "Thorben010/SyntMTE/fb9cd5c2b05e43080ab054584c856dfe0f84b2ee/data/conditions/year_split"
_CATALOGUE: tuple[Source, ...] = (
    _obelix(
        "obelix_all",
        "downloads/all.csv",
        "54f6265ef84d16a919d08c6815f14b0fd7465fa00090bee2511c16c042e57f3c",
        114_856,
        "OBELiX: 599 room-temperature conductivities with lattice",
    ),
    _obelix(
        "obelix_train",
        "downloads/train.csv",
        "01d87779862807e24bc45bb2c759852f892390b99f9340f13906c54805aa8776",
        91_889,
        "OBELiX, official training split (478 rows)",
        "no DOI is shared with the test split",
    ),
    _obelix(
        "obelix_test",
        "downloads/test.csv",
        "b2c266eb74e22f403743d52959bea7c43b1531a850994870a70dd909200e5297",
        23_220,
        "OBELiX, official test split (121 rows)",
        "never tune on it",
    ),
    _obelix(
        "obelix_cifs",
        "downloads/all_cifs.tar.gz",
        "bfa2a3c92e3b8ca1b9859992e686c9e19f98924e7ff369c05db7006548217d49",
        106_813,
        "OBELiX: 321 crystal structures (CIF)",
        "positions carry small random noise; 'has a CIF' must not become a feature",
    ),
    _laskowski(
        "laskowski",
        "misc/laskowski_semi-fromatted.csv",
        "606926c22779b71b82d98f833cfde8e31d540739decee3ff872f779902f75e61",
        69_845,
        "Laskowski table: activation energies and conductivities (1,928 raw lines)",
        "rough extraction from a PDF; its conductivities are mostly OBELiX's own source",
    ),
    _laskowski(
        "laskowski_dois",
        "misc/doi_lookup_table.csv",
        "b890a2d06752613d2be77e3cf7562a14718b892c516d15d4c88686d9a122313d",
        11_005,
        "Laskowski table: DOI of each reference number",
        "found by a search engine; a few point at a supplement or another paper",
    ),
    _critexam("Ef", "train", "717892455f5474fb98d952b2824b09e2abae21d4893eebc5f0e16b5042a9f168", 1_747_034),
    _critexam("Ef", "val", "f641c56947685fad49aaf13c31b098593a708d8aff19cf271b2239251d9d6a3a", 374_526),
    _critexam("Ef", "test", "92052ffc5bad988371946b1c98a605addf88fd2894e2319ed1a39653cecb0f43", 374_617),
    _critexam("Ed", "train", "b8de276563588969f9b8a9f7fb59059e2b445da22f4bc84beed5d4b8d3b16934", 1_786_856),
    _critexam("Ed", "val", "be508d700c294fffa382887f37dbc1aded4ad2a5f5ab526bad60d987f5a6d7f0", 382_486),
    _critexam("Ed", "test", "ebe21e71b66eb534c9f53c4e682c3661ed402204805e7a74bf17d03639a978ab", 383_166),
    _matbench(
        "log10_G_VRH",
        "elasticity_log10(G_VRH).csv",
        "6eda504f98a3b98308bb4f1353810f2703475daa85540b15aebe1fedf313304a",
        296_676,
        "Matbench: 10,987 shear moduli (log10 of GPa)",
        "Voigt-Reuss-Hill means of computed elastic tensors (PBE); polymorphs of one formula are rows of their own",
    ),
    _matbench(
        "log10_K_VRH",
        "elasticity_log10(K_VRH).csv",
        "b4e2620ca797b9eca83a6633d4b94dc3ae047bba3f0eacd5cdb446a75d07d087",
        296_929,
        "Matbench: 10,987 bulk moduli (log10 of GPa)",
        "of the same crystals in the same order as the shear moduli",
    ),
    _matbench(
        "mp_gap",
        "mp_gap.csv",
        "4084e584467e6f81ec8bf12c438eeb2c049ae39e11401bae694ef6a9983b9d9f",
        2_147_391,
        "Matbench: 106,113 band gaps (PBE, eV)",
        "PBE gaps are too small; polymorphs of one formula are mixed, and which is the stable one is not said",
    ),
    Source(
        "matbench_expt_gap",
        "Matbench: 4,604 measured band gaps (eV)",
        "MIT (copy); compiled from the literature",
        "Y. Zhuo, A. Mansouri Tehrani, J. Brgoch; Matbench, A. Dunn et al.; as redistributed by CrabNet",
        "10.1021/acs.jpclett.8b00124",
        f"{_CRABNET}/matbench/expt_gap.csv",
        "matbench_expt_gap.csv",
        "3de82c37f1db3ab9bbd92366c96633f131913ded5db0969eb36216bdd11cef2f",
        57_522,
        False,
        "for checks only: no model is fitted on it",
    ),
    _polymer(
        "sigma",
        "learningmatter-mit/Chem-prop-pred/39b0c16f70c4142b32a67531a093718c767ad43d/data/clean_train_data.csv",
        ("6b6de5979e2b0fe592e9c75b98cdccc6a77c579bd9332e3633301f6f6392ca74", 1_124_553),
        "Chem-prop-pred: 10,114 conductivities of polymer electrolytes (log10 of S/cm)",
        (
            "G. Bradford, J. Lopez et al.; extractions by the Oyaizu, MIT and Seshadri groups",
            "10.1021/acscentsci.2c01123",
        ),
        "no DOI column; one polymer is written from several starting atoms",
    ),
    _polymer(
        "molecular_dynamics",
        "TRI-AMDD/htp_md/4076e9baa8d2da0c9ee250bd2b75daa58d03986a/htpmd/ml_models/md_wo_structure_cleaned_0_1_4.csv",
        ("ce3691a45c5808e9f9d32ed3acaa3716c3d6d03e2dd908cc9a01901b3f5a2546", 4_189_004),
        "htp_md: 6,025 simulated polymer electrolytes (one salt, one temperature)",
        ("TRI-AMDD htp_md; T. Xie et al.", "10.1038/s41467-022-30994-1"),
        "molecular dynamics: a rank of mobilities, not measured conductivities",
    ),
    _polymer(
        "glass_transition",
        "lamalab-org/PolyMetriX/f61def9e1c6ead8eeb8b760fbc317f15f43c64d9/src/polymetrix/data/polymer_tg.csv",
        ("38e1376d3bd89dd4f8d354dd5dc4fd06f084611762cde06e303d71ed9332d663", 3_063_267),
        "PolyMetriX: 7,254 glass transition temperatures of polymers (K)",
        ("PolyMetriX, LAMAlab; M. A. F. Afzal et al. and the other collections of `source`", "10.1021/acsapm.0c00524"),
        "only rows whose source is not PolyInfo (GREA) are learnt from",
    ),
    Source(
        "nasicon_train",
        "3,104 NASICON compositions computed as one family (energies against the hull)",
        "MIT",
        "B. Ouyang et al., NASICON_Predictor_Data",
        "10.48550/arXiv.2102.03627",
        "https://raw.githubusercontent.com/Jeff-oakley/NASICON_Predictor_Data/efaf045b8e1c3bbdc4f2384eabc3caa217bfa033"
        "/RawData/train.csv",
        "nasicon_train.csv",
        "794f047084bb4d2fb2a82a927b6782b996dedb617843356cc965ed1bb96e8e1b",
        755_245,
        True,
        "the origin's test file of 777 rows stays apart for judging; energies beyond 0.2 eV/atom are faults",
    ),
    Source(
        "liverpool",
        "Liverpool ionics: conductivities at several temperatures (820 rows)",
        "no open licence found; the authors ask to accept terms of use",
        "C. J. Hargreaves et al.",
        "10.1038/s41524-022-00951-z",
        None,
        "liverpool_ionics.csv",
        None,
        None,
        False,
        "optional, user-supplied: never fetched, never shipped",
    ),
    _synthesis(
        "solid_state",
        f"{_MINED}/solid-state_dataset_2019-12-03.json.xz",
        "synthesis_solid_state.json.xz",
        ("7559aafabfbe6be5ceef5cfeb5cbf046ce95f10c1ae0b3536d4e5eb427777e94", 3_391_040),
        "Text-mined syntheses: 30,031 solid-state reactions",
    ),
    _synthesis(
        "conditions_train",
        f"{_SYNTMTE}/train.csv",
        "synthesis_conditions_train.csv",
        ("5a89bb7028561658c416869cd12a727b1216fa8a41b599f98bfde085e388359b", 826_342),
        "SyntMTE: calcination and sintering, 3,262 rows to 2014",
    ),
    _synthesis(
        "conditions_val",
        f"{_SYNTMTE}/val.csv",
        "synthesis_conditions_val.csv",
        ("e48f9de6ba7527e8e79872b78d9cc9a3858783ea341be6972efe042b4094ae29", 170_920),
        "SyntMTE: calcination and sintering, 656 rows of 2015 and 2016",
    ),
    _synthesis(
        "conditions_test",
        f"{_SYNTMTE}/test.csv",
        "synthesis_conditions_test.csv",
        ("4fe96cd66e2c6ea23ddd2dd3c1c9b5c7cf8904e49633c234ea12bbe6a57fe4e9", 253_309),
        "SyntMTE: calcination and sintering, 936 rows of 2017 to 2020",
    ),
)


@cache
def catalogue() -> dict[str, Source]:
    """Return every known source by key, in a fixed order."""
    return {source.key: source for source in _CATALOGUE}


def source(key: str) -> Source:
    """Return one entry of the catalogue; raises `UnknownSourceError`."""
    try:
        return catalogue()[key]
    except KeyError:
        raise UnknownSourceError(key) from None
