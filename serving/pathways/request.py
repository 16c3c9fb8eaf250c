"""What a caller may ask about the ways through a crystal: one pydantic model, for REST, command line and Python."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.answers.crystal_request import CrystalRequest


class PathwaysRequest(CrystalRequest):
    """A call for lithium's ways through one crystal structure."""

    grid: Annotated[bool, Field(strict=True, description="Whether to add energies on a grid, for a picture.")] = False
