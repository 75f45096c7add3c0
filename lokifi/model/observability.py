"""`observability`: what is watched, and for how long it is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lokifi.model.grammar import Duration, Section


class Observability(Section):
    """Prometheus scrapes every part that shows metrics, unless switched off."""

    metrics: Literal["off"] | Duration = Field("15d", description="how long metrics are kept, or off: then no Prometheus runs")
    interval: Duration = Field("5s", description="time between two scrapes")
