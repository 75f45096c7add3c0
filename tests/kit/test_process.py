from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from lokifi.kit.errors import RuntimeFailed, TimedOut, ToolMissing
from lokifi.kit.process import Account, attach, run, stream


def test_output_errors_and_exit_code_are_returned() -> None:
    done = run(["sh", "-c", "cat; echo oops >&2; exit 3"], input="hello")
    assert (done.returncode, done.stdout, done.stderr) == (3, "hello", "oops\n")


def test_arguments_arrive_byte_identical() -> None:
    hostile = ["$(id)", "`id`", ";", "a\nb", "*", "", "--", "é"]
    program = "import sys; sys.stdout.write('|'.join(sys.argv[1:]))"
    assert run([sys.executable, "-c", program, *hostile]).stdout == "|".join(hostile)


def test_invalid_utf8_is_replaced() -> None:
    assert run(["printf", "\\377ok"]).stdout == "\ufffdok"


def test_the_environment_is_the_whole_environment() -> None:
    assert run(["/usr/bin/env"], env={"ONLY": "this"}).stdout == "ONLY=this\n"


def test_an_absent_program_is_a_missing_tool() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        run(["no-such-program"])


def test_a_file_that_is_not_executable_is_a_missing_tool(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    with pytest.raises(ToolMissing, match="cannot be executed"):
        run([plain])


def test_a_missing_folder_is_not_reported_as_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match="its folder does not exist"):
        run(["true"], cwd=tmp_path / "nowhere")


def test_a_nul_in_an_argument_is_an_error_not_a_traceback() -> None:
    with pytest.raises(RuntimeFailed, match="cannot start"):
        run(["echo", "a\0b"])


def test_a_time_out_kills_the_whole_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(TimedOut, match=r"did not finish within 0\.5 s"):
        run(["sh", "-c", f"sleep 60 & echo $! > {note}; wait"], timeout=0.5)
    _wait_gone(int(note.read_text()))


def test_a_stream_hands_over_lines_and_pieces_of_endless_ones() -> None:
    lines: list[str] = []
    program = "printf 'one\\r\\ntwo\\n'; head -c 200000 /dev/zero | tr '\\0' x; echo; echo end >&2; exit 4"
    assert stream(["sh", "-c", program], on_line=lines.append) == 4
    assert lines[:2] == ["one", "two"]
    assert lines[-1] == "end"
    assert sum(map(len, lines[2:-1])) == 200_000
    assert max(map(len, lines)) < 200_000


def test_a_stream_times_out_even_when_silent() -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut):
        stream(["sleep", "60"], on_line=lambda line: None, timeout=0.2)
    assert time.monotonic() - started < 5


def test_a_failing_reader_kills_the_program(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def fail(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(["sh", "-c", f"echo $$ > {note}; echo x; exec sleep 60"], on_line=fail)
    _wait_gone(int(note.read_text()))


def test_attach_returns_the_exit_code() -> None:
    assert attach(["sh", "-c", "exit 7"]) == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_account_drops_user_group_and_supplementary_groups() -> None:
    done = run(["id"], user=Account(65534, 65534), cwd=Path("/"))
    assert "uid=65534" in done.stdout
    assert "gid=65534" in done.stdout
    assert "root" not in done.stdout


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
    raise AssertionError(f"{pid} is still there")
