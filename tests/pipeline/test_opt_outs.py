"""Opt-outs in a run of a small mill: who goes, with whom, and what is made again."""

import json
import random
import shutil
from collections.abc import Callable
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from manifests.decision import decisions_of
from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.record import Record
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.inspect_documents import print_life
from pipeline.local import run_step
from pipeline.opt_outs import _loaded
from pipeline.opted_out import SUPPRESSED_CONTENT, SUPPRESSED_NEAR_COPY
from pipeline.plan import read_plan, write_plan
from pipeline.preparing import prepare
from pipeline.recipe_duplicates import NearDuplicates
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.sketches import sketching
from pipeline.tables import decision_tables
from pipeline.units import Mill, step_named, units_to_run
from stages.suppression import MINIMUM_AGREEMENT
from stages.suppression_files import NearSettings, write_suppressed

pytestmark = pytest.mark.servers

RECIPE = """\
name: tiny
version: 0.1.0
sources: [{name: code, format: stack-v2, kind: code, paths: ["shards/*.jsonl"]}]
filters: {assign: {code: []}}
tokenizer: {path: tokenizer.json}
packing: {sequence_tokens: 64}
limits: {unit_bytes: 2000}
mixture: {code: 1, text: 0}
redaction: {sensitivity: {secret: off, assigned_secret: off}}
opt_out: {registry: opt-outs}
"""
NEAR = NearDuplicates()
Outcome = dict[str, str]  # what became of every file, by repository and path: a reason, or "kept"
Decided = Callable[..., Outcome]


def prose(seed: str, num_words: int = 100) -> str:
    numbers = random.Random(seed)
    return " ".join(f"{seed}{numbers.randrange(10_000)}" for _ in range(num_words)) + "\n"


LIBRARIES = ("library", "helpers")
LIBRARY, HELPERS, OWN = prose("library"), prose("helpers"), prose("own")
NEARLY = HELPERS.replace(HELPERS.split()[-1], "changed")  # 0.98 of its word n-grams
FILES: dict[str, str] = {
    "owner/lib:library.py": LIBRARY,
    "owner/lib:helpers.py": HELPERS,
    "fork/lib:library.py": LIBRARY,
    "fork/lib:helpers.py": HELPERS,
    "app/main:vendor/library.py": LIBRARY.replace("\n", "   \n"),
    "app/main:vendor/helpers.py": NEARLY,
    "app/main:own.py": OWN,
    "app/other:own.py": OWN,
}
STARS = {"owner/lib": 9, "fork/lib": 5, "app/main": 1}
BLOB_IDS = {name: f"{number:040x}" for number, name in enumerate(FILES)}  # as The Stack v2 has them: plain SHA-1


def git_blob(text: str) -> str:
    return sha1(f"blob {len(text)}\0{text}".encode(), usedforsecurity=False).hexdigest()


def write_inputs(folder: Path, tokenizer: Path) -> Path:
    (folder / "shards").mkdir(parents=True)
    for number, (name, text) in enumerate(FILES.items()):
        repository, _, path = name.partition(":")
        row = {
            "repo_name": repository,
            "path": f"/{path}",  # as The Stack v2 has it
            "content": text,
            "detected_licenses": ["MIT"],
            "star_events_count": STARS.get(repository, 0),
            "blob_id": BLOB_IDS[name],
        }
        (folder / f"shards/{number}.jsonl").write_text(json.dumps(row) + "\n")
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def ingested(_tiny_inputs: Path, run_alone: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mill whose inputs were ingested, with a registry that asks for nothing."""
    recipe = write_inputs(tmp_path_factory.mktemp("opt-outs") / "mill", _tiny_inputs / "tokenizer.json")
    ask(recipe.parent, "document", "0" * 32)
    run_alone(recipe, before="look_up")
    return recipe.parent


@pytest.fixture
def recipe(ingested: Path, tmp_path: Path) -> Path:
    shutil.copytree(ingested, tmp_path / "mill")
    return tmp_path / "mill/recipe.yaml"


def ask(folder: Path, by: Any, value: str, *, ticket: str = "T-1", scope: Any = "content") -> None:
    request = Request(ticket=ticket, date="2026-07-31", by=by, value=value, reason="the owner asked", scope=scope)
    Registry(str(folder / "opt-outs")).append([request])


def suppress(folder: Path, texts: list[str], near: NearDuplicates = NEAR) -> None:
    sketches = [sketching(near)(text.encode()) for text in texts]
    rows = [{"content_hash": s.content_hash, "bands": s.bands, "values": s.values, "ticket": "T-9"} for s in sketches]
    settings = NearSettings(near.ngram_words, near.bands, near.rows, near.seed)
    write_suppressed(Storage(str(folder / "opt-outs")), pa.Table.from_pylist(rows), settings)


def outcome(mill: Mill) -> Outcome:
    """What judge and resolve say of every file."""
    found: Outcome = {}
    for unit, record in enumerate(mill.records(step_named("ingest"))):
        rows = read(mill, record, "rows")
        names = [f"{row['repo']}:{row['path'].removeprefix('/')}" for row in rows]
        by_id = dict(zip([row["id"].hex() for row in rows], names, strict=True))
        judged, resolved = (mill.records(step_named(name)) for name in ("judge", "resolve"))
        found |= dict.fromkeys(names, "kept")
        found |= {by_id[row["id"].hex()]: row["reason"] for row in read(mill, judged[unit], "decisions")}
        for slices in resolved:
            found |= {names[row["ordinal"]]: row["reason"] for row in read(mill, slices, "duplicates", unit)}
    assert found.keys() == FILES.keys()
    return found


def read(mill: Mill, record: Record | None, table: str, block: int = 0) -> list[dict[str, Any]]:
    assert record is not None
    output = record.outputs[table]
    parts = [mill.work.read_range(output.file, part.offset, part.length) for part in output.blocks[block]]
    return [row for part in parts for row in pa.ipc.open_stream(part).read_all().to_pylist()]


@pytest.fixture
def decided(recipe: Path, run_alone: Callable[..., None]) -> Decided:
    def run(*overrides: str) -> Outcome:
        mill = open_mill(load_recipe(recipe, overrides))
        assert units_to_run(mill, step_named("ingest")) == []  # a request makes nothing of pass 1 again
        run_alone(mill, before="clean")
        return outcome(mill)

    return run


UNTOUCHED = {
    "owner/lib:library.py": "kept",
    "owner/lib:helpers.py": "kept",
    "fork/lib:library.py": "repository_copy",
    "fork/lib:helpers.py": "repository_copy",
    "app/main:vendor/library.py": "exact_duplicate",
    "app/main:vendor/helpers.py": "near_duplicate",
    "app/main:own.py": "kept",
    "app/other:own.py": "exact_duplicate",
}


def test_requests_that_name_nobody_or_were_withdrawn_change_nothing(recipe: Path, decided: Decided) -> None:
    ask(recipe.parent, "repository", "owner/lib")
    ask(recipe.parent, "ticket", "T-1", ticket="T-2")
    assert decided() == UNTOUCHED


def test_a_repository_goes_with_all_copies(recipe: Path, decided: Decided, capsys: pytest.CaptureFixture[str]) -> None:
    ask(recipe.parent, "repository", "https://github.com/Owner/lib.git")
    of_owner = {f"owner/lib:{file}.py": "opted_out_repository" for file in LIBRARIES}
    copies = {name: "copy_of_opted_out" for name in FILES if name.startswith("fork/") or "vendor" in name}
    assert decided() == UNTOUCHED | of_owner | copies
    print_life(open_mill(load_recipe(recipe)), "code/0.jsonl:0")
    assert "opt_out: rejected, opted_out_repository; the owner asked" in capsys.readouterr().out


def test_where_near_copies_stay_only_equal_contents_go(recipe: Path, decided: Decided) -> None:
    ask(recipe.parent, "owner", "owner")
    found = decided("opt_out.near_copies=keep")
    assert found["app/main:vendor/helpers.py"] == "kept"
    assert {found[name] for name in FILES if name.startswith("owner/")} == {"opted_out_owner"}
    assert {found[f"{place}library.py"] for place in ("fork/lib:", "app/main:vendor/")} == {"copy_of_opted_out"}


def test_who_asks_for_a_place_leaves_copies_and_they_lose_nothing_to_it(recipe: Path, decided: Decided) -> None:
    """The fork is then no copy of anything, and stays before others as the one with more stars."""
    ask(recipe.parent, "repository", "owner/lib", scope="place")
    fates = {"owner/lib": "opted_out_repository", "fork/lib": "kept"}
    assert decided() == UNTOUCHED | {f"{name}:{file}.py": fate for name, fate in fates.items() for file in LIBRARIES}


def test_the_owner_of_a_fork_takes_nothing_else_away(recipe: Path, decided: Decided) -> None:
    ask(recipe.parent, "repository", "fork/lib", scope="place")
    assert decided() == UNTOUCHED | {f"fork/lib:{file}.py": "opted_out_repository" for file in LIBRARIES}


@pytest.mark.parametrize(
    ("by", "value"),
    [
        *(("blob", digits) for digits in (git_blob(OWN), BLOB_IDS["app/main:own.py"])),
        ("sha256", sha256(OWN.encode()).hexdigest()),
        *(("path", f"app/main:{path}") for path in ("own.*", "own.py")),
        ("url", "https://github.com/App/main/blob/trunk/own.py"),
    ],
)
def test_a_content_goes_wherever_it_lies(recipe: Path, decided: Decided, by: Any, value: str) -> None:
    ask(recipe.parent, by, value)
    found = decided()
    assert found.pop("app/main:own.py") == f"opted_out_{by}"
    assert found.pop("app/other:own.py") in ("copy_of_opted_out", f"opted_out_{by}")
    assert found.items() <= UNTOUCHED.items()


def test_what_was_removed_does_not_come_back(recipe: Path, decided: Decided) -> None:
    suppress(recipe.parent, [OWN, HELPERS])
    content = {"app/main:own.py", "app/other:own.py", "owner/lib:helpers.py", "fork/lib:helpers.py"}
    near = {"app/main:vendor/helpers.py": SUPPRESSED_NEAR_COPY}
    assert decided() == UNTOUCHED | dict.fromkeys(content, SUPPRESSED_CONTENT) | near
    found = decision_tables(open_mill(load_recipe(recipe)), {"reason": SUPPRESSED_NEAR_COPY})
    told = [item for table in found for item in decisions_of(table)]
    assert [(item.stage, item.bound, item.detail) for item in told] == [("opt_out", MINIMUM_AGREEMENT, "")]
    assert MINIMUM_AGREEMENT <= (told[0].value or 0) < 64


def test_what_was_removed_under_a_withdrawn_ticket_comes_back(recipe: Path, decided: Decided) -> None:
    suppress(recipe.parent, [OWN, HELPERS])
    ask(recipe.parent, "repository", "nobody/here", ticket="T-9")
    ask(recipe.parent, "ticket", "T-9", ticket="T-10")
    assert decided() == UNTOUCHED


def test_sketches_of_other_settings_are_refused_but_for_their_contents(recipe: Path, decided: Decided) -> None:
    suppress(recipe.parent, [OWN, HELPERS], NEAR.model_copy(update={"seed": 7}))
    with pytest.raises(RecipeError, match=r"measured by other settings; deduplication\.near: expected .*'seed': 7"):
        open_mill(load_recipe(recipe))
    found = decided("opt_out.near_copies=keep")
    assert found["app/main:own.py"] == SUPPRESSED_CONTENT
    assert found["app/main:vendor/helpers.py"] == "kept"


def test_a_run_judges_by_the_requests_that_it_was_planned_with(recipe: Path, run_alone: Callable[..., None]) -> None:
    mill = open_mill(load_recipe(recipe))
    ask(recipe.parent, "repository", "owner/lib")
    run_alone(mill, before="clean")
    assert outcome(mill) == UNTOUCHED
    again, names = open_mill(load_recipe(recipe)), ("ingest", "detect", "govern", "trees", "forks", "judge")
    assert [name for name in names if units_to_run(again, step_named(name))] == ["forks", "judge"]


def test_a_release_tells_what_it_heeds_and_is_the_same_for_any_workers(
    recipe: Path, run_alone: Callable[..., None], run_recipe: Callable[..., None], release_files: Any
) -> None:
    ask(recipe.parent, "repository", "owner/lib")
    suppress(recipe.parent, [prose("elsewhere")])
    other = shutil.copytree(recipe.parent, recipe.parent.parent / "other") / "recipe.yaml"
    run_alone(recipe)
    write_plan((mill := open_mill(load_recipe(other))).work, mill.plan)
    assert read_plan(mill.work) == mill.plan
    run_alone(mill, before="judge")
    judge = step_named("judge")
    run_step(mill, judge, units_to_run(mill, judge), workers=3)
    alone, together = (each.records(judge) for each in (open_mill(load_recipe(recipe)), mill))
    assert [record and record.outputs for record in alone] == [record and record.outputs for record in together]
    files = release_files(recipe)
    manifest = Manifest.read(Storage(str(recipe.parent / "releases/tiny-0.1.0")))
    assert manifest.opt_outs is not None
    assert (manifest.opt_outs.requests, manifest.opt_outs.suppressed, manifest.opt_outs.as_of) == (2, 1, "2026-07-31")
    assert manifest.recipe["opt_out"] == {"near_copies": "remove"}
    assert "| copy_of_opted_out | 4 |" in files["SUMMARY.md"].decode()
    assert not any(b"T-1" in data or b"opt-outs" in data for data in files.values())
    ask(recipe.parent, "repository", "another/one")
    with pytest.raises(RecipeError, match="other inputs, requests or library versions"):
        run_recipe(recipe)


def test_a_registry_that_is_absent_or_damaged_stops_before_any_work(recipe: Path) -> None:
    with pytest.raises(RecipeError, match=r"opt_out\.registry: .*, found no requests\.jsonl"):
        open_mill(load_recipe(recipe, ["opt_out.registry=nowhere"]))
    lines = recipe.parent / "opt-outs/requests.jsonl"
    lines.write_text(lines.read_text().replace("owner", "other") + "broken\n")
    with pytest.raises(IntegrityError, match=r"requests\.jsonl:2: "):
        open_mill(load_recipe(recipe))


def test_an_edited_line_is_found_out_by_a_task(recipe: Path) -> None:
    ask(recipe.parent, "repository", "owner/lib")
    mill = open_mill(load_recipe(recipe))
    lines = recipe.parent / "opt-outs/requests.jsonl"
    lines.write_text(lines.read_text().replace("owner/lib", "owner/fib"))
    _loaded.clear()  # as in a process of its own
    with pytest.raises(IntegrityError, match="not those that were planned with"):
        prepare(mill, step_named("judge"))
