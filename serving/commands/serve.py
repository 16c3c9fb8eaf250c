"""`elyte serve`: the REST service on this machine."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import sys

import click


@click.command(short_help="Serve predictions over REST.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--mcp", "agents", is_flag=True, help="Serve tools for agents at /mcp, too (ELYTE_MCP=true).")
def serve(host: str, port: int, workers: int, agents: bool) -> None:
    """Serve predictions over REST until interrupted."""
    if importlib.util.find_spec("bentoml") is None:
        raise click.UsageError("serving needs BentoML; install elyte[serve]")
    from serving.agents.settings import MCP_VARIABLE, agents_are_served
    from serving.environment import ConfigurationError, read_flag, read_poll_seconds, shipped_models_only
    from serving.rest.admission import AdmissionLimits
    from serving.rest.protection import KEY_VARIABLE, Protection
    from serving.rest.rate_limits import RateLimit
    from training.signing import KeyFileError, trusted_keys

    if agents:
        os.environ[MCP_VARIABLE] = "true"
    try:
        AdmissionLimits.from_environment()
        agents_are_served()
        protection = Protection.from_environment()
        RateLimit.from_environment()
        read_poll_seconds()  # read by every worker; what none of them could start with is refused here
        shipped_models_only()
        trusted_keys()
        read_flag("ELYTE_LOG_CANDIDATES")
    except (ConfigurationError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    if not is_loopback(host) and not protection.key_digests:
        click.echo(
            f"warning: {host} can be reached from other machines and everyone there may ask; set {KEY_VARIABLE} and"
            " ELYTE_PROTECT_READS=true to demand a key",
            err=True,
        )
    environment = os.environ | {"BENTOML_DO_NOT_TRACK": os.environ.get("BENTOML_DO_NOT_TRACK", "true")}
    if workers > 1:  # BentoML 1.4 reads the number from here only; its --api-workers does nothing
        environment["BENTOML_CONFIG_OPTIONS"] = f"services.ElyteService.workers={workers}"
    address = "127.0.0.1" if host == "localhost" else host  # BentoML wants an address, not a name
    arguments = [
        sys.executable,
        "-m",
        "serving.rest.supervisor",
        "serve",
        "serving.rest.service:ElyteService",
        "--host",
        address,
        "--port",
        str(port),
        "--timeout-keep-alive",
        "75",
        "--timeout-graceful-shutdown",
        "15",
    ]
    os.execve(sys.executable, arguments, environment)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
