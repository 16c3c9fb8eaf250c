"""`elyte generate`: candidates from formula patterns and from families of known materials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.commands.printing import echo_json

if TYPE_CHECKING:
    from serving.generation.request import GenerationRequest


@click.command(short_help="Generate candidates from patterns and parents.")
@click.argument("patterns", nargs=-1, metavar="[PATTERN|VARIABLE=VALUES]...")
@click.option("--parent", "parents", multiple=True, metavar="FORMULA", help="Grow families from this material.")
@click.option("--dope", is_flag=True, help="Ions of another charge, alike in size; lithium keeps the balance.")
@click.option("--anions", is_flag=True, help="Halides for halides, chalcogenides for chalcogenides.")
@click.option("--swap", is_flag=True, help="Whole elements for those that stand in for them in known structures.")
@click.option("--high-entropy", metavar="A,B,...", help="Share a site among these elements.")
@click.option("--n", "count", type=click.IntRange(2), default=4, show_default=True, help="How many share the site.")
@click.option("--step", type=float, help="Shares of the site on a grid of this step; without it equal shares.")
@click.option("--site", metavar="ELEMENT", help="Whose site is shared; without it the first of them in the parent.")
@click.option(
    "--steps", metavar="VALUES", help="Doped ions per formula, 0.1,0.2 or 0.1:0.5:0.1.  [default: 0.1:0.5:0.1]"
)
@click.option("--together", type=click.IntRange(1, 3), default=1, show_default=True, help="Substitutions at a time.")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Stand-ins of each element (--swap).")
@click.option(
    "--radius-tolerance", type=click.FloatRange(0.0), help="Largest difference of radii in A.  [default: 0.35]"
)
@click.option("--elements", metavar="A,B,...", help="Only these may be put in.")
@click.option("--allow", metavar="A,B,...", help="Allow toxic, scarce or radioactive elements by name.")
@click.option("--exclude", metavar="A,B,...", help="These may not be put in.")
@click.option("--balanced", is_flag=True, help="Drop what no common oxidation states balance; the number is told.")
@click.option("--new", "new_only", is_flag=True, help="Drop known materials.")
@click.option("--lithium", "lithium_only", is_flag=True, help="Drop what holds no lithium.")
@click.option("--max-elements", type=click.IntRange(1), help="Largest number of elements.")
@click.option(
    "--max", "most", type=click.IntRange(1), help="At most so many candidates: the first, or with --seed any."
)
@click.option("--seed", type=click.IntRange(0), help="Draw the --max candidates at random.")
@click.option("--known/--no-known", default=True, show_default=True, help="Mark known materials and name the nearest.")
@click.option("--output", type=click.Path(path_type=Path), help="Write a .csv, .jsonl or .parquet file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def generate(most: int | None, seed: int | None, output: Path | None, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """Generate charge-balanced candidates, without duplicates, known ones marked; CSV on standard output.

    \b
    elyte generate 'Li{6-x}PS{5-x}Cl{1+x}' x=0:0.8:0.1
    elyte generate 'Li6-xPS5-xCl1+x' 'Li3{Y,In,Sc}{Cl,Br}6' x=0:0.8:0.1
    elyte generate --parent Li7La3Zr2O12 --dope --output garnets.csv
    elyte generate --parent Li3YCl6 --high-entropy Y,In,Sc,Er,Yb --n 4
    """  # noqa: D301
    from features.errors import CandidateError
    from serving.generation import output as tables
    from serving.generation.errors import GenerationError
    from serving.generation.known import KnownMaterials
    from serving.generation.request import generate as make
    from serving.generation.table import Selection
    from serving.models.store import ModelUnavailableError

    try:
        if output is not None and output.suffix.lower() not in tables.ENDINGS:
            raise GenerationError(f"{output}: expected a file that ends in {', '.join(tables.ENDINGS)}")
        request = _request(given)
        selection = Selection(
            given["balanced"], given["max_elements"], given["lithium_only"], given["new_only"], most, seed
        )
        known = KnownMaterials.of_served_models() if given["known"] or given["new_only"] else None
        candidates = make(request, selection, known)
        if output is not None:
            tables.write_table(candidates, output)
    except (GenerationError, CandidateError, ModelUnavailableError) as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{output}: {error.strerror}") from error
    if as_json:
        echo_json(tables.document(candidates))
    elif output is None:
        click.echo(tables.csv_text(candidates), nl=False)
    for line in tables.summary_lines(candidates):
        click.echo(line, err=True)


def _request(given: dict[str, Any]) -> GenerationRequest:
    from serving.generation.families import DEFAULT_STEPS, RADIUS_TOLERANCE_A, Limits
    from serving.generation.request import GenerationRequest, Mixture
    from serving.generation.variables import is_assignment, read_variable

    variables = dict(read_variable(text) for text in given["patterns"] if is_assignment(text))
    steps = tuple(read_variable(f"x={given['steps']}")[1].tolist()) if given["steps"] else DEFAULT_STEPS
    tolerance = given["radius_tolerance"]
    only = _elements(given["elements"])
    limits = Limits(
        elements=None if only is None else frozenset(only),
        allow=frozenset(_elements(given["allow"]) or ()),
        exclude=frozenset(_elements(given["exclude"]) or ()),
        radius_tolerance_A=RADIUS_TOLERANCE_A if tolerance is None else tolerance,
        steps=steps,
        together=given["together"],
    )
    shared = _elements(given["high_entropy"])
    site = _elements(given["site"])
    return GenerationRequest(
        patterns=tuple(text for text in given["patterns"] if not is_assignment(text)),
        variables=variables,
        parents=given["parents"],
        dope=given["dope"],
        swap=given["swap"],
        anions=given["anions"],
        mixture=Mixture(shared, given["count"], given["step"], site[0] if site else None) if shared else None,
        limits=limits,
        top_swaps=given["top"],
    )


def _elements(text: str | None) -> tuple[str, ...] | None:
    """Read `Y,In,Sc`."""
    from features.elements import ATOMIC_NUMBER
    from serving.generation.errors import GenerationError

    if text is None:
        return None
    symbols = tuple(part.strip() for part in text.split(","))
    if unknown := [symbol for symbol in symbols if symbol not in ATOMIC_NUMBER]:
        raise GenerationError(f"'{unknown[0]}' is not an element; expected symbols with commas, such as Y,In,Sc")
    return tuple(dict.fromkeys(symbols))
