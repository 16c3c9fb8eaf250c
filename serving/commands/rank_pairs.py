"""`elyte rank --pairs`: anolyte and catholyte from one or two tables, each judged on its own side of a cell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from serving.cli import EXIT_ROW_FAILED
from serving.commands.cell_options import cell_of_options
from serving.commands.printing import echo_json
from serving.models.lines import say_models

if TYPE_CHECKING:
    from features.candidate import RowError
    from serving.answers.request import CandidateInput
    from serving.ranking.pair_answer import PairOptions, PairsDocument

_Command = TypeVar("_Command", bound=Callable[..., Any])
TOP = 20
OF_PAIRS = ("catholytes", "c_rate", "capacity", "cutoff_v", "mutual")
NOT_OF_PAIRS = ("avoid", "require", "max_elements", "charge_balanced", "in_domain", "order", "batch_size", "output")


def pair_options(command: _Command) -> _Command:
    """Give the command the options of pairs."""
    options = (
        click.option("--pairs", is_flag=True, help="Rank pairs of anolyte and catholyte for one cell."),
        click.option(
            "--catholytes",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="With --pairs: table of catholytes; without it both sides come from --input.",
        ),
        click.option("--c-rate", type=float, help="With --pairs: rate that the cell must reach.  [default: 4]"),
        click.option("--capacity", type=float, help="With --pairs: mAh/cm2 of the cell.  [default: 5]"),
        click.option(
            "--cutoff", "cutoff_v", type=float, help="With --pairs: V of the charged cathode.  [default: 4.3]"
        ),
        click.option("--mutual", type=float, help="With --pairs: least eV/atom of their reaction.  [default: -0.05]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def refuse_alone(given: Mapping[str, Any]) -> None:
    """Refuse options of pairs without `--pairs`."""
    stated = [name for name in OF_PAIRS if given.get(name) is not None]
    if stated:
        raise click.UsageError(f"{', '.join(stated)}: of pairs only; give --pairs, too")


def run(input_file: Path, stated: Mapping[str, Any], *, as_json: bool) -> None:
    """Answer the command; `stated` are its options by name."""
    refused = [name for name in NOT_OF_PAIRS if stated.get(name)]
    if refused:
        raise click.UsageError(f"{', '.join(refused)}: not for pairs; --objective 'anolyte: ...' is")
    tables = (input_file, stated["catholytes"] or input_file)
    document = _ranked([_rows(path) for path in dict.fromkeys(tables)], _options(stated))
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
    else:
        from serving.ranking.pair_answer import pair_lines

        for line in pair_lines(document):
            click.echo(line)
    if document["failed"] or document["status"] == "empty":
        sys.exit(EXIT_ROW_FAILED)


def _options(stated: Mapping[str, Any]) -> PairOptions:
    from features.text import suggestion
    from serving.ranking.pair_answer import PairOptions
    from serving.ranking.presets import PairPreset

    names = [str(one) for one in PairPreset]
    preset = stated["preset"] or names[0]
    if preset not in names:
        words = f"'{preset}' is no preset of pairs{suggestion(preset, names)}; there are: {', '.join(names)}"
        raise click.UsageError(words)
    more = {"cutoff_V": stated["cutoff_v"], "mutual_eV_per_atom": stated["mutual"]}
    return PairOptions(
        cell_of_options(stated),
        stated["objectives"],
        PairPreset(preset),
        top=stated["top"] or TOP,
        coverage=stated["coverage"],
        **{name: value for name, value in more.items() if value is not None},
    )


def _rows(path: Path) -> list[CandidateInput | RowError]:
    from serving.answers.input_tables import InputTableError, read_candidates_file

    try:
        table = read_candidates_file(path)
    except InputTableError as error:
        raise click.UsageError(str(error)) from error
    if table.ignored:
        click.echo(f"columns not used: {', '.join(table.ignored)}", err=True)
    return table.rows


def _ranked(tables: Sequence[list[CandidateInput | RowError]], options: PairOptions) -> PairsDocument:
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor
    from serving.ranking.objectives import ObjectiveError
    from serving.ranking.pair_answer import properties_of_pairs

    try:
        predictor = Predictor.load(properties=properties_of_pairs(options))
        return predictor.rank_pairs(tables[0], tables[-1], options)
    except (ModelUnavailableError, ObjectiveError) as error:
        raise click.UsageError(str(error)) from error
