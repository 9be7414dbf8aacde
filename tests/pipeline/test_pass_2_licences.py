"""From notices and licence files to the evidence of every document, on real shards.

What the detector says is mostly put into its cache beforehand, so that the answers are the test's own; a few tests let
it read for itself.
"""

import json
import random
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS
from filters.licence_policy import MAXIMUM_WHERE
from filters.notices import text_key, whole_text
from manifests.errors import RecipeError
from manifests.record import Record
from manifests.storage import Storage
from pipeline.pass_2_licences import NOT_UNDERSTOOD, UNDECIDED, check_cache
from pipeline.plan import Plan, Shard
from pipeline.recipe import Licences, Recipe, Source
from pipeline.recipe_filters import Filters
from pipeline.tables import tables
from pipeline.units import Mill, run_unit, step_named
from stages.licence_cache import LicenceCache
from stages.licence_detection import Detection, detector_version

SHORT = {"MIT", "ISC", "Zlib", "0BSD", "X11", "NCSA", "BSL-1.0"}
STEPS = ("ingest", "look_up", "detect", "govern", "judge")
Row = dict[str, Any]
Pieces = list[tuple[str, str, str]]  # kind, expression, where


def terms(name: str) -> str:
    return f"By this licence the terms of {name} hold."


NOT_KNOWN = "The terms of nothing that anybody has heard of."
ANSWERS = {
    terms(name): Detection(name, name, confidence)
    for name, confidence in (
        ("MIT", 1.0),
        ("Apache-2.0", 0.9),
        ("BSD-3-Clause", 0.8),
        ("GPL-2.0-only", 0.7),
        ("MIT OR GPL-2.0-only", 1.0),
    )
} | {NOT_KNOWN: Detection(), "This talks of the licence of ISC.": Detection("ISC", "", 1.0)}


def file(path: str, content: str = "", repo: str = "a/b", revision: str = "r1") -> Row:
    return {"repo_name": repo, "path": path, "content": content or f"value = '{path}'\n", "revision_id": revision}


def pull_request(number: int, repo: str = "a/b") -> Row:
    shas = {"base_sha": "r1", "head_sha": f"{number}", "merge_sha": f"m{number}"}
    return {"kind": "merged_pull_request", "repo_name": repo, "pr_number": number, "diff": "", **shas}


def keys_of(answers: Mapping[str, Detection]) -> dict[bytes, Detection]:
    return {notice.key: answer for text, answer in answers.items() for notice in whole_text(text).found}


class Corpus:
    """A mill whose units are lists of rows; nothing is loaded before its workers fork, for there are none."""

    def __init__(
        self,
        folder: Path,
        *units: Sequence[Row],
        num_slices: int = 3,
        text_seconds: float = 60,
        answers: Mapping[str, Detection] = ANSWERS,
        cache: Path | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        cache = cache or folder / "cache"
        LicenceCache(str(cache), detector_version()).add(keys_of(answers))
        recipe = Recipe(
            name="small",
            version="0.1.0",
            sources=[
                Source(name="code", format="stack-v2", paths=["*"], kind="code"),
                Source(name="prs", format="pull-requests", paths=["*"], kind="code"),
                Source(name="texts", format="jsonl", paths=["*"], kind="text", declared_licence="CC0-1.0"),
            ],
            filters=Filters(assign=None),
            licences=Licences(cache=str(cache), text_seconds=text_seconds),
        )
        shards = [[_shard(folder, number, rows)] for number, rows in enumerate(units)]
        self.mill = Mill(recipe, Plan(shards, 1, num_slices), Storage(str(folder / "work")))

    def run(self, *steps: str) -> "Corpus":
        for name in steps or STEPS:
            step = step_named(name)
            for unit in range(step.num_units(self.mill.plan)):
                record = run_unit(self.mill, step, unit, lambda _bytes: None)
                assert record.failure is None
            self.mill.records(step, fresh=True)
        return self

    def said(self) -> dict[str, Pieces]:
        """The evidence of every document that judge saw, by path."""
        found = {}
        rows = [row for table in tables(self.mill, "ingest", "rows") for row in table.to_pylist()]
        judged = [row for table in tables(self.mill, "judge", "judged") for row in table.to_pylist()]
        for row, judgement in zip(rows, judged, strict=True):
            pieces = [(piece["kind"], piece["expression"], piece["where"]) for piece in judgement["evidence"]]
            found[f"{row['repo']}@{row['revision']}:{row['path']}" if row["repo"] != "a/b" else row["path"]] = pieces
        return found

    def records(self, step: str) -> list[Record]:
        return [record for record in self.mill.records(step_named(step)) if record is not None]

    def counts(self, step: str) -> dict[str, int]:
        total: dict[str, int] = {}
        for record in self.records(step):
            for name, count in record.counts.items():
                assert isinstance(count, int)
                total[name] = total.get(name, 0) + count
        return total


def _shard(folder: Path, number: int, rows: Sequence[Row]) -> Shard:
    fields = rows[0].keys() if rows else ()
    source = "texts" if "text" in fields else "prs" if "diff" in fields else "code"
    path = folder / f"{number}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = path.read_bytes()
    return Shard(f"{source}/{number}", str(path), source, len(data), sha256(data).hexdigest())


def said(folder: Path, *rows: Row) -> dict[str, Pieces]:
    return Corpus(folder, rows).run().said()


def test_the_nearest_directory_speaks(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        file("LICENSE", terms("MIT")),
        file("vendor/zip/COPYING", terms("GPL-2.0-only")),
        file("vendor/LICENSE.txt", terms("Apache-2.0")),
        file("x.py"),
        file("vendor/x.py"),
        file("vendor/zip/deep/x.py"),
        file("vendor/zipped/x.py"),
    )
    assert {path: pieces for path, pieces in found.items() if path.endswith(".py")} == {
        "x.py": [("licence_file", "MIT", "LICENSE")],
        "vendor/x.py": [("licence_file", "Apache-2.0", "vendor/LICENSE.txt")],
        "vendor/zip/deep/x.py": [("licence_file", "GPL-2.0-only", "vendor/zip/COPYING")],
        "vendor/zipped/x.py": [("licence_file", "Apache-2.0", "vendor/LICENSE.txt")],
    }


def test_another_repository_or_revision_does_not_speak(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        file("LICENSE", terms("MIT"), repo="other/one"),
        file("LICENSE", terms("MIT"), revision="r2"),
        file("x.py"),
        file("y.py", repo="other/one"),
        file("z.py", repo="other/one", revision="r2"),
    )
    assert found["x.py"] == found["other/one@r2:z.py"] == []
    assert found["other/one@r1:y.py"] == [("licence_file", "MIT", "LICENSE")]


def test_for_what_has_no_path_the_files_at_the_top_of_every_revision_speak(tmp_path: Path) -> None:
    files = [
        file("LICENSE", terms("MIT"), revision="r1"),
        file("LICENSE", terms("MIT"), revision="r2"),
        file("COPYING", terms("GPL-2.0-only"), revision="r3"),
        file("package.json", '{"license": "MIT"}', revision="r3"),
        file("vendor/LICENSE", terms("BSD-3-Clause")),
        file("LICENSE", terms("Apache-2.0"), repo="other/one", revision="r9"),
    ]
    requests = [pull_request(1), pull_request(2, "other/one"), pull_request(3, "no/files")]
    found = Corpus(tmp_path, files, requests, num_slices=4).run().said()
    assert found[""] == [
        ("licence_file", "GPL-2.0-only AND MIT", "COPYING, LICENSE"),
        ("manifest", "MIT", "package.json"),
    ]
    assert found["other/one@m2:"] == [("licence_file", "Apache-2.0", "LICENSE")]
    assert found["no/files@m3:"] == []


def test_files_of_one_directory_hold_together(tmp_path: Path) -> None:
    rows = [
        file("LICENSE-MIT", terms("MIT")),
        file("LICENSE-APACHE", terms("Apache-2.0")),
        file("LICENSES/choice.txt", terms("MIT OR GPL-2.0-only")),
        file("x.py"),
    ]
    expression = "Apache-2.0 AND MIT AND (MIT OR GPL-2.0-only)"
    assert said(tmp_path, *rows)["x.py"] == [
        ("licence_file", expression, "LICENSE-APACHE, LICENSE-MIT, LICENSES/choice.txt")
    ]


def test_the_least_sure_answer_counts(tmp_path: Path) -> None:
    corpus = Corpus(
        tmp_path, [file("LICENSE", terms("MIT")), file("COPYING", terms("BSD-3-Clause")), file("x.py")]
    ).run()
    [row] = [row for table in tables(corpus.mill, "govern", "governed") for row in table.to_pylist()]
    assert row["confidence"] == 0.8


def test_manifests_and_licence_files_each_have_a_nearest(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        file("LICENSE", terms("MIT")),
        file("a/package.json", '{"license": "Apache-2.0"}'),
        file("a/b/LICENSE", terms("BSD-3-Clause")),
        file("a/b/x.py"),
    )
    assert found["a/b/x.py"] == [
        ("licence_file", "BSD-3-Clause", "a/b/LICENSE"),
        ("manifest", "Apache-2.0", "a/package.json"),
    ]


def test_a_manifest_in_words_is_read_by_the_detector(tmp_path: Path) -> None:
    answers = {"license: Our very own words": Detection("LicenseRef-ours", "", 0.6)}
    cargo = file("Cargo.toml", '[package]\nlicense = "Our very own words"\n')
    corpus = Corpus(tmp_path, [cargo, file("x.py")], answers={})
    cache = LicenceCache(str(tmp_path / "cache"), detector_version())
    cache.add({text_key(text): answer for text, answer in answers.items()})
    assert corpus.run().said()["x.py"] == [("manifest", "LicenseRef-ours", "Cargo.toml")]


def test_a_placeholder_in_a_manifest_says_nothing(tmp_path: Path) -> None:
    rows = [
        file("package.json", '{"license": "SEE LICENSE IN LICENSE.txt"}'),
        file("a/package.json", '{"license": "UNKNOWN"}'),
        file("a/b/package.json", "{broken"),
        file("a/b/x.py"),
    ]
    assert said(tmp_path, *rows)["a/b/x.py"] == []


def test_a_licence_file_in_a_rejected_form_still_speaks(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path, [file("LICENSE", terms("MIT").encode("utf-16").decode("latin-1")), file("x.py")]).run()
    assert corpus.said() == {"x.py": [("licence_file", "MIT", "LICENSE")]}


def test_a_licence_file_that_is_not_understood_is_unknown_and_a_notice_is_silent(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        file("LICENSE", terms("MIT")),
        file("a/LICENSE", NOT_KNOWN),
        file("b/NOTICE", NOT_KNOWN),
        file("c/LICENSE", "../LICENSE"),
        file("d/LICENSE", "YEAR: 2019\nCOPYRIGHT HOLDER: Jane Doe\n"),
        *(file(f"{name}/x.py") for name in "abcd"),
    )
    assert found["a/x.py"] == [("licence_file", NOT_UNDERSTOOD, "a/LICENSE")]
    for name in "bcd":
        assert found[f"{name}/x.py"] == [("licence_file", "MIT", "LICENSE")]


def test_notes_of_other_licences_join_the_licence_that_stands_above(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        file("NOTICE", terms("BSD-3-Clause")),
        file("a/LICENSE", terms("MIT")),
        file("a/b/NOTICE", terms("Apache-2.0")),
        file("x.py"),
        file("a/x.py"),
        file("a/b/c/x.py"),
    )
    assert found["x.py"] == [("licence_file", "BSD-3-Clause", "NOTICE")]
    assert found["a/x.py"] == [("licence_file", "MIT", "a/LICENSE")]
    assert found["a/b/c/x.py"] == [("licence_file", "MIT AND Apache-2.0", "a/LICENSE, a/b/NOTICE")]


def test_a_licence_file_that_only_refers_to_another_displaces_none(tmp_path: Path) -> None:
    refers = Detection("LicenseRef-scancode-unknown-license-reference", "", 1.0)
    text = "This is covered by that licence over there."
    rows = [file("LICENSE", terms("MIT")), file("a/LICENSE", text), file("a/x.py")]
    corpus = Corpus(tmp_path, rows, answers=ANSWERS | {text: refers}).run()
    [piece] = corpus.said()["a/x.py"]
    assert piece == ("licence_file", f"MIT AND {refers.expression}", "LICENSE, a/LICENSE")


def test_a_licence_file_that_is_too_long_is_undecided(tmp_path: Path) -> None:
    text = "".join(f"{'x' * 1_000} licence\n" for _ in range(600))
    answers = {notice.text: Detection("MIT") for notice in whole_text(text).found}
    corpus = Corpus(tmp_path, [file("LICENSE", text), file("x.py")], answers={})
    LicenceCache(str(tmp_path / "cache"), detector_version()).add(
        {text_key(part): answer for part, answer in answers.items()}
    )
    assert corpus.run().said()["x.py"] == [("licence_file", f"MIT AND {UNDECIDED}", "LICENSE")]


def test_a_header_says_all_that_stands_at_the_ends_and_grants_in_the_middle(tmp_path: Path) -> None:
    filler = "value = 1\n" * 1_000
    mention = "# This talks of the licence of ISC.\n"
    found = said(
        tmp_path,
        file("ends.py", f"# {terms('MIT')}\n{filler}{mention}"),
        file("middle.py", f"{filler}{mention}{filler}# {terms('GPL-2.0-only')}\n{filler}"),
        file("tag.py", f"# SPDX-License-Identifier: LicenseRef-own\n# {terms('MIT')}\n{filler}"),
    )
    assert found == {
        "ends.py": [("header", "MIT AND ISC", "lines 1, 1002")],
        "middle.py": [("header", "GPL-2.0-only", "line 2002")],
        "tag.py": [("header", "LicenseRef-own AND MIT", "lines 1, 2")],
    }


def test_text_without_a_path_has_its_tags_and_what_the_recipe_says(tmp_path: Path) -> None:
    text = f"SPDX-License-Identifier: MIT\n\nOf licences: {terms('GPL-2.0-only')}\n"
    corpus = Corpus(tmp_path, [{"text": text}]).run()
    assert corpus.said() == {"@:": [("header", "MIT", "line 1"), ("source", "CC0-1.0", "recipe")]}


def test_records_count_texts_what_was_known_and_what_was_read(tmp_path: Path) -> None:
    rows = [
        file("x.py", f"# {terms('MIT')}\n"),
        file("y.py", f"# {terms('MIT')}\n"),
        file("LICENSE", terms("GPL-2.0-only")),
    ]
    corpus = Corpus(tmp_path, rows, rows).run()
    assert corpus.counts("look_up") == {"texts": 2, "known": 2}
    assert corpus.counts("detect") == {"detected": 0, "undecided": 0}
    assert len(corpus.records("look_up")) == 3


ROWS = [
    *(file(f"d{number % 5}/f{number}.py", f"# {terms('MIT')}\nx = {number}\n") for number in range(0, 20, 3)),
    *(file(f"d{number % 5}/f{number}.py") for number in range(1, 20, 3)),
    file("LICENSE", terms("MIT")),
    file("d1/COPYING", terms("GPL-2.0-only")),
    file("d1/LICENSE", terms("BSD-3-Clause")),
    file("d2/package.json", '{"license": "Apache-2.0"}'),
    file("d3/LICENSE", terms("Apache-2.0"), repo="c/d"),
    *(file(f"d{number}/y.py", repo="c/d", revision=f"r{number % 2}") for number in range(5)),
    file("LICENSE", terms("MIT"), repo="c/d", revision="r0"),
]


@pytest.mark.parametrize(("seed", "num_units", "num_slices"), [(1, 1, 1), (2, 3, 1), (3, 4, 7), (4, 9, 2)])
def test_units_slices_and_order_make_no_difference(tmp_path: Path, seed: int, num_units: int, num_slices: int) -> None:
    expected = Corpus(tmp_path / "one", ROWS).run().said()
    rows = list(ROWS)
    random.Random(seed).shuffle(rows)
    units = [rows[number::num_units] for number in range(num_units)]
    assert Corpus(tmp_path / "two", *units, num_slices=num_slices).run().said() == expected
    assert sum(map(len, expected.values())) > 30


def test_detection_by_itself_gives_the_bytes_that_a_warm_cache_gives(tmp_path: Path) -> None:
    mit = "Licensed under the MIT license."
    gpl = "You may redistribute it under the terms of the GNU General Public License version 2."
    rows = [
        file("x.py", f"# {mit}\nvalue = 1\n"),
        file("LICENSE", gpl),
        file("Cargo.toml", '[package]\nlicense = "the MIT licence, mostly"\n'),
        file("y.py"),
    ]
    cold = Corpus(tmp_path / "cold", rows, answers={}, cache=tmp_path / "cache").run()
    warm = Corpus(tmp_path / "warm", rows, answers={}, cache=tmp_path / "cache").run()
    assert cold.counts("look_up") == {"texts": 4, "known": 0}
    assert cold.counts("detect") == {"detected": 4, "undecided": 0}
    assert warm.counts("look_up") == {"texts": 4, "known": 4}
    assert warm.counts("detect") == {"detected": 0, "undecided": 0}
    for step in ("detect", "govern", "judge"):
        assert [r.outputs for r in cold.records(step)] == [r.outputs for r in warm.records(step)]
    found = warm.said()
    assert found["x.py"][0] == ("header", "MIT", "line 1")
    assert found["y.py"][0] == ("licence_file", "GPL-2.0-only", "LICENSE")
    assert [kind for kind, *_ in found["y.py"]] == ["licence_file", "manifest"]


# The alarm may ring inside a callback of the collector, which tells nobody but Python; it rings again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_text_that_takes_too_long_is_undecided_counted_and_tried_again(tmp_path: Path) -> None:
    text = "Licensed under the MIT license, " + "or under the GNU GPL, or the Apache license, or not, " * 60
    rows = [file("x.py", f"# {text}\nvalue = 1\n"[:900] + "\n"), file("LICENSE", text), file("y.py")]
    corpus = Corpus(tmp_path, rows, answers={}, text_seconds=0.001).run()
    assert corpus.counts("detect") == {"detected": 2, "undecided": 2}
    assert corpus.said()["x.py"] == [("header", UNDECIDED, "line 1"), ("licence_file", UNDECIDED, "LICENSE")]
    assert not list((tmp_path / "cache").rglob("*"))
    assert corpus.run().counts("look_up") == {"texts": 2, "known": 0}


def test_a_text_that_nobody_asks_for_is_not_looked_up(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path, [file("x.py")], answers={}).run()
    assert corpus.counts("look_up") == {"texts": 0, "known": 0}
    assert corpus.said() == {"x.py": []}


def test_a_cache_that_cannot_be_written_is_found_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    recipe = Corpus(tmp_path / "corpus", []).mill.recipe
    check_cache(recipe)
    broken = recipe.model_copy(update={"licences": Licences(cache=str(tmp_path / "cache"))})
    with pytest.raises(RecipeError, match="cannot be written") as caught:
        check_cache(broken)
    assert "licences.cache" in str(caught.value.hint)


def test_what_a_manifest_repeats_for_every_file_is_no_longer_than_what_can_be_read(tmp_path: Path) -> None:
    # So nested that each is one entry and not a list of choices.
    entries = [f"(({' OR '.join(random.Random(number).choices(sorted(SHORT), k=120))}))" for number in range(64)]
    rows = [file("composer.json", json.dumps({"license": entries})), *(file(f"a/x{n}.py") for n in range(9))]
    corpus = Corpus(tmp_path, rows).run()
    [claim] = [row for table in tables(corpus.mill, "ingest", "claims") for row in table.to_pylist()]
    assert len(claim["expression"]) > 10 * MAXIMUM_EXPRESSION_CHARACTERS
    assert corpus.said()["a/x1.py"] == [("manifest", UNDECIDED, "composer.json")]


def test_what_licence_files_say_together_is_no_longer_than_what_can_be_read(tmp_path: Path) -> None:
    answers = {terms(f"No {number}"): Detection(f"LicenseRef-{number}{'x' * 400}") for number in range(9)}
    rows = [file(f"LICENSES/{number}{'y' * 200}", text) for number, text in enumerate(answers)]
    [piece] = Corpus(tmp_path, [*rows, file("x.py")], answers=answers).run().said()["x.py"]
    assert piece[:2] == ("licence_file", UNDECIDED)
    assert len(piece[2]) == MAXIMUM_WHERE


@pytest.mark.parametrize(("given", "detected"), [(("MIT", "Apache-2.0"), 0), (("MIT",), 1), ((), 2)])
def test_a_run_that_was_stopped_in_detect_detects_only_what_it_had_not(
    tmp_path: Path, given: tuple[str, ...], detected: int
) -> None:
    rows = [file("x.py", f"# {terms('MIT')}\n"), file("LICENSE", terms("Apache-2.0"))]
    corpus = Corpus(tmp_path, rows, answers={}).run("ingest", "look_up")
    assert corpus.counts("look_up") == {"texts": 2, "known": 0}
    # What the stopped run put into the cache; the detector itself would not say so.
    kept = {terms(name): Detection(f"LicenseRef-kept-{name}", "", 0.5) for name in given}
    LicenceCache(str(tmp_path / "cache"), detector_version()).add(keys_of(kept))
    corpus.run("detect", "govern", "judge")
    assert corpus.counts("detect") == {"detected": detected, "undecided": 0}
    found = {kind: expression for kind, expression, _ in corpus.said()["x.py"]}
    for kind, name in (("header", "MIT"), ("licence_file", "Apache-2.0")):
        assert (found.get(kind) == f"LicenseRef-kept-{name}") == (name in given)
