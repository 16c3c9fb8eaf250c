"""Questions and answers as named tensors, the form of the Open Inference Protocol, version 2.

Inputs are the fields of a material and conditions, one element a candidate; outputs are columns of flat tables. The one
are turned into a `PredictRequest`, the other made of its answer: the same models, warnings and errors as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from features.kinds import KINDS
from serving.answers.refusals import RequestError, describe, parse_json_object, shown
from serving.answers.request import MAX_CANDIDATES, PredictRequest
from serving.answers.rows import ResultRow, Results, answered, warning_codes
from training.properties.contract import Content, Property

TEXT, NUMBER, FLAG = "BYTES", "FP64", "BOOL"
NUMBERS = (NUMBER, "FP32", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
SAID_OF_ROWS = {"read_as": TEXT, "in_domain": FLAG, "warnings": TEXT, "reason": TEXT} | {
    "error_code": TEXT,
    "error_message": TEXT,
}
"""Outputs besides those of quantities."""

Document = dict[str, object]
Parameters = dict[str, JsonValue]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputTensor(_Strict):
    """A tensor of one column: as many elements as there are candidates; null where one says nothing."""

    name: str
    shape: Annotated[list[Annotated[int, Field(ge=0, strict=True)]], Field(min_length=1, max_length=2)]
    datatype: Literal["BYTES", "FP64", "FP32", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"]
    parameters: Parameters | None = None
    data: list[Any]


class OutputTensor(_Strict):
    """The name of a tensor that is wanted."""

    name: str
    parameters: Parameters | None = None


class InferenceRequest(_Strict):
    """A call of the Open Inference Protocol; `parameters` may hold conditions of all candidates, and `coverage`."""

    id: Annotated[str, Field(max_length=200)] | None = None
    parameters: Parameters = {}
    inputs: Annotated[list[InputTensor], Field(min_length=1)]
    outputs: list[OutputTensor] | None = None


class NamedTensor(BaseModel):
    """What a tensor is called and holds; a length of -1 may be any."""

    name: str
    datatype: str
    shape: list[int]


class AnsweredTensor(NamedTensor):
    """A tensor of an answer; null where there is no value."""

    data: list[Any]


def input_tensors(one: Property) -> dict[str, str]:
    """Return the inputs that a property's model takes, by name, with their datatypes."""
    fields = {field.name: NUMBER if field.is_number else TEXT for field in KINDS[one.kind].fields}
    return fields | {
        condition.name: NUMBER if condition.content is Content.NUMBER else TEXT for condition in one.conditions
    }


def output_tensors(one: Property) -> dict[str, str]:
    """Return the outputs of a property's model, by name, with their datatypes."""
    told = [quantity for quantity in one.quantities if quantity.in_answers]
    return {name: NUMBER for quantity in told for name in quantity.columns} | SAID_OF_ROWS


def described(tensors: Mapping[str, str]) -> list[Document]:
    """Return tensors as the metadata of a model name them."""
    return [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in tensors.items()]


def read_inference(raw: bytes, one: Property) -> tuple[InferenceRequest, PredictRequest]:
    """Read a body strictly, and turn its tensors into a question.

    Parameters
    ----------
    raw
        The body as received.
    one
        The property that is asked.

    Raises
    ------
    RequestError
        400 for tensors that cannot be meant, 413 for too many candidates.
    """
    body = parse_json_object(raw)
    try:
        asked = InferenceRequest.model_validate(body)
    except ValidationError as error:
        raise _invalid(describe(error, InferenceRequest)) from None
    candidates = _candidates(asked.inputs, one)
    conditions, coverage = _parameters(asked.parameters, one)
    _check_outputs(asked, one)
    question = {"candidates": candidates, "conditions": conditions, "properties": [one.name]} | coverage
    try:
        return asked, PredictRequest.model_validate(question)
    except ValidationError as error:
        raise _invalid(describe(error, PredictRequest)) from None


def inference_document(asked: InferenceRequest, one: Property, coverage: float, answer: Results) -> Document:
    """Return an answer as tensors.

    Parameters
    ----------
    asked
        The call; its `outputs` choose, its `id` comes back.
    one
        The property that was asked.
    coverage
        Nominal coverage of the intervals.
    answer
        To its candidates, in order.
    """
    rows = answer["results"]
    found = {name: _column(name, one, rows) for name in output_tensors(one)}
    wanted = [output.name for output in asked.outputs] if asked.outputs else list(found)
    datatypes = output_tensors(one)
    outputs = [
        {"name": name, "datatype": datatypes[name], "shape": [len(rows)], "data": found[name]} for name in wanted
    ]
    failed = sum(row["status"] == "error" for row in rows)
    document: Document = {
        "model_name": one.name,
        "model_version": answer["models"][one.name]["version"],
        "parameters": {"coverage": coverage, "failed_rows": failed},
        "outputs": outputs,
    }
    return document if asked.id is None else {"id": asked.id} | document


def _candidates(inputs: Sequence[InputTensor], one: Property) -> list[Document]:
    known = input_tensors(one)
    columns: dict[str, list[Any]] = {}
    for tensor in inputs:
        if tensor.name not in known:
            raise _invalid(f"inputs: received a tensor {shown(tensor.name)}; {one.name} takes {', '.join(known)}")
        if tensor.name in columns:
            raise _invalid(f"inputs: received the tensor {shown(tensor.name)} twice")
        columns[tensor.name] = _elements(tensor, known[tensor.name])
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise _invalid(f"inputs: expected one element a candidate in each tensor, received {lengths}")
    names = {field.name for field in KINDS[one.kind].fields}
    return [
        {name: value for name, value in row.items() if name in names and value is not None}
        | {"conditions": {name: value for name, value in row.items() if name not in names and value is not None}}
        for row in (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    ]


def _elements(tensor: InputTensor, datatype: str) -> list[Any]:
    """Return the elements of a column, flat; numbers as floats."""
    where = f"the tensor {shown(tensor.name)}"
    if tensor.datatype not in (NUMBERS if datatype == NUMBER else (TEXT,)):
        raise _invalid(f"{where}: received datatype {tensor.datatype}, expected {datatype}")
    if tensor.parameters:
        raise _invalid(f"{where}: received parameters, expected none (binary data are not taken)")
    if len(tensor.shape) == 2 and tensor.shape[1] != 1:
        raise _invalid(f"{where}: received shape {tensor.shape}, expected [n] or [n, 1]")
    nested = len(tensor.shape) == 2 and all(isinstance(cell, list) and len(cell) == 1 for cell in tensor.data)
    data = [cell[0] for cell in tensor.data] if nested else tensor.data
    if len(data) != tensor.shape[0]:
        raise _invalid(f"{where}: received {len(data)} elements, its shape says {tensor.shape[0]}")
    if len(data) > MAX_CANDIDATES:
        message = f"{where}: received {len(data)} candidates, expected at most {MAX_CANDIDATES} in one request"
        raise RequestError(413, "too_many_candidates", message)
    expected: type | tuple[type, ...] = str if datatype == TEXT else (int, float)
    for place, cell in enumerate(data):
        if cell is not None and (isinstance(cell, bool) or not isinstance(cell, expected)):
            wanted = "a string" if datatype == TEXT else "a number"
            raise _invalid(f"{where}: element {place}: expected {wanted}, received {shown(cell)}")
    if datatype == TEXT:
        return data
    try:
        return [None if cell is None else float(cell) for cell in data]
    except OverflowError:
        message = f"{where}: received an integer of hundreds of digits, expected numbers of double precision"
        raise _invalid(message) from None


def _parameters(given: Mapping[str, Any], one: Property) -> tuple[Document, Document]:
    """Return conditions of all candidates, and the coverage where it is asked for."""
    known = [condition.name for condition in one.conditions]
    unknown = [name for name in given if name not in (*known, "coverage")]
    if unknown:
        raise _invalid(f"parameters: {shown(unknown[0])}: unknown key; allowed keys: {', '.join(('coverage', *known))}")
    conditions = {name: value for name, value in given.items() if name != "coverage"}
    return conditions, {"coverage": given["coverage"]} if "coverage" in given else {}


def _check_outputs(asked: InferenceRequest, one: Property) -> None:
    known = output_tensors(one)
    for output in asked.outputs or ():
        if output.name not in known:
            raise _invalid(f"outputs: received {shown(output.name)}; {one.name} gives {', '.join(known)}")
        if output.parameters:
            raise _invalid(f"outputs: {output.name}: received parameters, expected none (binary data are not sent)")


def _column(name: str, one: Property, rows: Sequence[ResultRow]) -> list[Any]:
    if name in SAID_OF_ROWS:
        return [_said(name, one, row) for row in rows]
    quantity = next(q for q in one.quantities if name in q.columns)
    end = ("value", "lower", "upper")[quantity.columns.index(name)]
    cells: list[Any] = []
    for row in rows:
        block = answered(row, one.name).block
        cell = None if block is None else block.get(quantity.name)
        cells.append(cell.get(end) if isinstance(cell, Mapping) else cell)
    return cells


def _said(name: str, one: Property, row: ResultRow) -> str | bool | None:
    match name:
        case "read_as":
            return row["read_as"] or ""
        case "in_domain":
            found: bool | None = answered(row, one.name).domain.get("in_domain")
            return found
        case "warnings":
            return warning_codes(row)
        case "reason":
            return answered(row, one.name).reason or ""
    error = row.get("error")
    if error is None:
        return ""
    return error["code"] if name == "error_code" else error["message"]


def _invalid(message: str) -> RequestError:
    return RequestError(400, "invalid_request", message)
