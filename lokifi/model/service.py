"""`services`: web services, workers and static front ends."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from lokifi.model.grammar import Command, Duration, Errand, Folder, Positive, Prior, Section, UrlPath, Value, Variable, wrong


class Probes(Section):
    """Paths a service answers on; without one, its open port (or its living process) is the sign."""

    startup: UrlPath | None = Field(None, description="answers once the service has started; default: the ready path")
    ready: UrlPath | None = Field(None, description="answers 2xx while the service can take traffic")
    live: UrlPath | None = Field(None, description="answers 2xx unless the service must be restarted")
    period: Duration = Field("1s", description="time between two probes")
    timeout: Duration = Field("2s", description="time for one answer")
    failures: Positive = Field(3, description="failures in a row before the service counts as hung")


class Scale(Section):
    """How many copies run: `initial` at first, and `lokifi scale` moves between `min` and `max`."""

    min: Positive = Field(1, description="fewest copies")
    max: Positive = Field(1, description="most copies")
    initial: Positive = Field(1, description="copies at the first `up`; default: min")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: object) -> object:
        if isinstance(data, dict):
            # A wrong number is told of once, at its own key; what defaults to it does not repeat it.
            least = _number(data.get("min"))
            data = {"min": least, "initial": least, "max": max(least, _number(data.get("initial"))), **data}
        return data

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.initial <= self.max:
            raise wrong(
                f"min {self.min}, initial {self.initial} and max {self.max} are not in order", "write min <= initial <= max"
            )
        return self


def _number(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 1000 else 1


def _short_scale(value: object) -> object:
    return {"min": value, "max": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Service(Section):
    """One service: `run` makes it a process, `static` makes it files that the edge serves."""

    path: Folder = Field(description="its folder, below the platform file")
    run: Command | None = Field(None, description="the command that runs it; $HOST and $PORT are replaced; no shell")
    build: Errand | None = Field(None, description="the command that builds it, run when its files changed")
    static: Folder | None = Field(None, description="the folder, below its path, of built files that the edge serves")
    routes: list[UrlPath] = Field(default=[], description="URL path prefixes that the edge sends to it")
    probes: Probes = Field(default=Probes(), description="how its health is asked")
    metrics: UrlPath | None = Field(None, description="where it shows Prometheus metrics")
    release: Errand | None = Field(None, description="run once per version before it takes traffic, as a migration")
    scale: Annotated[Scale, BeforeValidator(_short_scale, json_schema_input_type=Scale | int)] = Field(
        default=Scale(), description="number of copies"
    )
    env: dict[Variable, Value] = Field(default={}, description="its environment; ${postgres.url} and the like are replaced")
    secrets: list[Variable] = Field(default=[], description="secrets that it gets in its environment")
    after: list[Prior] = Field(
        default=[], description="what comes first, besides what it refers to: parts that are ready, or a release that is done"
    )
    grace: Duration = Field("10s", description="time to finish after SIGTERM, before SIGKILL")

    @property
    def listens(self) -> bool:
        """Whether it needs a port: routes, metrics, a probe path or `$PORT` say so."""
        probes = self.probes
        asked = probes.ready or probes.live or probes.startup or self.metrics
        return bool(self.run and (self.routes or asked or "$PORT" in self.run))

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.run) == bool(self.static):
            raise wrong("needs either 'run' or 'static'", "'run' starts a process, 'static' names a folder of built files")
        if self.static and not self.routes:
            raise wrong("has 'static' but no 'routes'", "add routes: [/]")
        if self.static and (self.metrics or self.release or self.secrets or self.probes != Probes()):
            raise wrong("is static files: 'metrics', 'release', 'secrets' and 'probes' need 'run'", "remove them")
        for name in self.secrets:
            if name in self.env:
                raise wrong(f"{name} stands in both env and secrets", "keep it in secrets")
        return self
