"""The HTTP endpoints for browsers."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from markets import ticks
from markets.metrics import CACHE_HITS, CACHE_MISSES
from markets.services import Services
from markets.store import Market
from markets.visitors import COOKIE, COOKIE_SECONDS

router = APIRouter(prefix="/api")

# Seconds. Short: the newest candle still grows; long enough to take a crowd's weight off PostgreSQL.
CANDLES_SECONDS = 2
_HITS, _MISSES = CACHE_HITS.labels("candles"), CACHE_MISSES.labels("candles")

Interval = Literal["1m", "5m", "1h", "1d"]
Limit = Annotated[int, Query(ge=1, le=1000)]


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


@router.get("/markets")
async def markets(request: Request) -> Response:
    """All markets with their latest figures: from Redis, or from PostgreSQL where Redis has none."""
    services = _services(request)
    latest, catalogue = await asyncio.gather(services.cache.last_ticks(), services.store.catalogue())
    if any(symbol.encode() not in latest for symbol in catalogue):
        catalogue = {market.symbol: market for market in await services.store.markets()}
    return JSONResponse(
        {"markets": [_market(item, latest.get(key.encode())) for key, item in catalogue.items()]}
    )


def _market(market: Market, data: bytes | None) -> dict[str, Any]:
    figures: dict[str, float] = {
        "price": market.price,
        "change_24h": market.change_24h,
        "volume_24h": market.volume_24h,
    }
    last = ticks.parse(data) if data is not None else None
    if last is not None:
        figures["price"], figures["change_24h"] = last.tick["price"], last.tick["change_24h"]
        figures["volume_24h"] = last.volume_24h if last.volume_24h is not None else market.volume_24h
    return {"symbol": market.symbol, "name": market.name, **figures, "decimals": market.decimals}


@router.get("/markets/{symbol}/candles")
async def candles(request: Request, symbol: str, interval: Interval = "1m", limit: Limit = 200) -> Response:
    """The newest candles of a market, oldest first."""
    services = _services(request)
    await _known(services, symbol)
    key = f"markets:candles:{symbol}:{interval}:{limit}"
    body = await services.cache.get(key)
    if body is not None:
        _HITS.inc()
        return Response(body, media_type="application/json")
    _MISSES.inc()
    found = await services.store.candles(symbol, interval, limit)
    body = json.dumps(
        {"symbol": symbol, "interval": interval, "candles": found}, separators=(",", ":")
    ).encode()
    await services.cache.put(key, body, CANDLES_SECONDS)
    return Response(body, media_type="application/json")


@router.get("/watchlist")
async def watchlist(request: Request) -> Response:
    """The visitor's symbols; a visitor without a valid cookie gets one, and an empty list."""
    services = _services(request)
    visitor, known = _visitor(services, request)
    response = JSONResponse({"symbols": await services.store.watchlist(visitor) if known else []})
    _remember(services, request, response, visitor, known)
    return response


@router.put("/watchlist/{symbol}", status_code=204)
async def watch(request: Request, symbol: str) -> Response:
    """Put a symbol on the visitor's list."""
    services = _services(request)
    await _known(services, symbol)
    visitor, known = _visitor(services, request)
    await services.store.watch(visitor, symbol)
    response = Response(status_code=204)
    _remember(services, request, response, visitor, known)
    return response


@router.delete("/watchlist/{symbol}", status_code=204)
async def unwatch(request: Request, symbol: str) -> Response:
    """Take a symbol off the visitor's list."""
    services = _services(request)
    await _known(services, symbol)
    visitor, known = _visitor(services, request)
    if known:
        await services.store.unwatch(visitor, symbol)
    return Response(status_code=204)


async def _known(services: Services, symbol: str) -> None:
    if symbol not in await services.store.catalogue():
        raise HTTPException(404, "There is no such market.")


def _visitor(services: Services, request: Request) -> tuple[uuid.UUID, bool]:
    visitor = services.visitors.read(request.cookies.get(COOKIE))
    return (visitor, True) if visitor is not None else (services.visitors.new(), False)


def _remember(
    services: Services, request: Request, response: Response, visitor: uuid.UUID, known: bool
) -> None:
    if not known:
        response.set_cookie(
            COOKIE,
            services.visitors.sign(visitor),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
