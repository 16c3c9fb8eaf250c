"""`elyte models sign` and `elyte models verify`: bundles signed by a key of the operator's."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.printing import echo_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EXIT_NOT_SIGNED, EXIT_UNUSABLE = 1, 2
_FOLDERS = click.Path(exists=True, file_okay=False, path_type=Path)
_KEY = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("sign")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=_FOLDERS)
@click.option("--key", "key_file", required=True, type=_KEY, help="Ed25519 private key, PEM, without passphrase.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def sign(folders: Sequence[Path], key_file: Path, as_json: bool) -> None:
    """Sign the bundle in each FOLDER: its files' SHA-256, signed, in `bundle.intoto.json` beside them.

    A key is made by `openssl genpkey -algorithm ed25519 -out bundle.key`, its public half for services by
    `openssl pkey -in bundle.key -pubout -out bundle.pub`. With ELYTE_BUNDLE_SIGNING_KEY set, training and retraining
    sign what they register.
    """
    from training.signing import sign_bundle

    with _failing_clearly():
        signed = {str(folder): sign_bundle(folder, key_file) for folder in folders}
    if as_json:
        echo_json(
            {place: {"property": s.property, "digest": s.digest, "key_id": s.key_id} for place, s in signed.items()}
        )
        return
    for place, one in signed.items():
        click.echo(f"{place}: {one.property}, digest {one.digest}, signed by key {one.key_id}")


@click.command("verify")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=_FOLDERS)
@click.option(
    "--public-key",
    "key_files",
    multiple=True,
    type=_KEY,
    help="Ed25519 public key, PEM; may be repeated. Default: those of ELYTE_BUNDLE_PUBLIC_KEY.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(folders: Sequence[Path], key_files: Sequence[Path], as_json: bool) -> None:
    """Check that a trusted key signed exactly the bundle in each FOLDER; without FOLDER, the registry's champions.

    Exit status: 0 all are signed, 1 one is not, or not what was signed, 2 unusable call.
    """
    with _failing_clearly():
        keys = _keys(key_files)
        found = {str(folder): _verified(folder, keys) for folder in folders} if folders else _champions(keys)
    is_signed = all(one["signed"] is not False for one in found.values())
    if as_json:
        echo_json({"ok": is_signed, "bundles": found})
    else:
        for place, one in found.items():
            click.echo(f"{place}: {one['message']}", err=one["signed"] is False)
    if not is_signed:
        sys.exit(EXIT_NOT_SIGNED)


def _keys(key_files: Sequence[Path]) -> tuple[Ed25519PublicKey, ...]:
    from training.signing import PUBLIC_KEY_VARIABLE, public_key, trusted_keys

    keys = tuple(public_key(path) for path in key_files) or trusted_keys()
    if not keys:
        raise click.UsageError(f"no key to check against; expected --public-key FILE or {PUBLIC_KEY_VARIABLE}=FILE")
    return keys


def _verified(folder: Path, keys: Sequence[Ed25519PublicKey]) -> dict[str, str | bool | None]:
    from training.signing import SignatureError, verify_bundle

    try:
        signed = verify_bundle(folder, keys)
    except SignatureError as error:
        return {"signed": False, "digest": None, "key_id": None, "message": str(error)}
    message = f"{signed.property}, digest {signed.digest}, signed by key {signed.key_id}"
    return {"signed": True, "digest": signed.digest, "key_id": signed.key_id, "message": message}


def _champions(keys: Sequence[Ed25519PublicKey]) -> dict[str, dict[str, str | bool | None]]:
    """Check every champion of the registry; what elyte ships is part of the program."""
    from serving.models.store import ModelUnavailableError, look_up_champion, registry_uri
    from training.properties import registry
    from training.tracking import fetch_version

    uri = registry_uri()
    if uri is None:
        raise click.UsageError("there is no registry whose champions could be checked; expected FOLDER...")
    found: dict[str, dict[str, str | bool | None]] = {}
    for name in registry.names():
        target = look_up_champion(name, uri)
        if target is None or target.is_shipped:
            message = "the bundle that elyte ships answers, which is part of elyte"
            found[name] = {"signed": None, "digest": None, "key_id": None, "message": message}
            continue
        with tempfile.TemporaryDirectory(prefix="elyte-verify-") as folder:
            try:
                place = fetch_version(name, target, Path(folder), tracking_uri=uri)
            except Exception as error:  # MLflow lets the errors of its stores and of the network through
                raise ModelUnavailableError(f"{name}: version {target.version} cannot be fetched: {error}") from error
            found[name] = _verified(place, keys)
    return found


@contextmanager
def _failing_clearly() -> Iterator[None]:
    """Turn what is wrong with a key, a bundle or the registry into a message and exit status 2."""
    from serving.models.store import ModelUnavailableError
    from training.bundle import BundleError
    from training.signing import KeyFileError

    try:
        yield
    except (BundleError, KeyFileError, ModelUnavailableError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)
