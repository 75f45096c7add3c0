"""Packages are merged into one folder; none writes outside of it, through a link or with rights left over."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from lokifi.kit.errors import RuntimeFailed
from lokifi.runtimes.local.programs.unpack import unpack

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="packages of Debian need dpkg-deb"),
]
COMMAND = ["dpkg-deb"]


def _unpack(tmp_path: Path, *debs: Path) -> Path:
    target = tmp_path / "scratch" / "tree"
    unpack(debs, target, COMMAND, lambda deb: None)
    return target


def test_two_packages_become_one_tree_with_plain_modes(tmp_path: Path, deb) -> None:
    one = deb(tmp_path / "one.deb", [("./usr", None, 0o700), ("./usr/a", b"A", 0o4755), ("./usr/b", b"B", 0o600)])
    two = deb(
        tmp_path / "two.deb",
        [("./usr", None, 0o2777), ("./usr/c", b"C", 0o666), ("./usr/up", "../usr/a", 0), ("./usr/etc", "/etc/x", 0)],
    )
    done: list[Path] = []
    unpack([one, two], tmp_path / "s/tree", COMMAND, done.append)
    tree = tmp_path / "s/tree"
    assert done == [one, two]
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (tree / "usr").iterdir() if not path.is_symlink()}
    assert modes == {"a": 0o755, "b": 0o644, "c": 0o644}
    assert stat.S_IMODE((tree / "usr").stat().st_mode) == 0o755
    assert (tree / "usr/up").read_bytes() == b"A"
    assert sorted(path.name for path in tree.parent.iterdir()) == ["tree"]


@pytest.mark.parametrize("name", ["../escaped", "./usr/../../../escaped", "/escaped-absolute"])
def test_a_member_outside_is_not_written(tmp_path: Path, deb, name: str) -> None:
    package = deb(tmp_path / "bad.deb", [(name, b"x", 0o644)])
    try:
        tree = _unpack(tmp_path, package)
    except RuntimeFailed:
        tree = None
    outside = [path for path in tmp_path.rglob("*escaped*") if tree is None or not path.is_relative_to(tree)]
    assert [path for path in outside if not path.is_relative_to(tmp_path / "scratch/tree.0")] == []
    assert not Path("/escaped-absolute").exists()


def test_a_package_cannot_write_through_a_link_of_another(tmp_path: Path, deb) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    link = deb(tmp_path / "link.deb", [("./opt", None, 0o755), ("./opt/x", str(precious), 0)])
    through = deb(tmp_path / "through.deb", [("./opt", None, 0o755), ("./opt/x", None, 0o755), ("./opt/x/y", b"!", 0o644)])
    with pytest.raises(RuntimeFailed, match="something else in another package"):
        _unpack(tmp_path, link, through)
    assert list(precious.iterdir()) == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path, deb, order: int) -> None:
    packages = [
        deb(tmp_path / "file.deb", [("./x", b"file", 0o644)]),
        deb(tmp_path / "folder.deb", [("./x", None, 0o755), ("./x/y", b"", 0o644)]),
    ][::order]
    with pytest.raises(RuntimeFailed, match=r"x is a f\w+ here"):
        _unpack(tmp_path, *packages)


@pytest.mark.parametrize("link", ["../../outside", "../../../../../etc/passwd", "a/../../../x"])
def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path, deb, link: str) -> None:
    package = deb(tmp_path / "bad.deb", [("./usr", None, 0o755), ("./usr/link", link, 0)])
    with pytest.raises(RuntimeFailed, match="usr/link is a link that leaves"):
        _unpack(tmp_path, package)


def test_a_pipe_is_refused(tmp_path: Path, deb) -> None:
    with pytest.raises(RuntimeFailed, match="a-fifo is no file, folder or link"):
        _unpack(tmp_path, deb(tmp_path / "bad.deb", [("./a-fifo", None, 0o644)]))


@pytest.mark.parametrize("size", [0, 7, 200])
def test_a_damaged_package_is_named(tmp_path: Path, deb, size: int) -> None:
    package = deb(tmp_path / "cut.deb", [("./x", b"x" * 5000, 0o644)])
    package.write_bytes(package.read_bytes()[:size])
    with pytest.raises(RuntimeFailed, match=r"cut\.deb: cannot be unpacked"):
        _unpack(tmp_path, package)
