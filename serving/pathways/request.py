"""What a caller may ask about the ways through a crystal: one pydantic model, for REST, command line and Python."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PathwaysRequest(BaseModel):
    """A call for lithium's ways through one crystal structure."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cif: Annotated[str, Field(description="Text of a CIF, disordered or not.")]
    block: Annotated[str | None, Field(description="Name of the data block; else the first with a structure.")] = None
    grid: Annotated[bool, Field(strict=True, description="Whether to add energies on a grid, for a picture.")] = False
