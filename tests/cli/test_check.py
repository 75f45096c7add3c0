from __future__ import annotations

import json
from pathlib import Path

from tests.cli.run import FILE, lokifi

WRONG = """\
platform: shop
services:
  web: {path: app, run: serve, scael: 2}
stores:
  redis: {memory: lots}
environments:
  production: {edge: {listen: here}}
"""


def test_a_right_file_is_one_line(project: Path) -> None:
    ended = lokifi("check", cwd=project)
    assert ended.stdout == "lokifi.yaml is right: 1 service, 1 store, environments development, production\n"
    assert (ended.returncode, ended.stderr) == (0, "")


def test_all_problems_come_at_once_each_on_its_line(project: Path) -> None:
    (project / "lokifi.yaml").write_text(WRONG)
    ended = lokifi("check", cwd=project)
    assert ended.returncode == 2
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["lokifi.yaml:3:32", "services.web.scael"],
        ["lokifi.yaml:5:19", "stores.redis.memory"],
        ["lokifi.yaml:7:31", "edge.listen"],
    ]
    assert all(" — " in line for line in lines)


def test_problems_as_json(project: Path) -> None:
    (project / "lokifi.yaml").write_text(WRONG)
    ended = lokifi("check", "--json", cwd=project)
    assert (ended.returncode, ended.stderr) == (2, "")
    body = json.loads(ended.stdout)
    assert [(each["line"], each["column"], each["path"]) for each in body["problems"]] == [
        (3, 32, "services.web.scael"),
        (5, 19, "stores.redis.memory"),
        (7, 31, "edge.listen"),
    ]
    assert body["problems"][0]["hint"] == "did you mean 'scale'?"


def test_the_file_is_found_in_a_folder_above(project: Path) -> None:
    below = project / "app" / "deep"
    below.mkdir()
    assert lokifi("check", cwd=below).returncode == 0


def test_the_nearest_file_counts_and_a_named_one_before_it(project: Path) -> None:
    (project / "app" / "lokifi.yaml").write_text("platform: inner\n")
    assert json.loads(lokifi("check", "--json", cwd=project / "app").stdout)["platform"] == "inner"
    assert json.loads(lokifi("check", "--json", "-f", "../lokifi.yaml", cwd=project / "app").stdout)["platform"] == "shop"


def test_no_file_no_regular_file_and_a_folder_that_is_gone_are_one_line_each(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    for arguments, said in ((["check"], "there is no lokifi.yaml here"), (["check", "-f", "/dev/null"], "no regular file")):
        ended = lokifi(*arguments, cwd=tmp_path)
        assert ended.returncode == 2
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1


def test_a_secret_of_the_environment_is_looked_for_and_never_shown(project: Path) -> None:
    text = FILE.replace("routes: [/]", "routes: [/], secrets: [KEY]") + "secrets: {KEY: 'env:SHOP_KEY'}\n"
    (project / "lokifi.yaml").write_text(text)
    missing = lokifi("check", cwd=project)
    assert missing.returncode == 2
    assert "the variable SHOP_KEY is not there — export SHOP_KEY before you run lokifi" in missing.stderr
    for command in (["check"], ["explain"], ["explain", "--json"], ["plan"], ["plan", "--json"]):
        ended = lokifi(*command, cwd=project, SHOP_KEY="canary-7261")
        assert ended.returncode == 0, ended.stderr
        assert "canary" not in ended.stdout + ended.stderr


def test_explain_as_json_has_values_and_origins(project: Path) -> None:
    body = json.loads(lokifi("explain", "domain", "-e", "production", "--json", cwd=project).stdout)
    assert body == {
        "environment": "production",
        "path": "domain",
        "description": "the host name it is served under",
        "value": "shop.example",
        "origins": {"domain": "lokifi.yaml:8:24 in environments.production"},
    }


def test_plan_only_looks(project: Path) -> None:
    before = sorted(project.rglob("*"))
    ended = lokifi("plan", "--json", cwd=project)
    assert ended.returncode == 0
    assert "start postgres" in [step["id"] for step in json.loads(ended.stdout)["steps"]]
    assert sorted(project.rglob("*")) == before


def test_the_schema_is_written_beside_the_file_even_when_the_file_is_wrong(project: Path) -> None:
    (project / "lokifi.yaml").write_text(WRONG)
    assert lokifi("render", "schema", cwd=project).returncode == 0
    assert json.loads((project / "lokifi.schema.json").read_text())["properties"]["platform"]


def test_every_target_is_rendered_with_references_in_the_place_of_secrets(project: Path) -> None:
    ended = lokifi("render", "--into", "seen", "--json", cwd=project)
    assert ended.returncode == 0, ended.stderr
    files = json.loads(ended.stdout)["files"]
    assert "nginx/nginx.conf" in files
    assert all((project / "seen" / file).is_file() for file in files)
    assert not (project / ".lokifi").exists()
