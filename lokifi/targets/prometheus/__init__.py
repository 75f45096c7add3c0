"""Prometheus: what it scrapes."""

from __future__ import annotations

from collections.abc import Iterable

from lokifi.contracts import Artefact, Loss, Rendering
from lokifi.model.grammar import seconds_of
from lokifi.plan.parts.prometheus import CONFIGS
from lokifi.plan.stack import Part, Stack
from lokifi.targets.text import HEADER, writable

ABOUT = "prometheus.yml: every part that shows metrics"

LONGEST_INTERVAL = 365 * 86400.0
"""Seconds; Prometheus counts a duration in 64-bit nanoseconds, which end after 292 years."""
LONGEST_WAIT = 10.0
"""Seconds for one scrape; Prometheus refuses a timeout that is longer than the interval."""


def render(stack: Stack) -> Rendering:
    """`prometheus.yml`; nothing when no Prometheus runs. Raises `UsageError` for a value with control characters."""
    if "prometheus" not in stack.parts:
        return Rendering(())
    interval = stack.platform.observability.interval
    losses: tuple[Loss, ...] = ()
    if seconds_of(interval) > LONGEST_INTERVAL:
        losses = (Loss("observability.interval", "approximated", f"Prometheus cannot wait {interval}; 365d is set"),)
        interval = "365d"
    checker = ("promtool", "check", "config", "{}")
    return Rendering((Artefact(CONFIGS[0], (_config(stack, interval),), checker=checker),), losses)


def scalar(value: str) -> str:
    """`value` as a double-quoted YAML scalar, so that no name (`no`, `1e3`, `null`) turns into something else.

    Raises `UsageError` for control characters and what else YAML 1.2 (§5.1) does not call printable.
    """
    escaped = writable(value, "prometheus.yml", "\ufeff\ufffe\uffff").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _config(stack: Stack, interval: str) -> str:
    """https://prometheus.io/docs/prometheus/latest/configuration/configuration/"""
    groups: dict[str, list[Part]] = {}
    for part in stack.parts.values():
        if part.metrics and "http" in part.ports:
            groups.setdefault(part.group, []).append(part)
    wait = interval if seconds_of(interval) <= LONGEST_WAIT else f"{LONGEST_WAIT:.0f}s"
    return f"""\
{HEADER}

global:
  scrape_interval: {interval}
  scrape_timeout: {wait}
  external_labels:
    platform: {scalar(stack.platform.platform)}
    environment: {scalar(stack.environment)}

scrape_configs:
""" + "\n".join(_job(group, parts) for group, parts in groups.items())


def _job(group: str, parts: Iterable[Part]) -> str:
    parts = list(parts)
    lines = [f"  - job_name: {scalar(group)}", f"    metrics_path: {scalar(parts[0].metrics)}", "    static_configs:"]
    for part in parts:
        lines.append(f"      - targets: [{scalar(str(part.ports['http']))}]")
        lines.append(f"        labels: {{instance: {scalar(part.name)}}}")
    return "\n".join(lines) + "\n"
