"""The chemistry toolkit that polymers need, loaded when a polymer is read and never before."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from features.errors import CandidateError, RowErrorCode, shown


class MissingToolkitError(ImportError):
    """The extra `polymer` is not installed."""

    def __init__(self) -> None:
        super().__init__("polymers are read with rdkit, which is not installed: pip install 'elyte[polymer]'")


@cache
def chemistry() -> ModuleType:
    """Return `rdkit.Chem`, its messages on standard error switched off.

    Raises
    ------
    MissingToolkitError
        If rdkit is not installed.
    """
    try:
        from rdkit import Chem, rdBase
        from rdkit.Chem import rdMolDescriptors, rdmolops  # noqa: F401  (attributes of Chem from here on)
    except ImportError as error:
        raise MissingToolkitError from error
    rdBase.DisableLog("rdApp.*")
    module: ModuleType = Chem
    return module


def is_installed() -> bool:
    """Whether polymers can be read on this machine."""
    from importlib.util import find_spec

    return find_spec("rdkit") is not None


def refused(code: RowErrorCode, text: str, words: str) -> CandidateError:
    """Return the error of a polymer or salt, with what was received and what is wrong with it."""
    return CandidateError(code, f"'{shown(text)}' {words}")
