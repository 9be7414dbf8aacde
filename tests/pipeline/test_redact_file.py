"""`corpusmill redact`: findings with their places, no value anywhere, clear errors."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

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
    recipe = small_inputs.read_text() + "\nredaction: {sensitivity: {email: off}, allow: ['81.2.*']}\n"
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
