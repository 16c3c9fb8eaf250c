"""Signed bundles: a manifest of the files' SHA-256, signed with the operator's Ed25519 key, beside the bundle.

The manifest is an in-toto statement in a DSSE envelope, as sigstore's tools write and read them; keys are PEM files as
OpenSSL makes them. A bundle whose signature is asked for (`ELYTE_BUNDLE_PUBLIC_KEY`) is loaded only if one of the named
keys signed exactly its files.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.bundle import ARRAYS_FILE, CARD_FILE, BundleError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_FILE = "bundle.intoto.json"
PUBLIC_KEY_VARIABLE, SIGNING_KEY_VARIABLE = "ELYTE_BUNDLE_PUBLIC_KEY", "ELYTE_BUNDLE_SIGNING_KEY"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE, PREDICATE_TYPE = "https://in-toto.io/Statement/v1", "urn:elyte:bundle:v1"
SIGNED_FILES = (ARRAYS_FILE, CARD_FILE)
_MAX_SIGNATURE_BYTES = 100_000


class SignatureError(BundleError):
    """A bundle is not signed, not by a trusted key, or is not what was signed; the message says which."""


class KeyFileError(ValueError):
    """A key cannot be used; the message says which file and what was expected."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds.

    Parameters
    ----------
    property, digest
        Of the bundle that was signed.
    key_id
        SHA-256 of the public key that signed it.
    """

    property: str
    digest: str
    key_id: str


def sign_bundle(folder: Path, key_file: Path) -> Signed:
    """Sign a bundle: write `bundle.intoto.json` beside its files.

    Parameters
    ----------
    folder
        Of the bundle, which must be whole.
    key_file
        Ed25519 private key, PEM.

    Raises
    ------
    BundleError
        If the bundle is not whole.
    KeyFileError
        If the key cannot be used.
    """
    from training.bundle import load_bundle

    key = _private_key(key_file)
    name = _property_of(folder)
    bundle = load_bundle(folder, expected_property=name)
    subjects = [{"name": file, "digest": {"sha256": _sha256(folder / file)}} for file in SIGNED_FILES]
    predicate = {"property": name, "digest": bundle.digest, "version": bundle.card.version}
    statement = {"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    identity = key_id(key.public_key())
    signature = {"keyid": identity, "sig": base64.b64encode(key.sign(_to_sign(payload))).decode()}
    envelope = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": [signature]}
    part = folder / f"{SIGNATURE_FILE}.part"
    part.write_text(json.dumps(envelope, indent=1) + "\n", encoding="ascii")
    os.replace(part, folder / SIGNATURE_FILE)
    return Signed(name, bundle.digest, identity)


def verify_bundle(folder: Path, keys: Sequence[Ed25519PublicKey]) -> Signed:
    """Check that one of some keys signed exactly the files of a bundle.

    Raises
    ------
    SignatureError
        If there is no signature, none by these keys, or a file is not the one that was signed.
    """
    from cryptography.exceptions import InvalidSignature

    payload, signatures = _envelope(folder)
    for key in keys:
        for signature in signatures:
            try:
                key.verify(signature, _to_sign(payload))
            except InvalidSignature:
                continue
            return _matched(folder, payload, key_id(key))
    raise SignatureError(f"{folder / SIGNATURE_FILE}: none of the {len(keys)} trusted keys signed it")


def trusted_keys() -> tuple[Ed25519PublicKey, ...]:
    """Return the keys of `ELYTE_BUNDLE_PUBLIC_KEY`, PEM files with commas between; none where it is not set.

    Raises
    ------
    KeyFileError
        If one cannot be used: a check that was asked for must not be off in silence.
    """
    named = os.environ.get(PUBLIC_KEY_VARIABLE, "")
    if not named.strip():
        return ()
    paths = [part.strip() for part in named.split(",") if part.strip()]
    if not paths:
        raise KeyFileError(f"{PUBLIC_KEY_VARIABLE}: received {named!r}, expected files of public keys")
    return tuple(public_key(Path(path)) for path in paths)


def require_signature(folder: Path) -> str | None:
    """Check a bundle against the keys that the environment names; return its signed digest, None where none is named.

    Raises
    ------
    SignatureError
        If it is not signed by one of them, or not what was signed.
    KeyFileError
        If a key cannot be used.
    """
    keys = trusted_keys()
    return verify_bundle(folder, keys).digest if keys else None


def signing_key_file() -> Path | None:
    """Return the key with which new versions are signed, `ELYTE_BUNDLE_SIGNING_KEY`; None where none is named."""
    named = os.environ.get(SIGNING_KEY_VARIABLE, "").strip()
    return Path(named) if named else None


def check_keys() -> None:
    """Read every key that the environment names, so that a wrong one is found before hours of fitting.

    Raises
    ------
    KeyFileError
        If one cannot be used.
    """
    trusted_keys()
    key_file = signing_key_file()
    if key_file is not None:
        _private_key(key_file)


def public_key(path: Path) -> Ed25519PublicKey:
    """Read an Ed25519 public key, PEM.

    Raises
    ------
    KeyFileError
        If it cannot be read or is another kind of key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = _pem(path, "load_pem_public_key")
    if not isinstance(found, Ed25519PublicKey):
        raise KeyFileError(f"{path}: expected an Ed25519 public key, not {type(found).__name__.lstrip('_')}")
    return found


def key_id(key: Ed25519PublicKey) -> str:
    """Return what a key is called: SHA-256 of its 32 bytes."""
    return sha256(key.public_bytes_raw()).hexdigest()


def _private_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    found = _pem(path, "load_pem_private_key", password=None)
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: expected an Ed25519 private key, not {type(found).__name__.lstrip('_')}")
    return found


def _pem(path: Path, reader: str, **options: None) -> object:
    try:
        from cryptography.hazmat.primitives import serialization
    except ModuleNotFoundError as error:
        raise KeyFileError("signatures need the package cryptography; install elyte[sign]") from error
    try:
        found: object = getattr(serialization, reader)(path.read_bytes(), **options)
    except OSError as error:
        raise KeyFileError(f"{path}: the key cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # no PEM; a key with a passphrase
        raise KeyFileError(f"{path}: expected a PEM file of an Ed25519 key without passphrase ({error})") from error
    return found


def _to_sign(payload: bytes) -> bytes:
    """Return the bytes that DSSE signs: type and payload with their lengths, so that neither passes for the other."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _envelope(folder: Path) -> tuple[bytes, list[bytes]]:
    path = folder / SIGNATURE_FILE
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_SIGNATURE_BYTES + 1)
    except FileNotFoundError:
        raise SignatureError(f"{folder} is not signed: there is no {SIGNATURE_FILE}") from None
    except OSError as error:
        raise SignatureError(f"{path} cannot be read: {error.strerror}") from error
    try:
        if len(text) > _MAX_SIGNATURE_BYTES:
            raise ValueError(f"larger than {_MAX_SIGNATURE_BYTES} bytes")
        told: Any = json.loads(text)
        if told["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"payload of type {told['payloadType']!r}")
        payload = base64.b64decode(told["payload"], validate=True)
        return payload, [base64.b64decode(one["sig"], validate=True) for one in told["signatures"]]
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
        raise SignatureError(f"{path} is no signed manifest: {error}") from error


def _matched(folder: Path, payload: bytes, identity: str) -> Signed:
    """Compare the files with a payload whose signature holds."""
    try:
        told = json.loads(payload)
        if (told["_type"], told["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise ValueError("it is about something else")
        subjects = {str(one["name"]): str(one["digest"]["sha256"]) for one in told["subject"]}
        signed = Signed(str(told["predicate"]["property"]), str(told["predicate"]["digest"]), identity)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SignatureError(f"{folder / SIGNATURE_FILE}: what was signed is no bundle of elyte: {error}") from error
    if set(subjects) != set(SIGNED_FILES) or subjects[CARD_FILE] != signed.digest:
        raise SignatureError(f"{folder / SIGNATURE_FILE}: what was signed is no bundle of elyte: {sorted(subjects)}")
    for file, digest in subjects.items():
        if _sha256(folder / file) != digest:
            raise SignatureError(f"{folder / file} is not the file that was signed: its sha256 differs")
    return signed


def _property_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / CARD_FILE).read_bytes())["property"])
    except OSError as error:
        raise BundleError(f"{folder / CARD_FILE} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{folder / CARD_FILE} is no card of an elyte bundle: {error}") from error


def _sha256(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SignatureError(f"{path} cannot be read: {error.strerror}") from error
