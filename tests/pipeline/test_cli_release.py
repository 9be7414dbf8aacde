"""`corpusmill release` and `corpusmill verify` as their user meets them."""

import io
import json
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.cli import main


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
        patch.setattr(sys, "argv", ["corpusmill", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "releases/small-0.1.0"))


def test_list_and_show_for_programs(release: Path) -> None:
    listed = command("release", "list", release.parent, "--json")
    (one,) = [json.loads(line) for line in listed.out.splitlines()]
    assert (one["folder"], one["state"], one["parent"]) == ("small-0.1.0", "whole", "")
    shown = json.loads(command("release", "show", release, "--json").out)
    assert (shown["documents"], shown["tokens"]) == (one["documents"], one["tokens"])


def test_a_withdrawn_release_verifies_and_says_so(release: Path) -> None:
    digest = json.loads((release / "manifest.json").read_bytes())["digest"]
    done = command("release", "withdraw", release, "--reason", "wrong licence", "--date", "2026-01-31")
    assert done.out.startswith("small 0.1.0: withdrawn on 2026-01-31: wrong licence\npublish ")
    ended = command("verify", release, "--digest", digest)
    assert ended.code == 0
    assert ended.out.endswith("\nWITHDRAWN: do not use it: withdrawn on 2026-01-31: wrong licence\n")
    again = command("release", "withdraw", release, "--reason", "another")
    assert (again.code, again.err.count("hint: ")) == (2, 1)


def test_a_release_of_another_digest_ends_with_3(release: Path) -> None:
    ended = command("verify", release, "--digest", "0" * 64)
    assert ended.code == 3
    assert f"expected the digest that the publisher gave, {'0' * 64}, got " in ended.err


def test_a_diff_is_one_of_three_things(release: Path) -> None:
    assert command("release", "diff", release, release).out.startswith("small 0.1.0 against small 0.1.0\n")
    assert json.loads(command("release", "diff", release, release, "--json").out)["same_content"]
    assert command("release", "diff", release, release, "--changelog").out.startswith("## 0.1.0\n")
    assert command("release", "diff", release, release, "--changelog", "--json").code == 2


def test_the_schema_of_the_manifest_is_printed_as_it_is_published() -> None:
    published = Path(__file__).parents[2] / "docs/manifest.schema.json"
    assert json.loads(command("schema", "--manifest").out) == json.loads(published.read_bytes())
