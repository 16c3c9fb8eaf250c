"""What can go wrong with a call of a tool, as an agent reads it: a code, what to do, and the details as quoted data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from features.errors import CandidateError
from serving.agents.quoting import one_line, quoted
from serving.agents.shapes import ShortError
from serving.answers.refusals import RequestError, describe
from serving.generation.errors import GenerationError
from serving.models.store import ModelUnavailableError
from serving.ranking.objectives import ObjectiveError

INVALID_REQUEST, INTERNAL_ERROR = "invalid_request", "internal_error"
_WHAT_TO_DO: Mapping[str, str] = {
    INVALID_REQUEST: "Read the tool's input schema, correct the arguments named in the details, and call again.",
    INTERNAL_ERROR: "This is a defect of elyte; do not call again with the same arguments, and tell the user.",
    "unknown_tool": "Call one of the tools of tools/list.",
    "invalid_objective": "Write objectives as 'sigma>=1e-3@25', 'hull<=0.05' or 'minimise cost', none twice.",
    "invalid_pattern": "Write patterns as 'Li{6-x}PS{5-x}Cl{1+x}' with the variable 'x=0:0.8:0.1', or give a parent.",
    "not_served": "This installation has no such model; ask for other properties (tool models lists them).",
    "timeout": "Ask for fewer candidates at a time.",
    "not_ready": "The models are being loaded; call again in some seconds.",
    "too_many_requests": "Wait a second and call again.",
    "unparseable_formula": "Give a plain chemical formula such as Li6PS5Cl.",
    "name_not_formula": "Give the formula instead of the name.",
    "unknown_element": "Check the symbols of the elements.",
    "ambiguous_formula": "Write the formula with its amounts in full.",
    "unparseable_cif": "Give the whole text of the file, or the formula alone.",
    "unparseable_structure": "Give the whole text of a CIF, POSCAR or OPTIMADE file, or the formula alone.",
    "structure_without_elements": "Add the line with the elements' symbols to the POSCAR.",
    "unsupported_structure": "Give one cell that is periodic in three directions, or the formula alone.",
    "kind_not_installed": "Polymers are not installed here; ask for inorganic materials.",
    "missing_concentration": "Say how much salt the polymer holds, such as PEO20-LiTFSI.",
}
_ROW = "Correct this candidate and call again; the other candidates' answers stand."


class ToolError(Exception):
    """A call that cannot be answered.

    Parameters
    ----------
    code
        As in docs/operate/errors.md.
    message
        Details; may hold what the caller wrote.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def what_to_do(code: str) -> str:
    """Return what a caller can do about an error."""
    return _WHAT_TO_DO.get(code, _ROW)


def error_words(code: str, message: str) -> str:
    """Return an error as a line of text."""
    return f"error {one_line(code, 60)}. What to do: {what_to_do(code)} Details (quoted data): {quoted(message)}"


def error_document(code: str, message: str) -> ShortError:
    """Return an error as structured content."""
    return {"code": one_line(code, 60), "message": one_line(message), "what_to_do": what_to_do(code)}


@contextmanager
def as_tool_errors(model: type[BaseModel]) -> Iterator[None]:
    """Turn what refuses a call into `ToolError`.

    Parameters
    ----------
    model
        Of the tool's arguments; its keys are named where an unknown one was sent.

    Raises
    ------
    ToolError
        For every refusal that the layers below know.
    """
    try:
        yield
    except ValidationError as error:
        raise ToolError(INVALID_REQUEST, describe(error, model)) from None
    except ObjectiveError as error:
        raise ToolError("invalid_objective", str(error)) from None
    except GenerationError as error:
        raise ToolError("invalid_pattern", str(error)) from None
    except CandidateError as error:
        raise ToolError(str(error.code), error.message) from None
    except ModelUnavailableError as error:
        raise ToolError("not_served", str(error)) from None
    except RequestError as error:
        raise ToolError(error.code, error.message) from None


def refused(document: Mapping[str, Any]) -> ToolError:
    """Return the error of an answer of status `error`."""
    error = document["error"]
    return ToolError(str(error["code"]), str(error["message"]))
