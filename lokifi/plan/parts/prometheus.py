"""Prometheus: scrapes every part that shows metrics."""

from __future__ import annotations

from lokifi.plan.layout import Layout
from lokifi.plan.stack import Check, Health, Part

CONFIGS = ("prometheus/prometheus.yml",)


def part(retention: str, layout: Layout) -> Part:
    """The server, with its own metrics; reloads on HUP."""
    listen = layout.listen("prometheus")
    ready = Check("http", layout.address("prometheus"), path="/-/ready")
    live = Check("http", layout.address("prometheus"), path="/-/healthy")
    return Part(
        name="prometheus",
        group="prometheus",
        kind="prometheus",
        argv=(
            "prometheus",
            f"--config.file={layout.config(CONFIGS[0])}",
            f"--storage.tsdb.path={layout.data('prometheus')}",
            f"--storage.tsdb.retention.time={retention}",
            f"--web.listen-address={listen}",
            "--log.level=warn",
        ),
        folder=layout.data("prometheus"),
        ports={"http": listen},
        health=Health(startup=ready, ready=ready, live=live, timeout=5.0, failures=5),
        configs=CONFIGS,
        reload="HUP",
        metrics="/metrics",
        url=f"http://{listen}/",
        minimum=(2, 30),
    )
