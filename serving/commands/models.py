"""`elyte models`: what is served, and what the registry holds."""

from __future__ import annotations

import click


@click.group(invoke_without_command=True, short_help="Show the served models and the registry.")
@click.pass_context
def models(ctx: click.Context) -> None:
    """Show the models that answer now."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_models(as_json: bool = False) -> None:
    """List the served models: version, origin, digest, metrics."""
    from serving.model_store import ModelUnavailableError
    from serving.predictor import Predictor

    try:
        cards = Predictor.load().models()
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        import orjson

        click.echo(orjson.dumps(cards, option=orjson.OPT_INDENT_2).decode())
        return
    for name, card in cards.items():
        click.echo(f"{name}: version {card['version']}, {card['origin']}, trained on {card['trained_on']}")
        click.echo(f"  digest {card['digest']}")
        for metric, value in card["metrics"].items():
            click.echo(f"  {metric} = {value:g}")
