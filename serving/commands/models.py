"""`elyte models`: what is served, and what the registry holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from serving.commands.model_card import card as model_card
from serving.commands.printing import echo_json
from serving.commands.signing import sign, verify
from training.properties import registry

if TYPE_CHECKING:
    from training.retraining.registry import ModelRegistry

EXIT_UNUSABLE = 2


@click.group(invoke_without_command=True, short_help="Show the served models and the registry.")
@click.pass_context
def models(ctx: click.Context) -> None:
    """Show the models that answer now."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


models.add_command(model_card)
models.add_command(sign)
models.add_command(verify)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_models(as_json: bool = False) -> None:
    """List the served models: version, origin, digest, metrics."""
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    try:
        cards = Predictor.load().models()
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        echo_json(cards)
        return
    for name, card in cards.items():
        click.echo(f"{name}: version {card['version']}, {card['origin']}, trained on {card['trained_on']}")
        click.echo(f"  digest {card['digest']}")
        for metric, value in card["metrics"].items():
            click.echo(f"  {metric} = {value:g}")


@models.command("history")
@click.option("--property", "property_name", type=click.Choice(registry.names()), help="Only this property.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def history(property_name: str | None, as_json: bool) -> None:
    """Show who made which version the champion, when, why and on what evidence.

    A promotion that a crash left unfinished is completed or noted first, by where the alias points.
    """
    from dataclasses import asdict

    from training.retraining.promotion import log_of, recover

    documents: dict[str, Any] = {}
    shipped = set()
    with _failing_clearly():
        for name in (property_name,) if property_name else registry.names():
            versions = _registry(name)
            recover(versions)
            alias = versions.alias()
            moves = [move for move in log_of(versions).read(name) if move.state != "begun"]
            version = None if alias is None else alias.version
            documents[name] = {"champion": version, "moves": [asdict(move) for move in moves]}
            shipped |= {name} if alias is not None and alias.is_shipped else set()
    if as_json:
        echo_json(documents)
        return
    for name, document in documents.items():
        champion = document["champion"] or "the shipped bundle (no version is champion)"
        click.echo(f"{name}: champion is {champion}{', the shipped bundle' if name in shipped else ''}")
        done = [move["version"] for move in document["moves"] if move["state"] == "done"]
        if document["champion"] not in (None, *done[-1:]):
            click.echo(
                f"  the alias was moved to {document['champion']} by other means: the promotion log does not hold it"
            )
        for move in document["moves"]:
            before = f" in place of {move['replaces']}" if move["replaces"] else ""
            abandoned = " (abandoned)" if move["state"] == "abandoned" else ""
            what = f"{move['action']} {move['version']}{before}{abandoned}"
            click.echo(f"  {move['when']}  {what} by {move['who']}: {move['why']}")


@models.command("rollback")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(registry.names()))
@click.option("--reason", required=True, help="Why; the promotion log keeps it.")
@click.option(
    "--to", "version", default=None, help="Registry version to go back to; default: the champion before this."
)
@click.option("--who", default=None, help="Who asks for this; default: the name of the user's account.")
def rollback(property_name: str, reason: str, version: str | None, who: str | None) -> None:
    """Make an earlier version of PROPERTY the champion again; only one that loads and passes its golden check.

    Commands ask it from now on, and a running service takes it at its next poll. The data that was rolled back is not
    promoted again by itself. The first version is the bundle that elyte ships.
    """
    from serving.commands.ledger import user
    from training.retraining.promotion import rollback as roll_back

    with _failing_clearly():
        versions = _registry(property_name)
        done = roll_back(versions, who=who or user(), why=reason, to=version)
        alias = versions.alias()
    which = ", the shipped bundle," if alias is not None and alias.is_shipped else ""
    click.echo(f"{property_name}: version {done.version}{which} is champion again in place of {done.replaces}")


@contextmanager
def _failing_clearly() -> Iterator[None]:
    """Turn what is wrong with the registry into a message and exit status 2."""
    from training.reachability import RegistryUnreachableError
    from training.retraining.locks import JobRunningError
    from training.retraining.promotion import PromotionError

    try:
        yield
    except (PromotionError, JobRunningError, RegistryUnreachableError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)


def _registry(property_name: str) -> ModelRegistry:
    from training.retraining.registry import ModelRegistry
    from training.tracking import default_tracking_uri

    return ModelRegistry(property_name, default_tracking_uri())
