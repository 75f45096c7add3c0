"""The budgets of the house: size of modules and functions, and what may stand where."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "lokifi").rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60
MOST_FUNCTION_LINES = 40
CLI_LINES = 80
FLOW_LINES = 150
# The one place that may catch everything: it writes the log that a bug report needs.
BROAD_EXCEPT = {"lokifi/cli/main.py": 1}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in MODULES:
        yield name(path), ast.parse(path.read_text())


def functions() -> Iterator[tuple[str, int]]:
    for where, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                yield f"{where}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_there_is_something_to_measure() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    within = name(path)
    bound = FLOW_LINES if within == "lokifi/flow.py" else CLI_LINES if within.startswith("lokifi/cli/") else MODULE_LINES
    assert lines <= bound, f"{within} has {lines} lines, at most {bound} are wanted"


def test_the_median_module_is_near_a_hundred_lines() -> None:
    sizes = [len(path.read_text().splitlines()) for path in MODULES if path.name != "__init__.py"]
    assert 50 <= statistics.median(sizes) <= 150


def test_functions_are_short() -> None:
    sizes = dict(functions())
    assert {where: lines for where, lines in sizes.items() if lines > FUNCTION_LINES} == {}
    long = [where for where, lines in sizes.items() if lines > MOST_FUNCTION_LINES]
    assert len(long) <= len(sizes) * 0.05, long


def test_imports_stand_at_the_top() -> None:
    found = [
        f"{where}:{node.lineno}"
        for where, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_only_the_command_line_catches_everything() -> None:
    found: dict[str, int] = {}
    for where, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                if any(word in ("everything", "Exception", "BaseException") for word in caught.strip("()").split(", ")):
                    found[where] = found.get(where, 0) + 1
    assert found == BROAD_EXCEPT


def test_only_the_report_prints() -> None:
    found = [
        f"{where}:{node.lineno}"
        for where, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write", "click.echo")
        if not where.startswith("lokifi/report/")
    ]
    assert found == []


def test_only_kit_runs_programs() -> None:
    assert _importers("subprocess") <= {"lokifi/kit/process.py", "lokifi/kit/spawn.py"}


def test_only_the_command_line_reads_the_environment() -> None:
    found = [
        where
        for where, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os"
        if not where.startswith("lokifi/cli/")
    ]
    assert found == []


def _importers(module: str) -> set[str]:
    found = set()
    for where, tree in trees():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if module in names or (isinstance(node, ast.ImportFrom) and node.module == module):
                found.add(where)
    return found
