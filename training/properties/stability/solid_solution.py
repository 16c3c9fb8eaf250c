"""What a solid solution gains by mixing: the ideal configurational entropy, as far as a material tells of its sites.

A crystal structure states occupancies, and its entropy is that of `features.cif_mixing`. A formula states no sites: two
readings are made of it, and the truth is taken to lie between them. Ions of alike size and charge share sites when hot
(Goldschmidt, doi 10.1007/BF01507527: radii within 15 %, less readily within 30 %; radii of Shannon, doi
10.1107/S0567739476001551).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import assign_ions
from features.elements import ATOMIC_NUMBER, SYMBOLS, element_table
from training.constants import ZERO_C_IN_K
from training.properties.contract import Condition, Content

Array = NDArray[np.float64]
CRYSTAL_RADIUS_OVER_IONIC_A = 0.14
"""The element table holds Shannon's crystal radii: for cations 0.14 A larger than ionic ones, for anions smaller."""
SYNTHESIS_TEMPERATURE = Condition(
    "synthesis_temperature_C",
    Content.NUMBER,
    "Temperature in degrees Celsius at which a solid solution is made: what ideal mixing gains there is said beside the"
    " energies at 0 K.",
    above=-ZERO_C_IN_K,
    at_most=3000.0,
    short="synthesis_temperature",
    label="Synthesis temperature",
    unit="°C",
)


class Sharing(NamedTuple):
    """Which ions share a site: radii apart by at most a share of the larger, and charges by at most these steps."""

    radius: float
    cation_charge: float
    anion_charge: float


SMALLEST, LARGEST = Sharing(0.15, 1.0, 0.0), Sharing(0.30, 2.0, 1.0)


class SiteIon(NamedTuple):
    """One element of a material in its role; charges from and to."""

    symbol: str
    amount: float
    radius_A: float
    charges: tuple[float, float]
    is_anion: bool

    def shares_with(self, host: SiteIon, rule: Sharing) -> bool:
        """Whether it may stand on the host's sites."""
        if self.is_anion != host.is_anion:
            return False
        apart = abs(self.radius_A - host.radius_A) / max(self.radius_A, host.radius_A)
        steps = max(self.charges[0] - host.charges[1], host.charges[0] - self.charges[1], 0.0)
        return apart <= rule.radius and steps <= (rule.anion_charge if self.is_anion else rule.cation_charge)


@dataclass(frozen=True, slots=True)
class MixingEntropy:
    """The ideal entropy of mixing of one material, in units of Boltzmann's constant per atom.

    Attributes
    ----------
    smallest_k, largest_k
        Of either reading; the same where a crystal structure states the sites.
    shared_smallest, shared_largest
        Sets of elements that share sites in them; none are named where a structure states the sites.
    of_sites
        Whether a crystal structure states the sites.
    """

    smallest_k: float
    largest_k: float
    shared_smallest: tuple[tuple[str, ...], ...]
    shared_largest: tuple[tuple[str, ...], ...]
    of_sites: bool


def mixing(batch: MaterialBatch, is_listed: NDArray[np.bool_]) -> list[MixingEntropy]:
    """Return what each material gains by mixing.

    Parameters
    ----------
    batch
        n materials.
    is_listed
        Whether the energy is that of an ordered compound of the table, shape (n,): the smallest reading is then that
        it is ordered.
    """
    ions = assign_ions(batch)
    of_sites = batch.site_entropy_k_per_atom
    found = []
    for row in range(len(batch)):
        if of_sites is not None and not np.isnan(of_sites[row]):
            found.append(MixingEntropy(float(of_sites[row]), float(of_sites[row]), (), (), of_sites=True))
            continue
        held = _ions(batch.element_index[row], ions.anions[row], ions.cations[row])
        smallest, largest = ((0.0, ()) if is_listed[row] else _read(held, SMALLEST)), _read(held, LARGEST)
        found.append(MixingEntropy(smallest[0], max(largest[0], smallest[0]), smallest[1], largest[1], of_sites=False))
    return found


def _ions(index: NDArray[np.int64], anions: Array, cations: Array) -> list[SiteIon]:
    """Return the ions of a material but lithium and hydrogen, most first."""
    table, found = element_table(), []
    mobile = (ATOMIC_NUMBER["Li"] - 1, ATOMIC_NUMBER["H"] - 1)
    for place, element in enumerate(index.tolist()):
        if element in mobile:
            continue
        if cations[place] > 0:
            charges = float(table["cation_charge_min"][element]), float(table["cation_charge_max"][element])
            radius = float(table["cation_radius_A"][element]) - CRYSTAL_RADIUS_OVER_IONIC_A
            found.append(SiteIon(SYMBOLS[element], float(cations[place]), radius, charges, is_anion=False))
        if anions[place] > 0:
            charge = float(table["anion_charge"][element])
            radius = float(table["anion_radius_A"][element]) + CRYSTAL_RADIUS_OVER_IONIC_A
            found.append(SiteIon(SYMBOLS[element], float(anions[place]), radius, (charge, charge), is_anion=True))
    return sorted(found, key=lambda ion: (-ion.amount, ion.symbol))


def _read(ions: list[SiteIon], rule: Sharing) -> tuple[float, tuple[tuple[str, ...], ...]]:
    """Return the entropy per atom in units of k, and the elements that share sites; the most abundant ions are hosts.

    S / k = - sum over sites of (sum of x ln x); x are the shares of the ions on the sites that they share.
    """
    sites: list[list[SiteIon]] = []
    for ion in ions:
        site = next((site for site in sites if ion.shares_with(site[0], rule)), None)
        if site is None:
            sites.append([ion])
        else:
            site.append(ion)
    mixed = [site for site in sites if len(site) > 1]
    total = 0.0
    for site in mixed:
        amount = sum(ion.amount for ion in site)
        total -= sum(ion.amount * float(np.log(ion.amount / amount)) for ion in site)
    return total, tuple(tuple(ion.symbol for ion in site) for site in mixed)
