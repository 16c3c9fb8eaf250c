"""The command `elyte`. Subcommands are imported when they run, so that `elyte --help` answers at once."""

from __future__ import annotations

import importlib
import sys

import click

# command -> (module, attribute, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "predict": ("serving.commands.predict", "predict", "Predict properties of formulas, CIFs or a table."),
    "interface": (
        "serving.commands.interface",
        "interface",
        "Reactions with lithium, cathodes, coatings and water.",
    ),
    "coatings": ("serving.commands.coatings", "coatings", "Coatings between an electrolyte and a cathode, or lithium."),
    "ccd-grid": (
        "serving.commands.condition_grid",
        "condition_grid",
        "Critical current density over a grid of conditions.",
    ),
    "generate": ("serving.commands.generate", "generate", "Generate candidates from patterns and parents."),
    "synthesis": ("serving.commands.synthesis", "synthesis", "Precursors, reactions and masses for a material."),
    "relax": ("serving.commands.relax", "relax", "Energy of a crystal as drawn in its CIF, by a universal potential."),
    "rank": ("serving.commands.rank", "rank", "Rank candidates by objectives, with probabilities and reasons."),
    "pathways": ("serving.commands.pathways", "pathways", "Lithium's ways through a crystal: a picture of a CIF."),
    "rate": ("serving.commands.rate", "rate", "Rate that a cell of two electrolytes reaches, and what limits it."),
    "screen": ("serving.commands.screen", "screen", "Screen millions of candidates from Parquet to Parquet."),
    "serve": ("serving.commands.serve", "serve", "Serve predictions over REST."),
    "mcp": ("serving.commands.mcp", "mcp", "Serve tools to a language-model agent (MCP)."),
    "train": ("serving.commands.train", "train", "Fit a property's model, track and register it."),
    "retrain": ("serving.commands.retrain", "retrain", "Judge new measurements, refit, promote what passes."),
    "evaluate": ("serving.commands.evaluate", "evaluate", "Score a property's recipe on its held-out data."),
    "data": ("serving.commands.data", "data", "Public tables, and the ledger of the lab's own measurements."),
    "monitor": ("serving.commands.monitor", "monitor", "Say whether to retrain or distrust the served models."),
    "suggest": ("serving.commands.suggest", "suggest", "Name the measurements that would teach the model most."),
    "models": ("serving.commands.models", "models", "Show the served models and the registry."),
}
EXIT_ROW_FAILED, EXIT_UNUSABLE = 1, 2


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="elyte")
def elyte() -> None:
    """Predict, with honest uncertainty, whether a solid electrolyte is worth making.

    Exit status: 0 all rows ok, 1 some row failed, 2 unusable call.
    """


def main() -> None:
    """Run the command line."""
    try:
        status = elyte(standalone_mode=False)  # what `ctx.exit` was given, None where a command just ends
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show(file=sys.stderr)
        sys.exit(EXIT_UNUSABLE)
    except BrokenPipeError:
        sys.exit(0)
