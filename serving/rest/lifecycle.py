"""Which models answer: loads them, follows the registry's champions, swaps between requests, refuses broken ones.

A champion is served after its digest and its golden predictions were checked and it answered its first questions.
Until then, and whenever that fails, what answered before goes on answering: at the start that is the bundle that elyte
ships. A request keeps the predictor that it started with, so a swap fails none. What the ledger holds is followed too.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.environment import read_poll_seconds, shipped_models_only
from serving.models.laboratory import NO_LEDGER, leading_with_ledger, ledger_version
from serving.models.store import (
    REFUSAL_WORDS,
    ModelUnavailableError,
    RefusalReason,
    RefusedModelError,
    RegistryError,
    ServedModel,
    load_champion,
    load_shipped,
    look_up_champion,
    registry_uri,
)
from serving.predictor import Predictor
from serving.rest.observability import LOGGER_NAME, service_metrics
from training.properties import registry
from training.reachability import CREDENTIALS
from training.tracking import CHAMPION, AliasTarget

# How often a registry that does not answer is asked again before the shipped bundles are served.
START_PAUSES_SECONDS = (1.0, 2.0, 4.0)
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 2.0, 60.0
FIRST_START = "the first start on a machine compiles its loops, a minute or more; /readyz answers 200 after it"
# A champion whose files could not be fetched is tried again; a broken one only when it was replaced, or on demand.
FETCH_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A champion that is not served, and why."""

    target: AliasTarget
    reason: RefusalReason
    seconds: float  # since the epoch

    def stands(self) -> bool:
        """Whether it would be pointless to try the same version again now."""
        return self.reason is not RefusalReason.NOT_FETCHED or time.time() - self.seconds < FETCH_AGAIN_SECONDS

    def as_document(self) -> dict[str, str | None]:
        """Return what users may know of it."""
        return {
            "registry_version": self.target.version,
            "digest": self.target.digest,
            "reason": str(self.reason),
            "message": REFUSAL_WORDS[self.reason],
            "time": _stamp(self.seconds),
        }


class ModelKeeper:
    """Keeps an application supplied with the right models; `start` lets it run in a thread of its own.

    Parameters
    ----------
    publish
        Takes each new predictor, warm; called between requests from the keeper's thread.
    poll_seconds
        How often the registry is asked; None means `ELYTE_POLL_SECONDS`.
    pauses
        Seconds before each further attempt to reach the registry at the start.
    """

    def __init__(
        self,
        publish: Callable[[Predictor], None],
        *,
        poll_seconds: float | None = None,
        pauses: tuple[float, ...] = START_PAUSES_SECONDS,
    ) -> None:
        self.uri = registry_uri()  # looked for at each poll where there is none yet
        self.poll_seconds = poll_seconds or read_poll_seconds()
        self.reachable = True
        self._publish = publish
        self._pauses = pauses
        self._logger = logging.getLogger(LOGGER_NAME)
        self._one_at_a_time = threading.Lock()  # the thread's polls and `check` on demand
        # Replaced, never changed, so that `notes` may read them at any time.
        self._served: Mapping[str, ServedModel] = {}
        self._followed: Mapping[str, AliasTarget] = {}
        self._refused: Mapping[str, Refusal] = {}
        self._champions: Mapping[str, AliasTarget | None] = {}
        self._checked: float | None = None
        self._ledger_version: int | None = NO_LEDGER

    def start(self) -> None:
        """Load, publish and follow in a daemon thread, so that health checks are answered meanwhile."""
        threading.Thread(target=self.run, name="model-keeper", daemon=True).start()

    def run(self) -> None:
        """Load and publish, trying again while that fails; then follow the registry, also one that is made later."""
        self._logger.info("loading", extra={"fields": {"note": FIRST_START}})
        pause = FIRST_RETRY_SECONDS
        while not self._served:
            try:
                self.load()
            except Exception as error:
                fields = {"reason": _without_credentials(error), "retry_seconds": pause}
                self._logger.exception("models_not_loaded", extra={"fields": fields})
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_SECONDS)
        while not shipped_models_only():
            time.sleep(self.poll_seconds)
            try:
                self.check()
                self.follow_ledger()
            except Exception:  # whatever it is, the next poll must come
                self._logger.exception("poll_failed")

    # ------------------------------------------------------------ the start

    def load(self) -> None:
        """Load the champions, and the shipped bundle where there is none or a broken one; warm and publish them.

        Raises
        ------
        ModelUnavailableError
            If a shipped bundle is needed and broken, or there is no model at all.
        """
        with self._one_at_a_time:
            started = time.perf_counter()
            champions = self._load_champions(self._ask_patiently())
            try:
                self._serve(self._with_shipped(champions))
            except ModelUnavailableError:
                raise
            except Exception:
                if not champions:
                    raise
                # One of the champions cannot answer: start without them, then take each on its own merits.
                self._followed = {}
                self._serve(self._with_shipped({}))
                for name in champions:
                    self._follow(name, self._champions[name])
            fields = {"models": self._versions(), "seconds": round(time.perf_counter() - started, 3)}
            self._logger.info("ready", extra={"fields": fields})

    def _ask_patiently(self) -> Mapping[str, AliasTarget | None]:
        for pause in self._pauses:
            if self.uri is None or self._ask():
                return self._champions
            time.sleep(pause)
        return self._champions if self._ask() else {}

    def _load_champions(self, targets: Mapping[str, AliasTarget | None]) -> dict[str, ServedModel]:
        champions: dict[str, ServedModel] = {}
        for name, target in targets.items():
            if target is None:
                continue
            try:
                champions[name] = load_champion(name, target, self.uri or "")
                self._followed = {**self._followed, name: target}
            except RefusedModelError as error:
                self._refuse(name, target, error)
        return champions

    def _with_shipped(self, champions: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
        found = {name: champions.get(name) or load_shipped(name) for name in registry.names()}
        served = {name: model for name, model in found.items() if model is not None}
        if not served:
            raise ModelUnavailableError("no model found; run `elyte train conductivity`")
        return served

    # ------------------------------------------------------------ following the registry

    def check(self, *, anew: bool = False) -> dict[str, dict[str, str]]:
        """Ask the registry once, and serve what changed there.

        Parameters
        ----------
        anew
            Whether champions that were refused get another chance, though nothing about them changed.

        Returns
        -------
        dict
            Property to the header of the model that answered before, for those that were replaced.
        """
        with self._one_at_a_time:
            if not self._ask():
                return {}
            before = {name: model.header() for name, model in self._served.items()}
            replaced = [name for name, target in self._champions.items() if self._follow(name, target, anew=anew)]
            return {name: before.get(name, {}) for name in replaced}

    def follow_ledger(self) -> None:
        """Serve the same models with what the ledger holds now, where it has changed."""
        with self._one_at_a_time:
            version = ledger_version()
            if version not in (None, self._ledger_version):  # one that cannot be read now stays as it was read
                self._serve(self._served)

    def _ask(self) -> bool:
        """Look up which versions are the champions; say whether there is a registry, and it answered."""
        uri = self.uri = self.uri or registry_uri()
        if uri is None:
            return False
        try:
            champions = {name: look_up_champion(name, uri) for name in registry.names()}
        except RegistryError as error:
            service_metrics().announce_registry(CHAMPION, None)
            if self.reachable:
                self._logger.warning("registry_unreachable", extra={"fields": {"reason": _without_credentials(error)}})
            self.reachable = False
            return False
        if not self.reachable:
            self._logger.info("registry_reachable")
        self.reachable = True
        for name in self._followed:
            if champions[name] is None and self._champions.get(name) is not None:
                self._logger.warning("champion_removed", extra={"fields": {"property": str(name)}})
        self._champions, self._checked = champions, time.time()
        service_metrics().announce_registry(CHAMPION, self._checked)
        return True

    def _follow(self, name: str, target: AliasTarget | None, *, anew: bool = False) -> bool:
        """Serve a champion unless it is served already, or refused; say whether it was swapped in."""
        if target is None:
            return False
        if target == self._followed.get(name):
            self._forgive(name)
            return False
        refusal = self._refused.get(name)
        if refusal is not None and refusal.target == target and refusal.stands() and not anew:
            return False
        started, before = time.perf_counter(), self._served.get(name)
        try:
            champion = load_champion(name, target, self.uri or "")
            self._try_to_serve(name, champion)
        except RefusedModelError as error:
            self._refuse(name, target, error)
            return False
        self._followed = {**self._followed, name: target}
        self._forgive(name)
        service_metrics().swaps.labels(name).inc()
        fields = {
            "property": str(name),
            "registry_version": target.version,
            "version": champion.bundle.card.version,
            "seconds": round(time.perf_counter() - started, 3),
        }
        self._logger.info("model_swapped", extra={"fields": fields})
        if before is not None and champion.bundle.card.trained_on < before.bundle.card.trained_on:
            cards = {"trained_on": champion.bundle.card.trained_on, "replaces": before.bundle.card.version}
            self._logger.warning("model_older", extra={"fields": {**fields, **cards}})
        return True

    def _try_to_serve(self, name: str, champion: ServedModel) -> None:
        try:
            self._serve({**self._served, name: champion})
        except Exception as error:
            message = f"{name}: it failed on its first questions: {error}"
            raise RefusedModelError(RefusalReason.NOT_WARMED, message) from error

    def _serve(self, served: Mapping[str, ServedModel]) -> None:
        """Warm a predictor of these models and publish it."""
        self._ledger_version = ledger_version()
        predictor = Predictor(leading_with_ledger(served))
        predictor.warm()
        self._publish(predictor)
        phases = registry.of_phases().name
        if phases in self._served and served[phases] is not self._served[phases]:
            _forget_phase_tables()
        self._served = served
        service_metrics().announce_models(self._versions())
        _spare_the_collector()

    def _versions(self) -> dict[str, str]:
        return {str(name): model.bundle.card.version for name, model in self._served.items()}

    def _refuse(self, name: str, target: AliasTarget, error: RefusedModelError) -> None:
        self._refused = {**self._refused, name: Refusal(target, error.reason, time.time())}
        service_metrics().refusals.labels(name, error.reason).inc()
        fields = {
            "property": str(name),
            "registry_version": target.version,
            "digest": target.digest,
            "reason_code": str(error.reason),
            "reason": _without_credentials(error),
        }
        self._logger.error("model_refused", extra={"fields": fields})

    def _forgive(self, name: str) -> None:
        self._refused = {other: refusal for other, refusal in self._refused.items() if other != name}

    # ------------------------------------------------------------ what users see of it

    def notes(self) -> dict[str, dict[str, dict[str, str | None]]]:
        """Return what `GET /models` says of every property besides its card; nothing where there is no registry."""
        if self.uri is None:
            return {}
        return {str(name): self._note(name) for name in registry.names()}

    def _note(self, name: str) -> dict[str, dict[str, str | None]]:
        champion, followed, refusal = self._champions.get(name), self._followed.get(name), self._refused.get(name)
        if not self.reachable:
            state = "unreachable"
        elif champion is None:
            state = "no_champion" if followed is None else "champion_removed"
        else:
            state = "served" if champion == followed else "refused"
        registry = {
            "state": state,
            "alias": CHAMPION,
            "champion_version": None if champion is None else champion.version,
            "served_version": None if followed is None else followed.version,
            "last_answer": None if self._checked is None else _stamp(self._checked),
        }
        return {"registry": registry} | ({"refused": refusal.as_document()} if refusal is not None else {})


def _forget_phase_tables() -> None:
    """Empty the caches that are keyed by phase tables: they would keep the table of every former model in memory."""
    from training.thermodynamics import moist_air, reactions

    for function in (*vars(moist_air).values(), *vars(reactions).values()):
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def _spare_the_collector() -> None:
    """Take the models out of what Python's collector goes through again and again while long answers are built."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _without_credentials(error: Exception) -> str:
    """Return an exception's message; no candidate is involved here, but its URLs may hold a password."""
    return CREDENTIALS.sub("//***@", str(error))
