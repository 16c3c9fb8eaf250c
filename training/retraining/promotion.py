"""Moving the alias `champion`, and what makes that safe: a line before, one statement, a line after.

The alias is the truth. After a crash between the lines, the next command looks where it points and writes the second
line: done if it moved, abandoned if it did not. A job that finds its promotion abandoned makes it again.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from training.bundle import BundleError, load_bundle
from training.refitting.champion import Champion
from training.retraining.loading import is_sound, load_model
from training.retraining.locks import only_one
from training.retraining.promotion_log import Move, MoveKind, PromotionLog, State, state_folder
from training.retraining.registry import ModelRegistry
from training.signing import KeyFileError, SignatureError, require_signature
from training.tracking import AliasTarget

LOCK_SECONDS = 60.0
UNREGISTERED = "shipped"
SHIPPED_REASON = "the shipped bundle, registered so that there is a version to go back to"


class PromotionError(RuntimeError):
    """The alias was not moved; the message says why."""


def log_of(registry: ModelRegistry) -> PromotionLog:
    """Return the promotion log of a registry."""
    return PromotionLog(state_folder(registry.uri))


def recover(registry: ModelRegistry) -> list[Move]:
    """End the moves that a crash left open, by where the alias points; return the lines written. Safe to repeat."""
    log = log_of(registry)
    with only_one(log.folder, f"promotion-{registry.property_name}", "recovery", wait_seconds=LOCK_SECONDS):
        return _recover(registry, log)


def _recover(registry: ModelRegistry, log: PromotionLog) -> list[Move]:
    open_moves = log.open_moves(registry.property_name)
    if not open_moves:
        return []
    alias = registry.alias()
    ended = []
    for move in open_moves:
        arrived = alias is not None and alias.version == move.version and move is open_moves[-1]
        ended.append(move.now(State.DONE if arrived else State.ABANDONED))
        log.append(ended[-1])
    return ended


def first_champion(
    registry: ModelRegistry, shipped: Path | None, *, who: str, look_only: bool = False, of_elyte: bool = False
) -> Champion | None:
    """Return the champion; where there is none, register the shipped bundle and make it that.

    Where a bundle that an older elyte shipped is champion, the one that this elyte ships takes its place.

    Parameters
    ----------
    shipped
        Folder of the bundle that elyte ships, None where it ships none.
    look_only
        Change nothing: the shipped bundle stands in for a champion without being registered.
    of_elyte
        Whether `shipped` is the bundle of this installation, which is marked: what answers for it is always the one of
        the installation that is asked.

    Raises
    ------
    BundleError
        If the champion cannot be loaded.
    """
    if not look_only:
        recover(registry)
    alias = registry.alias()
    if shipped is not None and shipped.is_dir() and (alias is None or (of_elyte and alias.is_shipped)):
        bundle = load_bundle(shipped, expected_property=registry.property_name)
        is_champion = alias is not None and alias.digest == bundle.digest
        if look_only and not is_champion:
            model, bundle = load_model(registry.property_name, shipped, None)
            return Champion(UNREGISTERED, bundle.digest, bundle, model)
        if not is_champion:
            before = None if alias is None else alias.version
            target = registry.of_shipped(shipped, bundle, mark=of_elyte)
            move(registry, target, MoveKind.FIRST, who=who, why=SHIPPED_REASON, expected=before)
            alias = registry.alias()
    return None if alias is None else registry.load(alias)


def move(
    registry: ModelRegistry,
    target: AliasTarget,
    action: MoveKind,
    *,
    who: str,
    why: str,
    expected: str | None,
    evidence: dict[str, Any] | None = None,
) -> Move | None:
    """Point the alias `champion` at a version, and log it; None if it points there already.

    Parameters
    ----------
    expected
        The version that is replaced: the champion that the decision was taken against, None for no champion.
    evidence
        What goes into the log beside who and why.

    Raises
    ------
    PromotionError
        If another version is champion meanwhile, or the target's bundle is not sound.
    JobRunningError
        If another promotion is under way for longer than a minute.
    """
    log = log_of(registry)
    with only_one(log.folder, f"promotion-{registry.property_name}", who, wait_seconds=LOCK_SECONDS):
        _recover(registry, log)
        alias = registry.alias()
        here = None if alias is None else alias.version
        if here == target.version:
            return None
        if here != expected:
            raise PromotionError(
                f"{registry.property_name}: version {here} is champion now, the decision was taken against {expected};"
                " judge the challenger again (`elyte retrain --force-evaluate`)"
            )
        digest = _sound_digest(registry, target)
        begun = Move(
            uuid.uuid4().hex,
            State.BEGUN,
            action,
            registry.property_name,
            target.version,
            digest,
            here,
            who,
            why,
            evidence=evidence or {},
        ).now(State.BEGUN)
        log.append(begun)
        registry.point_at(target.version)
        done = begun.now(State.DONE)
        log.append(done)
    registry.note(target.version, {"action": str(action), "who": who, "when": done.when, "why": why, "replaces": here})
    return done


def _sound_digest(registry: ModelRegistry, target: AliasTarget) -> str:
    """Return the digest of a version's bundle once that was loaded and checked."""
    name = registry.property_name
    with registry.fetched(target) as folder:
        if target.digest is None or not is_sound(name, folder, target.digest):
            raise PromotionError(f"{name}: version {target.version} does not load or pass its checks")
        try:  # services that trust these keys only would refuse it; what elyte ships is answered by its own files
            if not target.is_shipped:
                require_signature(folder)
        except (SignatureError, KeyFileError) as error:
            raise PromotionError(f"{name}: version {target.version} must not be served: {error}") from error
    return target.digest


def rollback(registry: ModelRegistry, *, who: str, why: str, to: str | None = None) -> Move:
    """Make an earlier champion the champion again: the last one before this that is sound, or a chosen version.

    Raises
    ------
    PromotionError
        If there is no such version, or the chosen one is not sound.
    """
    recover(registry)
    alias = registry.alias()
    if alias is None:
        raise PromotionError(f"{registry.property_name}: there is no champion to roll back")
    candidates = [to] if to is not None else _earlier(log_of(registry), registry.property_name, alias.version)
    unsound = []
    for version in candidates:
        target = registry.by_version(version)
        try:
            if target is None:
                raise PromotionError(f"{registry.property_name}: the registry has no version {version}")
            done = move(registry, target, MoveKind.ROLLBACK, who=who, why=why, expected=alias.version)
        except (PromotionError, BundleError) as error:
            unsound.append(str(error))
            continue
        if done is None:
            raise PromotionError(f"{registry.property_name}: version {version} is the champion already")
        return done
    told = "; ".join(unsound) or "the promotion log knows no earlier champion; name one by --to"
    raise PromotionError(f"{registry.property_name}: nothing to roll back to: {told}")


def _earlier(log: PromotionLog, property_name: str, present: str) -> list[str]:
    """Return the versions that were champion before the present one, last first."""
    versions = [move.version for move in log.champions(property_name)]
    before = versions[: len(versions) - 1 - versions[::-1].index(present)] if present in versions else versions
    return [version for version in dict.fromkeys(reversed(before)) if version != present]
