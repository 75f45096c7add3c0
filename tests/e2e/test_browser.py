"""The page of the reference platform in a real browser, through the edge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.conftest import ARTEFACTS
from tests.e2e.platform import Platform

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-quic --no-first-run --disable-component-update"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LONGEST = 15_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all; see tests/system.sh."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert binary, "a browser is needed: see tests/system.sh"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=binary, args=[*FLAGS.split(), "--disable-sync"])
        yield chromium
        chromium.close()


class Visit:
    """A visitor: a page, and what its console complained about."""

    def __init__(self, context: BrowserContext, platform: Platform) -> None:
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(platform.url)
        expect(self.page.locator('[data-testid=connection][data-state="live"]')).to_be_visible(timeout=LONGEST)
        expect(self.page.locator('[data-testid=chart][data-phase="ready"]')).to_be_visible(timeout=LONGEST)


@pytest.fixture
def visit(markets: Platform, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A new visitor on the live page; takes `(viewport, colours)` as a parameter. A picture is kept."""
    viewport, colors = getattr(request, "param", (DESKTOP, "dark"))
    context = browser.new_context(viewport=viewport, color_scheme=colors, has_touch=viewport is PHONE)
    try:
        visitor = Visit(context, markets)
        yield visitor
        (ARTEFACTS / "pictures").mkdir(parents=True, exist_ok=True)
        visitor.page.screenshot(path=ARTEFACTS / "pictures" / f"{request.node.name.replace('/', '-')}.png")
    finally:
        context.close()


def ink(page: Page) -> int:
    """How many different colours the chart's canvases show; a blank one has one."""
    return page.evaluate(
        """() => {
            const colours = new Set();
            for (const canvas of document.querySelectorAll('[data-testid=chart] canvas')) {
                if (!canvas.width || !canvas.height) continue;
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                for (let at = 0; at < data.length; at += 28)
                    colours.add(data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]);
            }
            return colours.size;
        }"""
    )


def test_the_page_goes_live_and_prices_move(visit: Visit) -> None:
    """Twelve markets; within seconds at least one of them shows another price, without a reload."""
    page = visit.page
    expect(page.locator("[data-testid=market-row]")).to_have_count(12)
    read = "() => [...document.querySelectorAll('[data-testid=price]')].map(each => each.textContent).join()"
    before = page.evaluate(read)
    page.wait_for_function(f"before => ({read})() !== before", arg=before, timeout=LONGEST)
    expect(page.locator("[data-testid=banner]")).to_have_count(0)
    assert visit.complaints == []


def test_the_chart_draws_each_market_and_interval(visit: Visit) -> None:
    """Another market, another interval: the chart follows and is not blank."""
    page = visit.page
    assert ink(page) > 5
    page.locator('[data-testid=market-link][data-symbol="ETH-USD"]').click()
    expect(page.locator('[data-testid=chart][data-symbol="ETH-USD"][data-phase="ready"]')).to_be_visible(timeout=LONGEST)
    for interval in ("1h", "1d"):
        page.locator(f"[data-testid=interval-{interval}]").click()
        ready = f'[data-testid=chart][data-interval="{interval}"][data-phase="ready"]'
        expect(page.locator(ready)).to_be_visible(timeout=LONGEST)
        page.wait_for_function("() => document.querySelectorAll('[data-testid=chart] canvas').length > 0")
        assert ink(page) > 5
    assert visit.complaints == []


def test_the_watchlist_survives_a_reload_and_a_restart_of_everything(visit: Visit, markets: Platform) -> None:
    """A star is kept by the server under the visitor's cookie."""
    page = visit.page
    with page.expect_response(lambda answer: "/api/watchlist/" in answer.url and answer.request.method == "PUT") as saved:
        page.locator('[data-testid=star][data-symbol="SOL-USD"]').click()
    assert saved.value.status == 204
    page.reload()
    watched = page.locator('[data-testid=watchlist-item][data-symbol="SOL-USD"]')
    expect(watched).to_be_visible(timeout=LONGEST)
    assert visit.complaints == []
    markets.run("restart", "backend", "redis")
    page.reload()
    expect(watched).to_be_visible(timeout=LONGEST)


def test_the_page_comes_back_by_itself_when_the_backends_are_restarted(visit: Visit, markets: Platform) -> None:
    """The price stream is taken up again, without a reload."""
    markets.run("restart", "backend")
    expect(visit.page.locator('[data-testid=connection][data-state="live"]')).to_be_visible(timeout=LONGEST)
    expect(visit.page.locator("[data-testid=banner]")).to_have_count(0)


@pytest.mark.parametrize("visit", [(PHONE, "light")], indirect=True, ids=["phone"])
def test_a_phone_shows_it_without_sideways_scrolling(visit: Visit) -> None:
    """390 points wide."""
    page = visit.page
    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    expect(page.locator("[data-testid=market-row]").first).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize(
    "visit", [(DESKTOP, "dark"), (DESKTOP, "light"), (PHONE, "dark")], indirect=True, ids=["dark", "light", "phone"]
)
def test_the_page_is_accessible(visit: Visit) -> None:
    """No serious and no critical finding of axe-core."""
    found = Axe().run(visit.page).response["violations"]
    grave = [
        f"{each['id']}: {each['help']} {each['nodes'][0]['target']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert grave == []


@pytest.mark.parametrize(
    ("visit", "name"),
    [((DESKTOP, "dark"), "page-dark"), ((DESKTOP, "light"), "page-light"), ((PHONE, "dark"), "phone")],
    indirect=["visit"],
    ids=["dark", "light", "phone"],
)
def test_the_pictures_of_the_documentation_can_be_taken(visit: Visit, name: str) -> None:
    """The page with a watchlist, as the documentation shows it; the copies in docs/pictures are made from these by hand."""
    page = visit.page
    for symbol in ("BTC-USD", "ETH-USD", "SOL-USD"):
        page.locator(f'[data-testid=star][data-symbol="{symbol}"]').first.click()
        expect(page.locator(f'[data-testid=watchlist-item][data-symbol="{symbol}"]')).to_be_visible()
    page.mouse.move(0, 0)
    page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    (ARTEFACTS / "pictures").mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / "pictures" / f"{name}.png")
    assert ink(page) > 5
