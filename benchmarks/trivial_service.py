"""The reference of the REST benchmarks: a BentoML service that does nothing but take and give JSON."""

from __future__ import annotations

import bentoml


@bentoml.service(name="TrivialService", workers=1, logging={"access": {"enabled": False}})
class TrivialService:
    """Answers how many candidates it was sent."""

    @bentoml.api
    def count(self, candidates: list[dict[str, str]]) -> dict[str, int]:
        """Return the number of candidates."""
        return {"candidates": len(candidates)}
