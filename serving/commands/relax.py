"""`elyte relax`: energy of a crystal as drawn in its CIF, beside what the formula alone says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE
from serving.cli import EXIT_ROW_FAILED
from serving.commands.printing import echo_json

if TYPE_CHECKING:
    from serving.structures.answer import StructureJudge
    from serving.structures.document import StructureRow, StructuresDocument
    from serving.structures.request import StructureRequest

MOST_ATOMS = 100
_STRUCTURE_FILE = re.compile(r"(?i:.+\.(?:cif|vasp|poscar))|(?:POSCAR|CONTCAR).*")
POTENTIALS = ("sevenn-0", "sevenn-l3i5", "chgnet")


@click.command(short_help="Energy of a crystal as drawn in its CIF, by a universal potential.")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE|FOLDER..."
)
@click.option("--above-hull", is_flag=True, help="Place it on the hull (always done; for scripts that say so).")
@click.option("--block", help="Data block of a CIF, id of an OPTIMADE entry.  [default: the first]")
@click.option("--potential", type=click.Choice(POTENTIALS), default=POTENTIALS[0], show_default=True)
@click.option("--elastic", is_flag=True, help="Elastic constants by twelve strained relaxations besides.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Relaxed CIF of one file; for several or a folder, the folder of results, which goes on where it was broken.",
)
@click.option("--most-atoms", type=click.IntRange(2, 500), default=MOST_ATOMS, show_default=True, help="In the cell.")
@click.option("--most-steps", type=click.IntRange(1, 5000), default=300, show_default=True, help="Of the relaxation.")
@click.option("--most-seconds", type=click.FloatRange(1.0), help="Longest time for one relaxation.  [default: none]")
@click.option(
    "--coverage",
    type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE),
    default=DEFAULT_COVERAGE,
    show_default=True,
    help="Coverage of the intervals.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def relax(paths: tuple[Path, ...], above_hull: bool, output: Path | None, as_json: bool, **wishes: object) -> None:
    """Relax crystals and place them on the hull, beside what their formulas alone say.

    Files are CIFs, POSCARs or OPTIMADE documents, told apart by their content; of a folder its *.cif, *.vasp, *.poscar,
    POSCAR* and CONTCAR*. Disordered crystals are answered by one ordered arrangement. Needs the extra `structure`.
    Exit status: 0 all answered, 1 a file cannot be answered, 2 unusable call.
    """
    del above_hull
    from serving.models.store import ModelUnavailableError
    from serving.structures.answer import StructureJudge
    from training.structures.potentials import PotentialNotInstalledError

    files = _files(paths)
    is_folder = output is not None and (len(files) > 1 or output.is_dir() or output.suffix != ".cif")
    try:
        judge = StructureJudge.load(str(wishes["potential"]))
    except (PotentialNotInstalledError, ModelUnavailableError) as error:
        raise click.UsageError(str(error)) from error
    if output is not None:
        _check_output(output, files, is_folder=is_folder)
    try:
        document = _answer(judge, files, output, is_folder=is_folder, as_json=as_json, wishes=wishes)
    except OSError as error:
        raise click.ClickException(f"--output cannot be written: {error}") from error
    if as_json:
        echo_json(document)
    else:
        from serving.structures.terminal import terminal_lines

        for row in document["results"]:
            for line in terminal_lines(row):
                click.echo(line)
    if any(row["status"] == "error" for row in document["results"]):
        sys.exit(EXIT_ROW_FAILED)


def _files(paths: tuple[Path, ...]) -> list[Path]:
    from serving.structures.folder import relaxed_name

    found: list[Path] = []
    for path in paths:
        listed = sorted(path.iterdir()) if path.is_dir() else []
        inside = [one for one in listed if _STRUCTURE_FILE.fullmatch(one.name) and not one.is_dir()]
        if path.is_dir() and not inside:
            raise click.UsageError(f"{path}: no *.cif, *.vasp, *.poscar, POSCAR or CONTCAR in this folder")
        found += inside or [path]
    names = [relaxed_name(path.name) for path in found]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise click.UsageError(f"two files would give {doubled[0]}; results are named after their files")
    return found


def _check_output(output: Path, files: list[Path], *, is_folder: bool) -> None:
    """Refuse, before anything is relaxed, what could not be written, or would take the place of what is read."""
    if is_folder:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise click.UsageError(f"--output: no folder can be made at {output}: {error.strerror}") from error
    elif not output.parent.is_dir():
        raise click.UsageError(f"--output: there is no folder {output.parent}")
    elif output.exists() and any(output.samefile(path) for path in files):
        raise click.UsageError(f"--output: {output} is the file that is read; name another one")
    if not os.access(output if is_folder else output.parent, os.W_OK):
        raise click.UsageError(f"--output: {output if is_folder else output.parent} cannot be written to")


def _answer(
    judge: StructureJudge,
    files: list[Path],
    output: Path | None,
    *,
    is_folder: bool,
    as_json: bool,
    wishes: dict[str, object],
) -> StructuresDocument:
    from serving.structures.folder import FolderRun, placed
    from serving.structures.request import StructureRequest
    from training.structures.relaxation import RelaxationLimits
    from training.whole_files import write_whole

    limits = RelaxationLimits(most_steps=int(str(wishes["most_steps"])), most_seconds=wishes["most_seconds"])  # type: ignore[arg-type]
    most_atoms = int(str(wishes["most_atoms"]))

    def answer(request: StructureRequest) -> StructureRow:
        return judge.judge(request, limits=limits, most_atoms=most_atoms)

    asked = [(path, _request(path, wishes)) for path in files]
    if output is not None and is_folder:
        run = FolderRun(output, most_atoms, f"{judge.pair.versions}{judge.headers}{limits}")
        rows = run.run(asked, answer, lambda count, known: _say(count, len(files), known, as_json=as_json))
    else:
        rows = []
        for index, (path, request) in enumerate(asked):
            row = placed(answer(request) if isinstance(request, StructureRequest) else request, path, index)
            rows.append(row)
            text = row.get("relaxed_cif")
            if output is not None and text is not None:
                write_whole(output, text.encode())
    return judge.document(rows)


def _request(path: Path, wishes: dict[str, object]) -> StructureRequest | StructureRow:
    """Return what is asked of a file; of one that cannot be read its row."""
    from pydantic import ValidationError

    from features.candidate import RowError
    from features.crystal_formats.objects import fields_of
    from features.errors import CandidateError
    from serving.structures.answer import failed_row
    from serving.structures.request import StructureRequest

    try:
        fields = fields_of(path)
    except CandidateError as error:
        return failed_row(RowError(0, None, error.code, error.message))
    given = {**fields, **{name: wishes[name] for name in ("block", "potential", "elastic", "coverage")}}
    try:
        return StructureRequest.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _say(count: int, of: int, known: bool, *, as_json: bool) -> None:
    if sys.stderr.isatty() or not as_json:
        click.echo(f"\r{count}/{of} files{' (known)' if known else ''}", err=True, nl=count == of)
