"""prometheus.yml: every part with metrics is scraped by a real Prometheus, under its own name."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from lokifi.kit.errors import UsageError
from lokifi.plan.stack import Address
from lokifi.targets import prometheus
from lokifi.targets.prometheus import scalar
from tests.engines import checked, eventually, joined, place, running, stack_of

FILE = """\
platform: "no"
services:
  api: {path: api, run: serve $PORT, metrics: /internal/metrics, scale: 2}
  "null": {path: api, run: work, metrics: /m}
  quiet: {path: api, run: idle}
observability: {interval: %s}
environments: {"on": {on: local}}
"""


def config(folder: Path, interval: str) -> Any:
    (artefact,) = prometheus.render(stack_of(FILE % interval, folder)).artefacts
    return yaml.safe_load(joined(artefact.text))


def test_every_part_with_metrics_is_a_target_under_its_name(tmp_path: Path) -> None:
    stack = stack_of(FILE % "5s", tmp_path)
    (artefact,) = prometheus.render(stack).artefacts
    read = yaml.safe_load(joined(artefact.text))
    jobs = {
        job["job_name"]: (job["metrics_path"], {each["labels"]["instance"]: each["targets"] for each in job["static_configs"]})
        for job in read["scrape_configs"]
    }
    at = {name: [str(part.ports["http"])] for name, part in stack.parts.items() if "http" in part.ports}
    assert jobs == {
        "api": ("/internal/metrics", {"api-1": at["api-1"], "api-2": at["api-2"]}),
        "null": ("/m", {"null": at["null"]}),
        "prometheus": ("/metrics", {"prometheus": at["prometheus"]}),
    }
    assert read["global"]["external_labels"] == {"platform": "no", "environment": "on"}


@pytest.mark.parametrize(("interval", "wait"), [("5s", "5s"), ("500ms", "500ms"), ("10s", "10s"), ("1m", "10s"), ("2d", "10s")])
def test_a_scrape_ends_before_the_next_one(tmp_path: Path, interval: str, wait: str) -> None:
    assert config(tmp_path, interval)["global"] | {"external_labels": 0} == {
        "scrape_interval": interval,
        "scrape_timeout": wait,
        "external_labels": 0,
    }


@pytest.mark.engine
@pytest.mark.parametrize("interval", ["1ms", "5s", "365d", "999999999d"])
def test_promtool_accepts_any_interval_that_the_file_may_hold(tmp_path: Path, interval: str) -> None:
    stack = stack_of(FILE % interval, tmp_path)
    made = prometheus.render(stack)
    (path,) = place(prometheus, stack, tmp_path)
    said = checked(made.artefacts[0], path, tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert [loss.path for loss in made.losses] == (["observability.interval"] if interval == "999999999d" else [])


def test_nothing_is_rendered_when_metrics_are_off(tmp_path: Path) -> None:
    assert prometheus.render(stack_of('platform: shop\nobservability: {metrics: "off"}\n', tmp_path)).artefacts == ()


@given(st.text())
@example("\"\\x41 # {x: 1} ' & * !t | > % @ ` ${HOME}")
@example("a\n- b")
def test_a_scalar_reads_back_or_is_refused(value: str) -> None:
    try:
        written = scalar(value)
    except UsageError:
        assert not value.isprintable()
        return
    assert yaml.safe_load(f"a: [{written}, {{b: {written}}}]\n") == {"a": [value, {"b": value}]}


@contextmanager
def metrics(address: Address) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b"answer 42\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer((address.host, address.port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.engine
def test_a_real_prometheus_finds_all_targets_up(tmp_path: Path) -> None:
    stack = stack_of(FILE % "200ms", tmp_path)
    place(prometheus, stack, tmp_path)
    part = stack.parts["prometheus"]

    def up() -> dict[str, str] | None:
        try:
            with urllib.request.urlopen(f"http://{part.ports['http']}/api/v1/query?query=up", timeout=5) as answer:
                rows = json.load(answer)["data"]["result"]
        except OSError:
            return None
        found = {row["metric"]["instance"]: row["value"][1] for row in rows}
        return found if len(found) == 4 and set(found.values()) == {"1"} else None

    with ExitStack() as serving:
        for name in ("api-1", "api-2", "null"):
            serving.enter_context(metrics(stack.parts[name].ports["http"]))
        started = serving.enter_context(running(part, tmp_path))
        assert eventually(up, 20, started.text) == {"api-1": "1", "api-2": "1", "null": "1", "prometheus": "1"}
