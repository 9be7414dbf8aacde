"""`corpusmill redact`: findings with their places, no value anywhere, clear errors."""

import io
import json
import os
import random
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from string import ascii_letters, digits
from typing import NamedTuple

import pytest

from pipeline import text_file
from pipeline.cli import main

EMAIL = "jane.roe" + "@" + "company-mail.org"
TOKEN = "ghp_" + "1a2B3c4D5e6F" * 3
TEXT = f"# -*- coding: utf-8 -*-\nñ = '{EMAIL}'; key = '{TOKEN}'; again = '{EMAIL}'\n\nip = 81.2.69.142\n"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def command(*arguments: object) -> Ended:
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["corpusmill", "redact", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_every_finding_is_shown_with_its_place_and_none_with_its_value(file: Path) -> None:
    code, out, _ = command(file)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"{file}:2:6  email/address, 25 bytes"
    assert lines[2] == f"{file}:2:41  secret/github_token, 40 bytes"
    assert lines[6] == f"{file}:4:6  ip_address/ipv4, 11 bytes"
    assert lines[3] == "    ñ = '••••'; key = '••••'; again = '••••"
    assert lines[-1] == "4 found: email 2, ip_address 1, secret 1"
    assert not any(value in out for value in (EMAIL, TOKEN, "81.2", "roe", TOKEN[:6]))


def test_json_has_the_offsets_and_no_value(file: Path) -> None:
    code, out, _ = command(file, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    data = TEXT.encode()
    assert code == 0
    assert [data[item["start"] : item["stop"]].decode() for item in found] == [EMAIL, TOKEN, EMAIL, "81.2.69.142"]
    assert [(item["line"], item["kind"], item["rule"]) for item in found[:2]] == [
        (2, "email", "address"),
        (2, "secret", "github_token"),
    ]
    assert EMAIL not in out


def test_the_redacted_text_is_written_and_the_file_stays(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "redacted.py"
    assert command(file, "--output", out).code == 0
    assert file.read_text(encoding="utf-8") == TEXT
    redacted = out.read_text(encoding="utf-8")
    assert redacted.count("\n") == TEXT.count("\n")
    assert not any(value in redacted for value in (EMAIL, TOKEN, "81.2.69.142"))
    assert command(out).out == "0 found\n"


def test_a_recipe_says_what_is_looked_for(file: Path, small_inputs: Path) -> None:
    recipe = small_inputs.read_text().partition("redaction:")[0] + (
        "redaction: {sensitivity: {email: off}, allow: ['81.2.*']}\n"
    )
    small_inputs.write_text(recipe)
    assert command(file, "--recipe", small_inputs).out.splitlines()[-1] == "1 found: secret 1"


def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert command("-").out.startswith("-:2:6  email/address")


def test_crlf_and_a_byte_order_mark_change_no_place(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\nmail " + EMAIL.encode() + b"\r\n")
    assert command(path).out.startswith(f"{path}:2:6  email/address, 25 bytes\n    mail ••••\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "nowhere.py: cannot be read: No such file or directory"),
        (["--level", "loud", "nowhere.py"], "--level: expected low, balanced, high, got 'loud'"),
        (["--level", "high", "--recipe", "r.yaml", "nowhere.py"], "expected --recipe or --level, got both"),
        (["--output", "x", "a.py", "b.py"], "expected one file with --output, got 2"),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(arguments: list[str], message: str) -> None:
    code, _, err = command(*arguments)
    assert code in (1, 2)
    assert err.startswith(f"error: {message}\nhint: ")


def test_a_file_that_is_not_utf_8_is_said_with_its_offset_and_not_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"secret words \xe9 here")
    code, _, err = command(path)
    assert code == 1
    assert "expected UTF-8, found another byte at offset 13" in err
    assert "secret" not in err


_RANDOM = random.Random(1)
BEARER = "".join(_RANDOM.choices(ascii_letters + digits, k=80))
CLOUD = f"{_RANDOM.getrandbits(160):040x}"
COMMAND = f'curl -H "Authorization: Bearer {BEARER}" -H "cloudsmith: {CLOUD}" {EMAIL}\n'
NESTED = f'x = ["Bearer {BEARER}", "ñ"]  # {EMAIL}\n{COMMAND}é {COMMAND}'


@pytest.mark.parametrize("text", [COMMAND, NESTED])
def test_what_a_later_scan_finds_is_masked_and_listed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "commands.sh"
    path.write_text(text, encoding="utf-8")
    _, out, _ = command(path)
    number = len(out.splitlines()) // 2
    assert not any(value in out for value in (BEARER[:9], CLOUD[:9], "jane", "company-mail"))
    found = [json.loads(line) for line in command(path, "--json").out.splitlines()]
    assert len(found) == number == text.count(EMAIL) + text.count(BEARER) + text.count(CLOUD)
    data = text.encode()
    assert {data[item["start"] : item["stop"]].decode() for item in found} == {BEARER, CLOUD, EMAIL}
    assert out.splitlines()[-1].startswith(f"{number} found: ")


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_line_of_many_findings_takes_linear_time(tmp_path: Path, option: list[str]) -> None:
    path = tmp_path / "list.txt"
    path.write_text(" ".join(f"jane.roe{number}@company-mail.org" for number in range(16_000)))
    command(path, "--json", "--output", tmp_path / "warm")
    start = time.process_time()
    out = command(path, *option).out
    assert time.process_time() - start < 2
    assert "16,000 found" in out or json.loads(out.splitlines()[-1])["column"] > 400_000


def test_columns_are_those_of_each_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"\ufeff{EMAIL} é {EMAIL}\n\n\tä\t{EMAIL}\n", encoding="utf-8")
    lines = command(path).out.splitlines()
    assert [line.partition("  ")[0].removeprefix(f"{path}:") for line in lines[:-1:2]] == ["1:1", "1:29", "3:4"]
    assert lines[1] == "    •••• é ••••"
    assert lines[5] == "    ä ••••"


@pytest.mark.parametrize("link", [None, "hardlink_to", "symlink_to"])
def test_the_file_that_is_read_is_not_written(file: Path, tmp_path: Path, link: str | None) -> None:
    out = file
    if link:
        out = tmp_path / "other.py"
        getattr(out, link)(file)
    code, _, err = command(file, "--output", out)
    assert (code, file.read_text(encoding="utf-8")) == (2, TEXT)
    assert "expected another file than the one that is read\nhint: write it beside" in err


def test_a_full_disk_leaves_no_half_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out" / "redacted.py"
    out.parent.mkdir()
    out.write_text("before")

    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(text_file.Path, "replace", full)
        code, _, err = command(file, "--output", out)
    assert code == 1
    assert "cannot be written: No space left on device\nhint: " in err
    assert [(path.name, path.read_text()) for path in out.parent.iterdir()] == [("redacted.py", "before")]


def test_an_output_keeps_its_rights_and_stays_a_link(file: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("")
    real.chmod(0o640)
    link.symlink_to(real)
    assert command(file, "--output", link).code == 0
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "REDACTED" in real.read_text(encoding="utf-8") or "<EMAIL>" in real.read_text(encoding="utf-8")
    assert command(file, "--output", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


def test_output_to_standard_output_is_the_text_alone(file: Path, tmp_path: Path) -> None:
    assert command(file, "--output", tmp_path / "out").code == 0
    program = [sys.executable, "-c", "from pipeline.cli import main; main()", "redact", file, "--output", "-"]
    ended = subprocess.run(program, capture_output=True, check=True)
    assert ended.stdout == (tmp_path / "out").read_bytes()
    assert b"4 found: " in ended.stderr
    assert EMAIL.encode() not in ended.stderr


def test_a_bad_file_does_not_end_the_run(file: Path, tmp_path: Path) -> None:
    code, out, err = command("nowhere.py", file, tmp_path, file)
    assert code == 1
    assert out.splitlines()[-1] == "8 found: email 4, ip_address 2, secret 2"
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error", "hint"] * 2


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (None, "expected a file, found a folder", "name its files, such as "),
        (b"\x7fELF\x01\0\0", "expected text, found a NUL byte at offset 5", "redact reads text"),
        ("ab".encode("utf-16"), "expected UTF-8, found another byte at offset 0", "iconv -f UTF-16 -t UTF-8 "),
    ],
)
def test_what_is_no_text_is_told(tmp_path: Path, data: bytes | None, message: str, hint: str) -> None:
    path = tmp_path / "a b"
    path.mkdir() if data is None else path.write_bytes(data)
    code, out, err = command(path)
    assert (code, out) == (1, "")
    assert f"{path}: {message}\nhint: " in err
    assert hint in err
    assert f"'{path}'" in err or data is not None


def test_check_ends_with_1_where_something_was_found(file: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean.txt"
    clean.write_text("nothing here\n")
    assert command(clean, "--check").code == 0
    assert command(clean, file, "--check").code == 1
    assert command(file, "--check", "--json").code == 1


def test_a_level_is_taken_in_any_case(file: Path) -> None:
    assert command(file, "--level", "HIGH").out == command(file, "--level", "high").out
