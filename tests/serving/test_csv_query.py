"""The query of a table sent over HTTP: conditions, properties and coverage by name."""

from __future__ import annotations

import pytest

from features.kinds import FIELDS
from serving.answers.conditions import Conditions
from serving.answers.input_tables import COLUMNS
from serving.answers.refusals import RequestError
from serving.rest.csv_exchange import CsvQuery
from serving.rest.request_body import read_query


def test_every_parameter_of_the_query_arrives() -> None:
    """Conditions by name, properties repeated."""
    conditions = {
        "temperature_C": 60.0,
        "stack_pressure_MPa": 5.0,
        "interlayer_type": "oxide",
        "anode": "Li",
        "areal_capacity_mAh_cm2": 1.0,
        "relative_density": 0.9,
        "thickness_um": 500.0,
        "interfacial_resistance_ohm_cm2": 3.0,
        "sigma_S_per_cm": 0.001,
        "electrolyte_class": "garnet",
        "synthesis_temperature_C": 900.0,
        "nets": "pool",
        "energies": "corrected",
        "flaw_size_um": 2.0,
        "contribution": "total",
        "state": "sintered",
        "population": "all",
    }
    assert set(conditions) == set(Conditions.model_fields) == set(COLUMNS) - {"id", *FIELDS}
    items = [(name, str(value)) for name, value in conditions.items()]
    items += [("property", "ccd"), ("property", "stability"), ("coverage", "0.8"), ("explain", "1")]
    query = read_query(CsvQuery, items, several="property")
    assert query.conditions() == Conditions(**conditions)
    assert query.properties == ["ccd", "stability"]
    assert (query.coverage, query.explain) == (0.8, True)
    assert read_query(CsvQuery, []).conditions() == Conditions()


@pytest.mark.parametrize(
    ("items", "part"),
    [
        ([("temprature_C", "60")], "did you mean temperature_C?"),
        ([("properties", "ccd")], "did you mean property?"),
        ([("temperature_C", "warm")], "temperature_C: expected a valid number, unable to parse string as a number"),
        ([("temperature_C", "")], 'received ""'),
        ([("temperature_C", "nan")], "finite"),
        ([("temperature_C", "9999")], "less than or equal to 1500"),
        ([("temperature_C", "60"), ("temperature_C", "70")], '"temperature_C" twice'),
        ([("property", "cdc")], "'conductivity', 'stability', 'ccd', 'mechanics' or 'polymer'"),
        ([("property", "ccd")] * 6, "at most 5"),
        ([("coverage", "1")], "coverage"),
        ([("explain", "perhaps")], "explain"),
    ],
)
def test_a_bad_query_is_refused_with_its_name(items: list[tuple[str, str]], part: str) -> None:
    """Before the body is read."""
    with pytest.raises(RequestError) as caught:
        read_query(CsvQuery, items, several="property")
    assert caught.value.status == 400
    assert part in caught.value.message
