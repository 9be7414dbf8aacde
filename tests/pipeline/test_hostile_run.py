"""The whole mill on hostile shards, by its command line: nothing raw comes out, nothing is followed, memory is held."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from html_pages import Page

from manifests.record import read_record
from manifests.storage import Storage

pytestmark = pytest.mark.servers

MIB = 1 << 20
# Escapes of terminals, carriage returns, controls of writing direction: nothing that we print or write holds one.
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
STEERING = "\x1b[2J\x1b]0;owned\x07\r\u202e\u2066\x9b31m\u2028"
FORGED = "\nFORGED LINE"
DRAWING = "/pipeline/report_drawing.py', '"
PROSE = "".join(f"line {number} of a text about nothing in particular\n" for number in range(12))
# What the command runs in a process of its own: it takes down every name that is opened and every socket.
GUARD = """
import os, sys
seen = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def see(event, arguments):
    watched = ("socket.connect", "socket.getaddrinfo", "subprocess", "os.exec", "os.system")
    if event == "open" or event.startswith(watched):
        os.write(seen, (event + " " + ascii(arguments[0] if event == "open" else arguments) + "\\n").encode())
sys.addaudithook(see)
from pipeline.cli import main
main()
"""

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """Run a command under the guard: what it prints is held against RAW, what it opens against the folders it may."""

    def run(*arguments: str, code: int = 0) -> "subprocess.CompletedProcess[bytes]":
        seen = tmp_path / "seen"
        seen.write_bytes(b"")
        done = subprocess.run(
            [sys.executable, "-c", GUARD, *arguments],
            cwd=tmp_path,
            env=os.environ | {"SEEN": str(seen)},
            capture_output=True,
            check=False,
            timeout=300,
        )
        printed = (done.stdout + done.stderr).decode()
        assert done.returncode == code, printed
        assert not RAW.search(printed.replace("\n", "")), printed
        assert not re.search(r"^FORGED", printed, re.MULTILINE), printed
        assert "Traceback" not in printed
        for line in seen.read_text().splitlines():
            # Sockets of the system's own, for its processes; and the one program that is run, which draws charts.
            assert line.startswith("open ") or "family=1" in line or DRAWING in line, line
            assert "hostile-location" not in line, line
        return done

    return run


def written_files_are_clean(folder: Path) -> None:
    """No log, record, page or manifest holds a raw control character; JSON may hold escapes."""
    for path in folder.rglob("*"):
        if path.suffix in {".json", ".md", ".log", ".txt", ".yaml", ".jsonl"} and path.name != "tokenizer.json":
            text = path.read_text(encoding="utf-8")
            assert not RAW.search(text.replace("\n", "")), path


def hostile_rows() -> list[dict[str, object]]:
    base = {"detected_licenses": ["MIT"], "license_type": "permissive", "language": "Python"}
    names = [
        *("../../hostile-location", "/etc/hostile-location", "C:\\hostile-location", "-rf hostile-location"),
        *("http://127.0.0.1:9/hostile-location", "s3://hostile-location/a", "file:///hostile-location"),
        *(f"a{STEERING}{FORGED}", "n" * 200_000, "<script>alert(1)</script>|[a](http://a)", "a\u0000b"),
    ]
    rows: list[dict[str, object]] = []
    for number, name in enumerate(names):
        text = PROSE.replace("nothing", f"{number} thing") + "".join(f"own {number} word {i}\n" for i in range(20))
        rows += [
            base | {"repo_name": name, "path": "a.py", "content": text},
            base | {"repo_name": f"a/{number}", "path": name, "content": text + "and more of it\n" * 1 + STEERING},
            base | {"repo_name": f"b/{number}", "path": "c.py", "language": name, "content": text[::-1]},
            base | {"repo_name": f"c/{number}", "path": "LICENSE", "detected_licenses": [name], "content": text * 2},
            base | {"repo_name": f"d/{number}", "path": "d.py", "content": f"{STEERING}{FORGED}", "src_encoding": name},
            base | {"repo_name": f"e/{number}", "path": name, "content": "short"},
        ]
    return rows


def test_hostile_rows_and_names_come_out_harmless_everywhere(tiny_recipe: Path, command: Run) -> None:
    folder = tiny_recipe.parent
    data = "".join(json.dumps(row) + "\n" for row in hostile_rows()).encode()
    bad = b'{"content":' + b"[" * 10_000 + b"\n" + b"\x1b]0;owned\x07\n" + b'{"content":"a","n":1e400}\n'
    for name in (f"a{STEERING}{FORGED}.jsonl.zst", "-rf.jsonl.zst", "  unit 1: fine\n  unit 2.jsonl.zst"):
        (folder / "stack" / name).write_bytes(zstandard.compress(data + bad))
    pile = "".join(
        json.dumps({"text": PROSE.replace("nothing", str(i)), "meta": {"pile_set_name": f"s{i}{STEERING}{FORGED}"}})
        + "\n"
        for i in range(20)
    )
    (folder / "pile" / "x.jsonl.zst").write_bytes(zstandard.compress(pile.encode()))
    (folder / "stack" / "a-fifo.jsonl.zst").unlink(missing_ok=True)
    os.mkfifo(folder / "stack" / "a-fifo.jsonl.zst")
    (folder / "stack" / "zero.jsonl.zst").symlink_to("/dev/zero")
    (folder / "stack" / "folder.jsonl.zst").mkdir()
    recipe, work = str(tiny_recipe), str(folder / "work")
    command("plan", recipe)
    command("run", recipe)
    command("status", work)
    for options in ([], ["--stage", "read"], ["--stage", "filter"], ["--stage", "licence"], ["--signal", "num_words"]):
        command("show", work, "-n", "200", *options)
    release = folder / "releases" / "tiny-0.1.0"
    command("verify", str(release))
    command("retune", work)
    for row in range(0, 60, 20):
        command("explain", work, f"stack/-rf.jsonl.zst:{row}")
    command("explain", work, f"stack/a{STEERING}:1", code=2)
    written_files_are_clean(folder / "work")
    written_files_are_clean(release)
    assert not {"script", "img"}.intersection(Page((folder / "work/report.html").read_text()).tags)
    assert {path.name for path in release.iterdir()} >= {"manifest.json", "SUMMARY.md", "README.md", "data"}
    for page in ("SUMMARY.md", "README.md"):
        assert not re.search(r"<script|(?<!\\)\[a\]|^FORGED", (release / page).read_text(), re.MULTILINE)
    names = {str(path.relative_to(release)) for path in release.rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"[A-Za-z0-9_/.-]+", name) for name in names)


def bombs() -> dict[str, bytes]:
    """Shards of some kB each that would be gigabytes."""
    frame = zstandard.FRAME_HEADER + bytes([0x00, 0x58])
    block = (131_072 << 3 | 1 << 1).to_bytes(3, "little")
    nothing = pa.StructArray.from_arrays([pa.nulls(1 << 25, pa.bool_())], names=["b"])
    tables = {
        "nulls": {
            "content": ["a"],
            "l": pa.ListArray.from_arrays(pa.array([0, 1 << 26], pa.int32()), pa.nulls(1 << 26)),
        },
        "objects": {"content": ["a"], "l": pa.ListArray.from_arrays(pa.array([0, 1 << 25], pa.int32()), nothing)},
        "texts": {
            "content": pa.DictionaryArray.from_arrays(pa.array([0] * 4_000, pa.int32()), pa.array(["x" * 12 * MIB]))
        },
        "rows": {"content": pa.nulls(20_000_000, pa.string())},
    }
    made = {"zeros.jsonl.zst": frame + (block + b"0") * 20_000, "lines.jsonl.zst": frame + (block + b"\n") * 20_000}
    for name, columns in tables.items():
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file, compression="zstd", store_schema=False, row_group_size=1 << 30)
        made[f"{name}.parquet"] = file.getvalue()
    return made


def test_bombs_fail_their_units_by_name_and_the_others_go_on(tiny_recipe: Path, command: Run) -> None:
    folder = tiny_recipe.parent
    made = bombs()
    for name, data in made.items():
        assert len(data) < 200_000
        (folder / "stack" / name).write_bytes(data)
    paths = 'sources=[{name: stack, format: stack-v2, kind: code, paths: ["stack/*"]}]'
    settings = ["--set", paths, "--set", "limits.unit_bytes=1", "--until", "ingest"]
    printed = command("run", str(tiny_recipe), *settings, code=1).stderr.decode()
    assert "hint:" in printed
    said = command("status", str(folder / "work")).stdout.decode()
    for name in made:
        assert f"stack/{name}: " in said, said
    work = Storage(str(folder / "work"))
    units = len(json.loads(work.read("plan.json"))["units"])
    records = [read_record(work, "ingest", unit) for unit in range(units)]
    assert sum(record.done for record in records) == units - len(made)
    assert max(record.measured["peak_private_bytes"] for record in records if record.measured) < 3_000 * MIB
    command("run", str(tiny_recipe), *settings, "--set", "failed_units=leave_out")


def test_a_line_of_a_gigabyte_is_passed_over_in_bounded_memory(tiny_recipe: Path, command: Run) -> None:
    folder = tiny_recipe.parent
    sound = json.dumps({"content": PROSE, "repo_name": "a/b", "path": "c.py"}).encode()
    with (folder / "stack" / "long.jsonl").open("wb") as file:
        file.write(sound + b'\n{"content":"')
        for _ in range(1_024):
            file.write(b"x" * MIB)
        file.write(b'"}\n' + sound)
    paths = 'sources=[{name: stack, format: stack-v2, kind: code, paths: ["stack/long.jsonl"]}]'
    command("run", str(tiny_recipe), "--set", paths, "--until", "ingest")
    record = read_record(Storage(str(folder / "work")), "ingest", 0)
    assert record.ledger is not None
    assert list(record.ledger["rejected"]) == ["read/line_too_long"]  # type: ignore[call-overload]
    assert record.measured["peak_private_bytes"] < 400 * MIB
