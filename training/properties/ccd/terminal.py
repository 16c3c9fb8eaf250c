"""Critical current densities for people: a row of a table, and the nearest reports."""

from __future__ import annotations

from training.properties.contract import Answered

HEADER = ("CCD (mA/cm2)", "interval", "class", "interlayer", "T (C)", "P (MPa)", "papers: class, like this")


def row(said: Answered) -> tuple[str, ...]:
    """Return the cells under `HEADER`."""
    block = said.block or {}
    value, stated, support = block["log10_ccd_mA_per_cm2"], block["conditions"], block["support"]
    number, interval = "-", "-"
    if value is not None:
        number = f"{10 ** value['value']:.2g}"
        if value["lower"] is not None:
            ends = f"{10 ** value['lower']:.2g} .. {10 ** value['upper']:.2g}"
            interval = f"{ends} ({value['coverage']:.0%})"
    pressure = stated["stack_pressure_MPa"]
    return (
        number,
        interval,
        block["electrolyte_class"] or "?",
        stated["interlayer_type"] or "not stated",
        f"{stated['temperature_C']:g}",
        "not stated" if pressure is None else f"{pressure:g}",
        f"{support['class_papers']}, {support['conditions_papers']}",
    )


def story(said: Answered) -> list[str]:
    """Return why there is no value, where there is none, and the nearest reports."""
    lines = [f"    no value: {said.reason}"] if said.reason else []
    for report in said.domain["nearest"][:3]:
        sign = ">" if report["is_lower_bound"] else ""
        degrees = "" if report["temperature_C"] is None else f", {report['temperature_C']:g} C"
        source = report["doi"] or report["reference"]
        lines.append(
            f"    reported: {sign}{10 ** report['value']:.2g}  {report['material']}, {report['interlayer_type']}"
            f"{degrees} ({source})"
        )
    return lines
