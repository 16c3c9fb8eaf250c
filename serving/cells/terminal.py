"""The rate of a cell as lines for people: the answer, a waterfall of losses, what is needed, and notes."""

from __future__ import annotations

from features.errors import shown
from serving.answers.terminal_tables import INDENT, aligned
from serving.cells.document import LayerBlock, RateDocument, ShownNumber
from serving.cells.losses import SALT

WIDTH = 40
WORDS = {
    "critical_current": "critical current of the anolyte",
    "separator": "separator",
    "salt_polarisation": "salt that is pushed aside",
    "anode_interface": "interface with lithium",
    "cathode_ions": "ions in the cathode",
    "cathode_electrons": "electrons in the cathode",
    "charge_transfer": "charge transfer",
    "particle_diffusion": "diffusion in particles",
}
"""What limits, in words."""


def with_ends(number: ShownNumber, unit: str = "") -> str:
    """Return a number with its interval."""
    ends = f"{number['lower']:.3g} .. {number['upper']:.3g}, {number['coverage']:.0%}"
    return f"{number['value']:.3g}{unit} ({ends})"


def terminal_lines(document: RateDocument) -> list[str]:
    """Return the answer as lines.

    Parameters
    ----------
    document
        From `serving.cells.answer.answer_rate`.
    """
    if document["status"] == "error":
        return [f"error {document['error']['code']}: {document['error']['message']}"]
    asked, cell = document["c_rate"], document["cell"]
    lines = [
        f"reaches {with_ends(document['c_rate_reached'], 'C')}; asked for {asked:g}C at"
        f" {cell['areal_capacity_mAh_cm2']:g} mAh/cm2 and {cell['temperature_C']:g} C"
        f" ({document['current_density_mA_per_cm2']:g} mA/cm2): probability {document['probability_reached']:.2g}",
        f"limited by: {_limits(document)}",
    ]
    lines += [_layer_line(name, document[name]) for name in ("anolyte", "catholyte")]
    lines += [_current_line(document), "", *_waterfall(document), ""]
    lines += _needed_lines(document)
    lines += [f"note: {note}" for note in document["notes"]]
    lines += [f"{one['code']}: {one['message']}" for one in document["warnings"]]
    for name in ("anolyte", "catholyte"):
        block: LayerBlock = document[name]
        lines += [f"{name}: {one['code']}: {one['message']}" for one in block["warnings"]]
    return lines


def _limits(document: RateDocument) -> str:
    shares = sorted(document["limited_by_shares"].items(), key=lambda one: -one[1])
    return ", ".join(f"{WORDS[name]} ({share:.0%} of samples)" for name, share in shares)


def _layer_line(name: str, block: LayerBlock) -> str:
    read_as = f" read as {block['read_as']}" if block["read_as"] != block["formula"] else ""
    ions = block["transference_number"]
    share = "" if ions["value"] == 1.0 else f", transference number {with_ends(ions)}"
    where = "stated" if block["sigma_from"] == "caller" else "predicted"
    known = "" if block["in_domain"] in (True, None) else ", NOT KNOWN CHEMISTRY"
    sigma = with_ends(block["sigma_S_per_cm"], " S/cm")
    return f"{name:<10}{shown(str(block['formula']))}{read_as}  {sigma} {where}{share}{known}"


def _current_line(document: RateDocument) -> str:
    current, by_losses = document["critical_current_mA_per_cm2"], document["c_rate_by_losses"]
    lines = [f"by losses alone {with_ends(by_losses, 'C')}"]
    if current is not None:
        by_current = document["c_rate_by_critical_current"]
        assert by_current is not None
        lines.append(f"by the critical current {with_ends(current, ' mA/cm2')} alone {with_ends(by_current, 'C')}")
    salt = document["salt"]
    if salt is not None:
        lines.append(f"limiting current of the salt {with_ends(salt['limiting_current_mA_per_cm2'], ' mA/cm2')}")
    return "; ".join(lines)


def _waterfall(document: RateDocument) -> list[str]:
    """Return one bar a loss, each beginning where the one above ends, on the scale of the larger of sum and allowed."""
    losses = {name: loss or 0.0 for name, loss in document["losses_mV"].items()}
    full = max(sum(losses.values()), document["loss_allowed_mV"])
    rows, start = [(f"losses at {document['c_rate']:g}C (mV)", "", "")], 0.0
    for name, loss in losses.items():
        without_end = "salt runs out" if name == SALT else "without end"
        text = without_end if document["losses_mV"][name] is None else f"{loss:.1f}"
        rows.append((INDENT + WORDS[name], text, _bar(start, start + loss, full)))
        start += loss
    total = document["total_loss_mV"]
    rows.append((INDENT + "sum", "-" if total is None else f"{total:.1f}", _bar(0.0, start, full)))
    allowed = document["loss_allowed_mV"]
    rows.append((INDENT + "allowed", f"{allowed:.1f}", _bar(0.0, allowed, full)))
    return aligned(rows)


def _bar(start: float, end: float, full: float) -> str:
    first, last = (round(WIDTH * one / full) for one in (start, end))
    return " " * first + ("#" * (last - first) if last > first else "|" if end > start else "")


def _needed_lines(document: RateDocument) -> list[str]:
    by_layer = document["sigma_needed_by_layer_S_per_cm"]

    def text(value: float | None) -> str:
        return "none is enough" if value is None else f"{value:.2g} S/cm"

    both = text(document["conductivity_needed_S_per_cm"])
    return [
        f"conductivity needed for {document['c_rate']:g}C: {both} in both layers;"
        f" with the other layer as it is, anolyte {text(by_layer['anolyte'])}, catholyte {text(by_layer['catholyte'])}"
    ]
