"""Signed bundles: a service that trusts a key serves what that key signed, and nothing else."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from champions import World
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from serving.cli import elyte
from serving.models.store import ModelUnavailableError, load_models
from serving.rest.lifecycle import ModelKeeper
from training.retraining.promotion import MoveKind, PromotionError, move
from training.retraining.registry import ModelRegistry
from training.signing import (
    PUBLIC_KEY_VARIABLE,
    SIGNATURE_FILE,
    SIGNING_KEY_VARIABLE,
    KeyFileError,
    SignatureError,
    check_keys,
    public_key,
    sign_bundle,
    trusted_keys,
    verify_bundle,
)

NAME = "conductivity"


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a key and its public half."""
    key = Ed25519PrivateKey.generate()
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return secret, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path, "bundle")


@pytest.fixture
def signed(tmp_path: Path, bundles: Path, keys: tuple[Path, Path]) -> Path:
    """A signed copy of the bundle of conductivity, in a folder of bundles."""
    folder = Path(shutil.copytree(bundles / NAME, tmp_path / "own" / NAME))
    sign_bundle(folder, keys[0])
    return folder


def change_a_number(folder: Path) -> None:
    path = folder / "arrays.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_the_card(folder: Path) -> None:
    path = folder / "card.json"
    path.write_text(path.read_text().replace('"summary": "', '"summary": "Better: '))


def change_what_is_signed(folder: Path) -> None:
    path = folder / SIGNATURE_FILE
    told = json.loads(path.read_text())
    payload = base64.b64decode(told["payload"]).replace(b'"property":"conductivity"', b'"property":"conductivitx"')
    path.write_text(json.dumps(told | {"payload": base64.b64encode(payload).decode()}))


def take_the_signature_away(folder: Path) -> None:
    (folder / SIGNATURE_FILE).unlink()


def sign_nothing(folder: Path) -> None:
    path = folder / SIGNATURE_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"signatures": []}))


def no_json(folder: Path) -> None:
    (folder / SIGNATURE_FILE).write_text("[" * 10_000)


def another_payload_type(folder: Path) -> None:
    path = folder / SIGNATURE_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"payloadType": "text/plain"}))


def test_a_signature_holds_for_the_key_that_made_it_only(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    (_, public), (_, other) = keys, key_pair(tmp_path, "other")
    found = verify_bundle(signed, [public_key(other), public_key(public)])  # keys may be changed one after the other
    assert (found.property, len(found.digest), len(found.key_id)) == (NAME, 64, 64)
    with pytest.raises(SignatureError, match="none of the 1 trusted keys signed it"):
        verify_bundle(signed, [public_key(other)])


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (change_a_number, "arrays.npz is not the file that was signed"),
        (change_the_card, "card.json is not the file that was signed"),
        (change_what_is_signed, "none of the 1 trusted keys signed it"),
        (take_the_signature_away, "is not signed"),
        (sign_nothing, "none of the 1 trusted keys signed it"),
        (no_json, "is no signed manifest"),
        (another_payload_type, "is no signed manifest"),
    ],
)
def test_what_is_not_what_was_signed_is_refused_with_the_reason(
    signed: Path,
    keys: tuple[Path, Path],
    tamper: Callable[[Path], None],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    assert set(load_models(str(signed.parent), [NAME])) == {NAME}
    tamper(signed)
    with pytest.raises(SignatureError, match=message):
        verify_bundle(signed, [public_key(keys[1])])
    with pytest.raises(ModelUnavailableError, match=message):
        load_models(str(signed.parent), [NAME])


def test_openssl_makes_the_keys_and_checks_the_signature(signed: Path, tmp_path: Path) -> None:
    """As the documentation has it: nothing of ours is needed to check what was signed."""
    secret, public = tmp_path / "o.key", tmp_path / "o.pub"
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(secret)])
    run(["openssl", "pkey", "-in", str(secret), "-pubout", "-out", str(public)])
    sign_bundle(signed, secret)
    told = json.loads((signed / SIGNATURE_FILE).read_text())
    payload, kind = base64.b64decode(told["payload"]), told["payloadType"].encode()
    (tmp_path / "signed").write_bytes(b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload]))
    (tmp_path / "sig").write_bytes(base64.b64decode(told["signatures"][0]["sig"]))
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    run([*check, "-in", str(tmp_path / "signed"), "-sigfile", str(tmp_path / "sig")])
    statement = json.loads(payload)
    assert {one["name"] for one in statement["subject"]} == {"card.json", "arrays.npz"}


def run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip("no openssl on this machine")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_service_that_trusts_a_key_serves_what_it_signed_and_refuses_the_rest(
    world: World, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    world.registry.promote(NAME, world.add("v1", 0.5))
    keeper: ModelKeeper = world.loaded()
    assert world.header()["origin"] == "shipped bundle"  # which is part of elyte
    assert keeper.notes()[NAME]["refused"]["reason"] == "not_signed"
    assert [event["reason_code"] for event in events if event["event"] == "model_refused"] == ["not_signed"]
    sign_bundle(world.folder / "v1" / NAME, keys[0])
    assert set(keeper.check(anew=True)) == {NAME}
    assert world.header()["version"] == "v1"
    second = world.add("v2", 0.7)
    sign_bundle(world.folder / "v2" / NAME, keys[0])
    change_the_card(world.folder / "v2" / NAME)
    world.registry.promote(NAME, second)
    assert keeper.check() == {}
    assert keeper.notes()[NAME]["refused"]["reason"] == "not_signed"
    assert world.header()["version"] == "v1"


def test_what_services_would_refuse_does_not_become_champion(
    world: World, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = ModelRegistry(NAME, world.registry.uri)
    target = registry.by_version(world.add("v1", 0.5))
    assert target is not None
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    with pytest.raises(PromotionError, match=r"must not be served: .* is not signed"):
        move(registry, target, MoveKind.PROMOTE, who="JD", why="better", expected=None)
    sign_bundle(world.folder / "v1" / NAME, keys[0])
    assert move(registry, target, MoveKind.PROMOTE, who="JD", why="better", expected=None) is not None


def test_what_is_registered_is_signed_where_a_key_is_named(
    world: World, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.bundle import load_bundle
    from training.tracking import log_training

    monkeypatch.setenv(SIGNING_KEY_VARIABLE, str(keys[0]))
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    folder = world.shipped / NAME
    bundle = load_bundle(folder, expected_property=NAME)
    registered = log_training(bundle.card, folder, bundle.digest, {}, tracking_uri=world.registry.uri)
    assert not (folder / SIGNATURE_FILE).exists()  # a copy was signed
    world.registry.promote(NAME, registered.version)
    world.loaded()
    assert world.header()["origin"] == f"registry champion, version {registered.version}"
    checked = cli("models", "verify", "--json")
    assert checked.exit_code == 0
    bundles = json.loads(checked.stdout)["bundles"]
    assert (bundles[NAME]["signed"], bundles[NAME]["digest"]) == (True, bundle.digest)
    assert bundles["stability"]["signed"] is None


def test_a_version_that_cannot_be_fetched_is_no_unsigned_one(
    world: World, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 1 would say that somebody changed it."""
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    world.registry.promote(NAME, world.add("v1", 0.5))
    shutil.rmtree(world.folder / "v1" / NAME)
    checked = cli("models", "verify")
    assert (checked.exit_code, checked.stdout) == (2, "")
    assert "cannot be fetched" in checked.stderr


@pytest.mark.parametrize("content", [None, b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_cannot_be_used_is_an_error_and_switches_nothing_off(
    tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "k.pub"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(path))
    with pytest.raises(KeyFileError, match=r"k\.pub"):
        trusted_keys()
    started = cli("serve", "--port", "9")
    assert started.exit_code == 2
    assert "k.pub" in started.stderr
    monkeypatch.delenv(PUBLIC_KEY_VARIABLE)
    monkeypatch.setenv(SIGNING_KEY_VARIABLE, str(path))
    with pytest.raises(KeyFileError, match=r"k\.pub"):
        check_keys()


def test_other_kinds_of_keys_are_refused(tmp_path: Path, signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = generate_private_key(65537, 2048)
    (tmp_path / "rsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "rsa.pub").write_bytes(public)
    with pytest.raises(KeyFileError, match="expected an Ed25519 private key"):
        sign_bundle(signed, tmp_path / "rsa.key")
    with pytest.raises(KeyFileError, match="expected an Ed25519 public key"):
        public_key(tmp_path / "rsa.pub")
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, " , ")
    with pytest.raises(KeyFileError, match="expected files of public keys"):
        trusted_keys()


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(elyte, arguments)


def test_commands_sign_and_verify(tmp_path: Path, bundles: Path, keys: tuple[Path, Path]) -> None:
    folder = Path(shutil.copytree(bundles / NAME, tmp_path / NAME))
    unsigned = cli("models", "verify", str(folder), "--public-key", str(keys[1]))
    assert unsigned.exit_code == 1
    assert "is not signed" in unsigned.stderr
    done = cli("models", "sign", str(folder), "--key", str(keys[0]), "--json")
    assert done.exit_code == 0
    (told,) = json.loads(done.stdout).values()
    checked = cli("models", "verify", str(folder), "--public-key", str(keys[1]))
    assert checked.exit_code == 0
    assert f"signed by key {told['key_id']}" in checked.stdout
    assert cli("models", "verify", str(folder)).exit_code == 2  # against which key?
    change_a_number(folder)
    assert cli("models", "verify", str(folder), "--public-key", str(keys[1])).exit_code == 1
    assert cli("models", "sign", str(folder), "--key", str(keys[0])).exit_code == 2  # only what is whole
