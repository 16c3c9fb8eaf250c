"""One call for all neighbours of an electrolyte: presets, errors of single partners, and what a chemist expects."""

from __future__ import annotations

import pytest
from phase_tables import reference, small

from features.errors import CandidateError, RowErrorCode, WarningCode
from features.formula import parse_formula
from training.thermodynamics.interface import (
    Contact,
    FailedContact,
    Interface,
    SolidContact,
    WaterContact,
    interface,
)
from training.thermodynamics.interphase import Confidence, Interphase
from training.thermodynamics.partners import COATING_FORMULAS, Role, find_partners, partner_names


def ask(formula: str, *against: str, voltage_V: float | None = None) -> Interface:
    return interface(reference().phases, parse_formula(formula), against or ("all",), voltage_V=voltage_V)


def solid(contact: Contact) -> SolidContact:
    assert isinstance(contact, SolidContact)
    return contact


# ---------------------------------------------------------------- partners


def test_every_preset_names_known_formulas() -> None:
    for name in partner_names():
        partners = find_partners([name])
        assert partners
        for partner in partners:
            parse_formula(partner.formula)
    assert {p.formula for p in find_partners(["coatings"])} == set(COATING_FORMULAS)


def test_a_cathode_comes_discharged_and_charged() -> None:
    assert [(p.formula, p.role) for p in find_partners(["lco"])] == [
        ("LiCoO2", Role.CATHODE),
        ("Li0.5CoO2", Role.CHARGED_CATHODE),
    ]
    assert [p.formula for p in find_partners(["LFP"])] == ["LiFePO4", "FePO4"]


def test_formulas_get_the_role_they_have_and_none_comes_twice() -> None:
    found = find_partners(["Li", "CoLiO2", "Nb Li O3", "LiI", "H2O", "lithium", "all"])
    assert [p.role for p in found[:5]] == [Role.LITHIUM_METAL, Role.CATHODE, Role.COATING, Role.MATERIAL, Role.WATER]
    assert sum(p.role is Role.LITHIUM_METAL for p in found) == 1


# ---------------------------------------------------------------- answers that a battery chemist would recognise


def test_an_argyrodite_is_passivated_by_lithium_and_a_germanium_sulfide_is_not() -> None:
    argyrodite = solid(ask("Li6PS5Cl", "lithium").contacts[0])
    assert argyrodite.lithiated is not None
    assert argyrodite.lithiated.reaction.text == "Li6PS5Cl + 8 Li -> 5 Li2S + Li3P + LiCl"
    assert argyrodite.electron_conductors == ()
    assert argyrodite.verdict.interphase is Interphase.PROTECTIVE
    germanium = solid(ask("Li10GeP2S12", "Li").contacts[0])
    assert germanium.electron_conductors == ("Li15Ge4",)
    assert germanium.verdict.interphase is Interphase.MIXED_CONDUCTING
    assert "Li15Ge4" in germanium.verdict.why


@pytest.mark.parametrize(
    ("electrolyte", "conductor"),
    [("Li1.3Al0.3Ti1.7(PO4)3", "Ti3P"), ("LiCB11H12", "LiB"), ("Li0.33La0.5566667TiO3", "Ti")],
)
def test_suboxides_phosphides_and_borides_at_lithium_are_named_as_conductors(electrolyte: str, conductor: str) -> None:
    contact = solid(ask(electrolyte, "lithium").contacts[0])
    assert any(formula.startswith(conductor) for formula in contact.electron_conductors)
    assert contact.verdict.interphase is Interphase.MIXED_CONDUCTING


def test_a_garnet_that_lithium_hardly_reduces_lasts_and_the_reason_says_what_it_would_become() -> None:
    contact = solid(ask("Li7La3Zr2O12", "lithium").contacts[0])
    assert contact.verdict.interphase is Interphase.STABLE
    assert contact.verdict.confidence is Confidence.MEDIUM
    assert "only below 0.1 V" in contact.verdict.why
    assert any(formula.startswith("Zr") for formula in contact.electron_conductors)


def test_what_a_cathode_becomes_by_itself_does_not_decide_what_layer_it_grows() -> None:
    contact = solid(ask("LiNbO3", "LiCoO2", voltage_V=4.2).contacts[0])
    assert contact.verdict.interphase is Interphase.STABLE
    assert contact.verdict.confidence is Confidence.LOW


@pytest.mark.parametrize("salt", ["LiCl", "Li3N", "Li2O", "LiF"])
def test_what_does_not_react_with_lithium_is_stable_beside_it(salt: str) -> None:
    contact = solid(ask(salt, "lithium").contacts[0])
    assert contact.verdict.interphase is Interphase.STABLE
    assert contact.electron_conductors == ()


def test_oxide_coatings_react_less_with_a_sulfide_than_a_charged_cathode() -> None:
    contacts = [solid(contact) for contact in ask("Li3PS4", "LCO", "coatings").contacts]
    charged = next(c for c in contacts if c.partner.role is Role.CHARGED_CATHODE)
    for contact in contacts:
        if contact.partner.role is Role.COATING:
            assert contact.closed.energy_eV_per_atom > charged.closed.energy_eV_per_atom + 0.2


def test_a_chloride_minds_a_cathode_less_than_a_sulfide() -> None:
    chloride, sulfide = (solid(ask(f, "LiCoO2").contacts[0]).closed for f in ("Li3YCl6", "Li3PS4"))
    assert chloride.energy_eV_per_atom > sulfide.energy_eV_per_atom + 0.3


def test_every_reaction_of_the_full_call_is_balanced() -> None:
    for formula in ("Li6PS5Cl", "Li3YCl6", "Li6.5La3Zr1.5Ta0.5O12", "Li1.3Al0.3Ti1.7(PO4)3"):
        found = ask(formula, voltage_V=4.2)
        assert found.alone is not None
        assert found.alone.reaction.imbalance() < 2e-5
        assert len(found.contacts) == 17
        for contact in found.contacts:
            if isinstance(contact, WaterContact):
                reactions = [contact.hydrolysis.reaction, contact.hydrolysis.final_reaction]
            else:
                held = solid(contact)
                mixings = [m for m in (held.closed, held.at_voltage) if m is not None]
                reactions = [r for m in mixings for r in (m.reaction, m.mutual_reaction)]
                reactions += [held.lithiated.reaction] if held.lithiated else []
            assert all(reaction.imbalance() < 2e-4 for reaction in reactions), (formula, contact.partner)


def test_at_a_voltage_the_reservoir_takes_part_but_not_beside_lithium_metal() -> None:
    found = ask("Li6PS5Cl", "lithium", "LCO", voltage_V=4.2)
    assert found.voltage_V == 4.2
    assert found.alone is not None
    assert found.alone.lithium < 0  # a sulfide is oxidised at 4.2 V
    metal, *cathodes = (solid(contact) for contact in found.contacts)
    assert metal.at_voltage is None
    assert metal.alone_at_voltage is None
    assert cathodes[0].alone_at_voltage is not None
    assert cathodes[0].alone_at_voltage.lithium < 0  # LiCoO2 is charged at 4.2 V
    for cathode in cathodes:
        assert cathode.at_voltage is not None
        assert cathode.at_voltage.energy_eV_per_atom < found.alone.energy_eV_per_atom + 1e-6
        assert cathode.at_voltage.mutual_energy_eV_per_atom <= 0.0


def test_water_is_told_as_hydrolysis() -> None:
    (contact,) = ask("Li6PS5Cl", "water").contacts
    assert isinstance(contact, WaterContact)
    assert contact.hydrolysis.evolves_h2s


# ---------------------------------------------------------------- input that is not as expected


def test_one_bad_partner_leaves_the_others_alone() -> None:
    found = interface(small(), parse_formula("Li3PS4"), ["Li", "Li2XeO4", "nonsense", "LiCl"])
    kinds = [type(contact) for contact in found.contacts]
    assert kinds == [SolidContact, FailedContact, FailedContact, SolidContact]
    failed = [contact for contact in found.contacts if isinstance(contact, FailedContact)]
    assert failed[0].error.code is RowErrorCode.ELEMENT_WITHOUT_ENERGIES
    assert "Xe" in failed[0].error.message
    assert failed[1].error.code is RowErrorCode.UNPARSEABLE_FORMULA


def test_an_electrolyte_without_energies_is_an_error() -> None:
    with pytest.raises(CandidateError) as caught:
        interface(small(), parse_formula("Li3YCl6"), ["Li"])
    assert caught.value.code is RowErrorCode.ELEMENT_WITHOUT_ENERGIES


@pytest.mark.parametrize("voltage", [-0.1, 11.0, float("nan")])
def test_a_voltage_out_of_range_is_refused(voltage: float) -> None:
    with pytest.raises(ValueError, match="voltage_V"):
        interface(small(), parse_formula("Li3PS4"), ["Li"], voltage_V=voltage)


def test_formulas_that_cannot_be_balanced_are_flagged_on_their_side() -> None:
    found = ask("Li6PS5Cl2", "LiCoO2", "Li3PS5")
    assert [remark.code for remark in found.warnings] == [WarningCode.NOT_CHARGE_BALANCED]
    good, bad = (solid(contact) for contact in found.contacts)
    assert good.warnings == ()
    assert [remark.code for remark in bad.warnings] == [WarningCode.NOT_CHARGE_BALANCED]


@pytest.mark.parametrize("formula", ["Li", "S", "LiCl"])
def test_elements_and_salts_are_answered(formula: str) -> None:
    found = interface(small(), parse_formula(formula), ["Li", "Li3PS4", formula], voltage_V=2.0)
    assert all(isinstance(contact, SolidContact) for contact in found.contacts)


@pytest.mark.parametrize(
    ("asked", "formulas"),
    [
        ("nmc 622", ["LiNi0.6Mn0.2Co0.2O2", "Li0.35Ni0.6Mn0.2Co0.2O2"]),
        ("graphite", ["C", "LiC6"]),
        ("Li-In", ["LiIn"]),
        ("LLZO", ["Li7La3Zr2O12"]),
        ("Li metal", ["Li"]),
        ("Sn", ["Sn"]),
        ("LTO", ["Li4Ti5O12", "Li7Ti5O12"]),
    ],
)
def test_partners_are_known_by_every_name_of_the_list(asked: str, formulas: list[str]) -> None:
    assert [partner.formula for partner in find_partners([asked])] == formulas


def test_a_name_without_a_composition_is_the_error_of_that_contact_alone() -> None:
    first, second = ask("Li6PS5Cl", "PEO", "LiCoO2").contacts
    assert isinstance(first, FailedContact)
    assert first.error.code is RowErrorCode.NAME_NOT_FORMULA
    assert isinstance(second, SolidContact)
