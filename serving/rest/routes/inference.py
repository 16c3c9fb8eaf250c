"""`/v2/...`: the Open Inference Protocol, version 2, by which KServe, Triton's clients and others ask any model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from serving.answers.refusals import RequestError, shown
from serving.answers.tensors import (
    AnsweredTensor,
    InferenceRequest,
    NamedTensor,
    Parameters,
    described,
    inference_document,
    input_tensors,
    output_tensors,
    read_inference,
)
from serving.predictor import Predictor
from serving.rest.answer_writers import json_response
from serving.rest.errors import AnsweringRoute
from serving.rest.lanes import SHORT_BODY_BYTES
from serving.rest.openapi import body_of, refusal, refusals
from serving.rest.request_body import JSON
from serving.rest.routes.answering import Loaded, admitted_body, lanes_of, record_of
from training.properties import registry
from training.properties.contract import Property

EXAMPLE = {
    "id": "42",
    "inputs": [
        {"name": "formula", "datatype": "BYTES", "shape": [2], "data": ["Li6PS5Cl", "Li7La3Zr2O12"]},
        {"name": "temperature_C", "datatype": "FP64", "shape": [2], "data": [25, 60]},
    ],
    "parameters": {"coverage": 0.9},
}
NO_MODEL = ("No model of this name is served.", "not_served", "there is no model 'x'; GET /models lists those that are")
router = APIRouter(route_class=AnsweringRoute)
Name = Annotated[str, Path(alias="property", description="A property, such as those of GET /models.")]


class Live(BaseModel):
    """Whether the process lives."""

    live: bool


class Ready(BaseModel):
    """Whether the models are loaded."""

    ready: bool


class ServerMetadata(BaseModel):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[NamedTensor]
    outputs: list[NamedTensor]


class ModelReady(Ready):
    """Whether a model is loaded."""

    name: str


class InferenceAnswer(BaseModel):
    """The answer: one element a candidate in each tensor."""

    id: str | None = None
    model_name: str
    model_version: str
    parameters: Parameters
    outputs: list[AnsweredTensor]


def _served(predictor: Predictor, name: str) -> Property:
    if name not in predictor.models():
        raise RequestError(404, "not_served", f"there is no model {shown(name)}; GET /models lists those that are")
    return registry.get(name)


@router.get("/v2/health/live", summary="Open Inference Protocol: whether the process lives", response_model=Live)
async def v2_live() -> Response:
    """Answer also while models are being loaded."""
    return json_response({"live": True})


@router.get(
    "/v2/health/ready",
    summary="Open Inference Protocol: whether the models are loaded and warm",
    response_model=Ready,
    responses={503: refusal(503)},
)
async def v2_ready(_: Loaded) -> Response:
    """Answer 503 until then."""
    return json_response({"ready": True})


@router.get(
    "/v2",
    summary="Open Inference Protocol: this server",
    response_model=ServerMetadata,
    responses=refusals(only=(401, 500)),
)
async def v2_server() -> Response:
    """Say name and version; no extensions are offered."""
    from importlib.metadata import version

    return json_response({"name": "elyte", "version": version("elyte"), "extensions": []})


@router.get(
    "/v2/models/{property}",
    summary="Open Inference Protocol: what a model takes and gives",
    response_model=ModelMetadata,
    responses=refusals({404: NO_MODEL}, only=(401, 500, 503)),
)
async def v2_model(name: Name, predictor: Loaded) -> Response:
    """Describe the tensors of a property's model."""
    one = _served(predictor, name)
    return json_response(
        {
            "name": one.name,
            "versions": [predictor.models()[name]["version"]],
            "platform": "elyte",
            "inputs": described(input_tensors(one)),
            "outputs": described(output_tensors(one)),
        }
    )


@router.get(
    "/v2/models/{property}/ready",
    summary="Open Inference Protocol: whether a model is loaded",
    response_model=ModelReady,
    responses=refusals({404: NO_MODEL}, only=(401, 500, 503)),
)
async def v2_model_ready(name: Name, predictor: Loaded) -> Response:
    """Answer 503 until then, 404 for a model that this installation does not serve."""
    return json_response({"name": _served(predictor, name).name, "ready": True})


@router.post(
    "/v2/models/{property}/infer",
    summary="Open Inference Protocol: predict",
    response_model=InferenceAnswer,
    response_description="One element a candidate in each tensor; null where there is no value.",
    responses=refusals({404: NO_MODEL}),
    openapi_extra=body_of(InferenceRequest, EXAMPLE),
)
async def v2_infer(request: Request, name: Name, predictor: Loaded) -> Response:
    """Judge every candidate: one that cannot be judged has its reason in `error_code` and `error_message`."""
    one = _served(predictor, name)

    def work(raw: bytes) -> Response:
        asked, question = read_inference(raw, one)
        answer = predictor.predict(question)
        record = record_of(request)
        record.count_rows(answer["results"])
        record.name_models(answer["models"])
        return json_response(inference_document(asked, one, question.coverage, answer))

    async with admitted_body(request, JSON) as raw:
        return await lanes_of(request).run(lambda: work(raw), short=len(raw) <= SHORT_BODY_BYTES)
