"""Errors as people and programs see them: `{"error": {"code": …, "message": …}}`."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from markets import logs
from markets.database import DatabaseUnavailable

log = logs.get("markets.errors")

CODES = {404: "not_found", 405: "method_not_allowed", 422: "invalid_request", 503: "unavailable"}


def response(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The error body for `status`."""
    code = CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    return response(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    parts = [f"{'.'.join(str(step) for step in item['loc'][1:])}: {item['msg']}" for item in error.errors()]
    return response(422, "; ".join(parts))


async def _unavailable(request: Request, error: DatabaseUnavailable) -> JSONResponse:
    log.warning("database_unavailable", reason=str(error))
    return response(503, "The database is not available; try again shortly.", {"Retry-After": "1"})


async def _bug(request: Request, error: Exception) -> JSONResponse:
    # Only the answer: the server logs the exception itself, with the request id.
    return response(500, "Something went wrong on our side.")


def install(app: FastAPI) -> None:
    """Give `app` these answers."""
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(DatabaseUnavailable, _unavailable)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _bug)
