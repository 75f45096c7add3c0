"""The documentation against the thing: made pages are up to date, links lead somewhere, nothing is left out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from docs import build
from lokifi.cli.commands import COMMANDS
from lokifi.kit import errors
from lokifi.model.load import load

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {"node_modules", "build", "dist"}
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in SKIPPED for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)>\s]+)>?[^)]*\)|<(?:img|source)[^>]+src(?:set)?=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def within(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    found = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    return [one or other for one, other in found]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_made_pages_are_up_to_date() -> None:
    for path, text in build.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is out of date: run 'make docs'"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    body = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert body, f"docs/commands.md has no section {name}"
    command = build.command(name)
    assert command.help, f"lokifi {name} has no description"
    for parameter in command.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else []:
            assert re.search(rf"(?m)^  .*{re.escape(option)}\b", body), f"{option} is missing"
        if isinstance(parameter, click.Option):
            assert parameter.help, f"lokifi {name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("page", PAGES, ids=within)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_picture_is_shown_somewhere() -> None:
    shown = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    assert [path.name for path in sorted((ROOT / "docs/pictures").iterdir()) if path not in shown] == []


def test_every_page_can_be_found_from_the_readme() -> None:
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        seen.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        ahead += [target for target in targets if target in PAGES and target not in seen]
    lost = [within(page) for page in PAGES if page not in seen and page.parent == ROOT / "docs" and page.name != "file.head.md"]
    assert lost == []


def test_every_error_and_its_code_is_documented() -> None:
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.LokifiError)]
    for kind in kinds:
        assert re.search(rf"(?m)^\| {kind.code} \|.*`{kind.__name__}`", page) or kind is errors.LokifiError, kind.__name__
    for code in (0, errors.PROMISE_BROKEN, errors.BUG, errors.INTERRUPTED):
        assert re.search(rf"(?m)^\| {code} \|", page), code


def test_the_first_example_of_the_reference_is_a_complete_file(tmp_path: Path) -> None:
    text = (ROOT / "docs/file.md").read_text("utf-8")
    (tmp_path / "apps/web").mkdir(parents=True)
    (tmp_path / "lokifi.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    assert load(tmp_path / "lokifi.yaml").platform.edge.listen == "127.0.0.1:8080"


def test_files_that_the_pages_name_exist() -> None:
    named = re.compile(r"`((?:lokifi|tests|docs|bench|apps|\.ci)/[\w./-]+?)/?`")
    missing = {
        f"{within(page)}: {path}"
        for page in PAGES
        if page.parent in (ROOT, ROOT / "docs")
        for path in named.findall(FENCE.sub("", page.read_text("utf-8")))
        if not (ROOT / path).exists()
    }
    assert missing == set()


def test_adding_names_modules_that_can_be_imported() -> None:
    text = (ROOT / "docs/adding.md").read_text("utf-8")
    modules = re.findall(r"`(lokifi(?:\.(?!yaml\b)[a-z_]+)+)`", text)
    assert modules, "docs/adding.md names no module"
    for module in modules:
        importlib.import_module(module)
