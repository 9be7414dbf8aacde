import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from manifests.release import Manifest
from manifests.release_mixture import ReleaseDomain
from manifests.storage import Storage
from pipeline.inspect_mixture import mixture_outlook
from pipeline.pass_4_mix import SELECTION
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import run_unit, step_named, unit_inputs, units_to_run
from stages.exchange import read_table
from stages.mixing import Prefix, order_keys
from stages.tokenizer_training import train

Run = Callable[..., None]

RECIPE = """\
name: mixed
version: 0.1.0
sources:
- {name: code, format: jsonl, kind: code, paths: [code.jsonl], declared_licence: MIT}
- {name: text, format: jsonl, kind: text, paths: [text.jsonl], declared_licence: MIT}
packing: {sequence_tokens: 256}
filters: {assign: null}
"""


def write(folder: Path, *, code: list[int], text: list[int], **row: object) -> Path:
    """A recipe with documents of the given numbers of words."""
    words = random.Random(1)
    for kind, lengths in (("code", code), ("text", text)):
        documents = (" ".join(f"{kind}{words.getrandbits(24):x}" for _ in range(length)) for length in lengths)
        rows = [json.dumps({"text": document, **row}) + "\n" for document in documents]
        (folder / f"{kind}.jsonl").write_text("".join(rows))
    (folder / "tokenizer.json").write_bytes(train(["code text 0123456789abcdef"], vocabulary_size=300))
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    return recipe


def manifest_of(recipe: Path) -> Manifest:
    return Manifest.read(Storage(str(recipe.parent / "releases/mixed-0.1.0")))


def test_a_budget_is_reached_where_documents_are_of_very_different_length(tmp_path: Path, run_alone: Run) -> None:
    lengths = random.Random(2)
    sizes = [min(4000, int(lengths.lognormvariate(3, 1.2)) + 6) for _ in range(5000)]
    recipe = write(tmp_path, code=sizes[:2500], text=sizes[2500:])
    run_alone(open_mill(load_recipe(recipe, ["mixture.tokens=60000", "mixture.shortfall=fail"])))
    manifest = manifest_of(recipe)
    reached = manifest.mixture.reached_tokens
    assert sum(reached.values()) == pytest.approx(60_000, abs=60)
    assert reached["code"] / sum(reached.values()) == pytest.approx(0.7, abs=0.0005)
    assert manifest.ledgers["tokenize"]["rejected"]["mix/not_selected"][0] > 500


def write_subsets(folder: Path, **sizes: list[int]) -> Path:
    """A recipe with documents of the given numbers of words by subset, those of code named in capitals."""
    recipe = write(folder, code=[], text=[])
    rows: dict[str, list[str]] = {"code": [], "text": []}
    for subset, lengths in sizes.items():
        numbers = random.Random(subset)
        for length in lengths:
            document = " ".join(f"{subset[:4]}{numbers.getrandbits(24):x}" for _ in range(length))
            rows["code" if subset.isupper() else "text"].append(json.dumps({"text": document, "subset": subset}) + "\n")
    for kind, lines in rows.items():
        (folder / f"{kind}.jsonl").write_text("".join(lines))
    return recipe


def selected(recipe: Path, run_alone: Run, *overrides: str) -> dict[tuple[str, str], float]:
    """Epochs that mix selects of each domain, by (kind, domain)."""
    mill = open_mill(load_recipe(recipe, overrides))
    run_alone(mill, before="tokenize")
    blocks = unit_inputs(mill, step_named("settle"), 0)["selection"]
    rows = read_table(mill.work, blocks, SELECTION, lambda _num_bytes: None).to_pylist()
    return {(row["kind"], row["domain"]): Prefix(row["full_epochs"], row["bound"]).epochs for row in rows}


def released(recipe: Path, run_alone: Run, *overrides: str) -> dict[tuple[str, str], ReleaseDomain]:
    """The domains of the release, by (kind, name)."""
    run_alone(open_mill(load_recipe(recipe, overrides)))
    return {(domain.kind, domain.name): domain for domain in manifest_of(recipe).mixture.domains}


def copies_released(recipe: Path) -> list[int]:
    """How often each document of the release is in it."""
    names: Counter[str] = Counter()
    for path in (recipe.parent / "releases/mixed-0.1.0/data").glob("*.parquet"):
        rows = pq.read_table(path, columns=["doc_ids", "doc_offsets"]).to_pylist()
        names.update(
            name.split("-")[0]
            for row in rows
            for name, offset in zip(row["doc_ids"], row["doc_offsets"], strict=True)
            if not offset
        )
    return sorted(names.values())


def failure(recipe: Path, run_alone: Run, step: str, *overrides: str) -> str:
    """Why a step fails."""
    mill = open_mill(load_recipe(recipe, overrides))
    run_alone(mill, before=step)
    record = run_unit(mill, step_named(step), 0, lambda _num_bytes: None)
    assert record.failure is not None
    assert record.failure.error == "UnitError"
    return record.failure.message


def test_a_kind_of_which_no_document_fits_is_an_error(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[3000] * 3)
    assert "tokens of text are to be kept and every document is longer" in failure(recipe, run_alone, "settle")


def test_a_release_of_nothing_is_an_error_that_says_why(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[20] * 20, detected_licenses=["GPL-3.0-only"])
    message = failure(recipe, run_alone, "mix")
    assert "no document of kind code or text is left" in message
    assert "copyleft_in_metadata (40)" in message


@pytest.mark.parametrize(
    "licence",
    [
        {"detected_licenses": "GPL-3.0-only"},
        {"detected_licenses": ["MIT", None]},
        {"detected_licenses": {"id": "MIT"}},
        {"detected_licenses": ["GPL-3.0-only"], "star_events_count": "12"},
        {"gha_license_id": 7},
    ],
)
def test_a_licence_field_of_a_wrong_type_is_never_no_evidence(
    tmp_path: Path, run_alone: Run, licence: dict[str, object]
) -> None:
    recipe = write(tmp_path, code=[20] * 5, text=[20] * 5, **licence)
    message = failure(recipe, run_alone, "mix")
    assert re.search(r"(copyleft_in_metadata|unreadable_licence_expression) \(10\)", message)


def test_a_licence_ranks_before_none_whatever_the_id(tmp_path: Path, run_alone: Run) -> None:
    words = random.Random(3)
    documents = [" ".join(f"w{words.getrandbits(24):x}" for _ in range(30)) for _ in range(40)]
    recipe = write(tmp_path, code=[], text=[20] * 10)
    rows = [{"text": text, "detected_licenses": licence} for text in documents for licence in ([], ["MIT"])]
    (tmp_path / "code.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe.write_text(
        RECIPE.replace(", kind: code, paths: [code.jsonl], declared_licence: MIT", ", kind: code, paths: [code.jsonl]")
    )
    run_alone(open_mill(load_recipe(recipe, ["licences.no_licence=keep"])))
    kept = {row.licence for row in manifest_of(recipe).documents if row.source == "code"}
    assert kept == {"MIT"}


def test_a_release_off_its_ratio_says_so_first(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[90, 90, 90])
    run_alone(open_mill(load_recipe(recipe)))
    summary = (tmp_path / "releases/mixed-0.1.0/SUMMARY.md").read_text()
    assert "**Warning:**" in summary.partition("## Funnel")[0]


# Documents of 6 to 60 words, 35 to 400 tokens: no more than the smallest is left of a kind's target.
MANY = [6 + n % 55 for n in range(1500)]


def test_weights_are_shares_of_their_kind(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY, BETA=MANY, gamma=MANY, delta=MANY[:300], epsilon=MANY[:600])
    weights = "{ALPHA: {weight: 0.25}, gamma: {weight: 0.5}, delta: {}}"
    domains = released(recipe, run_alone, f"mixture.domains={weights}", "mixture.tokens=300000")
    mixture = manifest_of(recipe).mixture
    total = sum(mixture.reached_tokens.values())
    assert total == pytest.approx(300_000, abs=100)
    assert mixture.reached_tokens["code"] / total == pytest.approx(0.7, abs=0.0005)
    code, text = (mixture.reached_tokens[kind] for kind in ("code", "text"))
    assert domains["code", "ALPHA"].reached_tokens / code == pytest.approx(0.25, abs=0.001)
    assert domains["text", "gamma"].reached_tokens / text == pytest.approx(0.5, abs=0.002)
    # What gamma leaves is divided as it is: 300 documents to 600.
    assert domains["text", "delta"].share == pytest.approx(1 / 6, abs=0.02)
    assert domains["text", "delta"].reached_tokens / text == pytest.approx(1 / 6, abs=0.02)
    assert sum(domain.reached_tokens for domain in mixture.domains) == total


def test_what_is_selected_is_made_of_whole_epochs_and_a_prefix(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:100], gamma=MANY[:100], delta=MANY[:100])
    epochs = "{gamma: {epochs: 2.5}, delta: {epochs: 0.5}}"
    assert selected(recipe, run_alone, f"mixture.domains={epochs}") == {
        ("code", ""): 1.0,
        ("text", "delta"): 0.5,
        ("text", "gamma"): 2.5,
    }
    domains = released(recipe, run_alone, f"mixture.domains={epochs}", "mixture.code=0", "mixture.text=1")
    # delta is half there and each once, gamma twice and half of it a third time.
    assert all(domain.reached_tokens == domain.selected_tokens for key, domain in domains.items() if key[0] == "text")
    copies = Counter(copies_released(recipe))
    assert copies.keys() == {1, 2, 3}
    assert copies[2] + copies[3] == 100
    assert 30 < copies[1] < 70
    assert 30 < copies[3] < 70


def test_repeat_takes_documents_up_to_the_maximum_and_scale_does_not(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:600], gamma=MANY[:100])
    wanted = "mixture.tokens=120000"
    assert selected(recipe, run_alone, wanted)["text", ""] == 1
    repeat = selected(recipe, run_alone, wanted, "mixture.shortfall=repeat")
    assert repeat["text", ""] == 4  # the thousand spare documents take all that may be taken
    assert selected(recipe, run_alone, wanted, "mixture.shortfall=repeat", "mixture.maximum_epochs=1.5") == {
        ("code", ""): 1.5,
        ("text", ""): 1.5,
    }
    released(recipe, run_alone, wanted, "mixture.shortfall=repeat")
    reached = manifest_of(recipe).mixture.reached_tokens
    assert sum(reached.values()) == pytest.approx(120_000, abs=100)
    assert reached["text"] == pytest.approx(36_000, abs=60)
    assert set(copies_released(recipe)) <= {1, 2, 3, 4}
    assert 2 in copies_released(recipe)


def test_fail_stops_in_mix_and_says_what_is_scarce(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY, gamma=MANY[:50], delta=MANY)
    overrides = ("mixture.tokens=2000000", "mixture.shortfall=fail", "mixture.domains={gamma: {weight: 0.5}}")
    message = failure(recipe, run_alone, "mix", *overrides)
    assert re.search(
        r"2,000,000 wanted at 70% code and 30% text; there are enough for [\d,]+; scarcest: text: gamma", message
    )


@pytest.mark.parametrize("cap", ["maximum_tokens: 5000", "maximum_bytes: 10000"])
def test_what_a_maximum_takes_goes_to_the_others(cap: str, tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY, gamma=MANY, delta=MANY)
    domains = released(
        recipe, run_alone, "mixture.tokens=100000", f"mixture.domains={{gamma: {{weight: 0.9, epochs: 2, {cap}}}}}"
    )
    manifest = manifest_of(recipe)
    assert manifest.mixture.reached_tokens["text"] == pytest.approx(30_000, abs=50)
    gamma = [row for row in manifest.documents if row.subset == "gamma"]
    tokens, num_bytes = sum(row.tokens for row in gamma), sum(row.num_bytes for row in gamma)
    assert tokens == domains["text", "gamma"].reached_tokens
    if "bytes" in cap:
        assert 9_500 < num_bytes <= 10_000
    else:
        assert 4_900 < tokens <= 5_000


def test_what_whole_documents_leave_of_a_maximum_goes_to_the_others(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY, gamma=[100] * 700, delta=MANY[:600])
    domains = released(
        recipe, run_alone, "mixture.tokens=40000", "mixture.domains={gamma: {weight: 0.9, maximum_tokens: 5000}}"
    )
    gamma, rest = domains["text", "gamma"], domains["text", ""]
    assert gamma.target_tokens - gamma.reached_tokens > 50, "another document of 100 words does not fit"
    assert gamma.reached_tokens + rest.reached_tokens == pytest.approx(12_000, abs=40)


def test_weights_of_one_kind_above_one_are_an_error_that_names_them(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:10], gamma=MANY[:10], delta=MANY[:10])
    weights = "mixture.domains={gamma: {weight: 0.6}, delta: {weight: 0.6}, ALPHA: {weight: 0.6}}"
    message = failure(recipe, run_alone, "mix", weights)
    assert "weights of kind text add up to 1.2; expected at most 1: delta 0.6, gamma 0.6" in message


def test_weight_zero_of_all_that_is_left_is_an_error(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:10], gamma=MANY[:10])
    message = failure(recipe, run_alone, "mix", "mixture.domains={gamma: {weight: 0}}")
    assert "all that is left of kind text has weight 0" in message


def test_the_preset_weighs_the_subsets_that_are_there(tmp_path: Path, run_alone: Run) -> None:
    subsets = {"ArXiv": MANY, "wikipedia_en": MANY, "EuroParl": MANY, "GITHUB": MANY[:800], "diaries": MANY}
    recipe = write_subsets(tmp_path, **subsets)
    overrides = ("mixture.preset=pile-v1", "mixture.domains={EuroParl: {weight: 0.1}}", "mixture.tokens=100000")
    domains = released(recipe, run_alone, *overrides)
    assert list(domains) == [("code", "")] + [("text", name) for name in ("", "ArXiv", "EuroParl", "Wikipedia (en)")]
    assert domains["text", "EuroParl"].share == pytest.approx(0.1)
    assert domains["text", "EuroParl"].published is None
    # Two and three epochs against one of the diaries, which have as many tokens; then by the published weights.
    together = domains["text", "ArXiv"].share + domains["text", "Wikipedia (en)"].share
    assert together == pytest.approx(0.9 * 5 / 6, abs=0.02)
    assert domains["text", "ArXiv"].share / domains["text", "Wikipedia (en)"].share == pytest.approx(0.0896 / 0.0153)
    assert (domains["text", "ArXiv"].published, domains["text", "ArXiv"].epochs) == (0.0896, 2.0)
    summary = (tmp_path / "releases/mixed-0.1.0/SUMMARY.md").read_text()
    assert "| text | Wikipedia (en) | 1.53% |" in summary.partition("## Mixture by domain")[2]


def chosen_documents(recipe: Path, subset: str) -> list[tuple[int, str]]:
    """(mix key, id) of the documents of a subset that the release has, in the order of the mix key."""
    texts = pq.read_table(recipe.parent / "releases/mixed-0.1.0/texts", columns=["doc_id", "subset"]).to_pylist()
    ids = [row["doc_id"] for row in texts if row["subset"] == subset]
    keys = order_keys(np.array([bytes.fromhex(one) for one in ids], dtype="V16"), 0, "mix").tolist()
    return sorted(zip(keys, ids, strict=True))


def test_another_weight_of_one_domain_takes_more_or_fewer_of_the_others_and_no_other_ones(
    tmp_path: Path, run_alone: Run
) -> None:
    subsets = {"ALPHA": MANY, "gamma": MANY, "delta": MANY, "epsilon": MANY}
    chosen: list[dict[str, list[tuple[int, str]]]] = []
    for number, weight in enumerate((0.5, 0.2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        recipe = write_subsets(folder, **subsets)
        domains = f"mixture.domains={{gamma: {{weight: {weight}}}, epsilon: {{weight: 0.25}}}}"
        run_alone(open_mill(load_recipe(recipe, [domains, "mixture.tokens=200000"])))
        chosen.append({name: chosen_documents(recipe, name) for name in subsets})
    fewer, more = chosen
    assert fewer["ALPHA"] == more["ALPHA"]
    assert fewer["epsilon"] == more["epsilon"]
    assert len(more["gamma"]) < 0.5 * len(fewer["gamma"])
    assert len(more["delta"]) > 1.5 * len(fewer["delta"])
    for smaller, larger in ((fewer["delta"], more["delta"]), (more["gamma"], fewer["gamma"])):
        # All up to where the budget runs out; there a few are left out to fill it exactly.
        common = [one for one, other in zip(smaller, larger, strict=False) if one == other]
        assert common == smaller[: len(common)]
        assert len(smaller) - len(common) < 20


def test_a_changed_mixture_makes_nothing_again_before_mix(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:20], gamma=MANY[:20])
    run_alone(open_mill(load_recipe(recipe)), before="mix")
    changed = "mixture={code: 0.5, text: 0.5, domains: {gamma: {weight: 0.5}}, preset: pile-v1}"
    mill = open_mill(load_recipe(recipe, [changed]))
    assert next(step.name for step in steps_of(mill.recipe) if units_to_run(mill, step)) == "mix"


def outlook(recipe: Path, *overrides: str, cleaned: bool = True) -> tuple[list[tuple[str, ...]], str]:
    found = mixture_outlook(open_mill(load_recipe(recipe, overrides)), cleaned=cleaned)
    return found.rows, "\n".join(found.lines)


def test_the_outlook_of_a_mixture(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:600], gamma=MANY[:100], ArXiv=MANY[:200])
    assert outlook(recipe, cleaned=False) == (
        [],
        "mixture: 70% code, 30% text, as many tokens as that allows; how many there are is known after pass 3, clean",
    )
    run_alone(open_mill(load_recipe(recipe)), before="mix")
    rows, lines = outlook(recipe, "mixture.preset=pile-v1", "mixture.domains={ALPHA: {weight: 1}, none: {weight: 0.1}}")
    assert [row[:2] for row in rows[1:]] == [("code", "ALPHA"), ("text", "(the rest)"), ("text", "ArXiv")]
    assert rows[3][2] == "8.96%"
    assert rows[3][4] == "2"
    assert re.search(
        r"possible without more epochs: about [\d,]+ tokens; scarcest: \w+: \w+\n  no documents of none$", lines
    )
    short = {
        "scale": r"shortfall: scale: the release will have about [\d,]+ tokens",
        "repeat": r"shortfall: repeat: documents are taken up to 4 times, which allow about [\d,]+ tokens",
        "fail": r"shortfall: fail: the run will stop for want of tokens",
    }
    for word, said in short.items():
        assert re.search(said, outlook(recipe, "mixture.tokens=9000000", f"mixture.shortfall={word}")[1])
    too_much = outlook(recipe, "mixture.domains={gamma: {weight: 0.6}, ArXiv: {weight: 0.6}}")
    assert too_much[0] == []
    assert "mix will stop: mixture.domains: the weights of kind text add up to 1.2" in too_much[1]


def test_the_outlook_is_what_mix_does(tmp_path: Path, run_alone: Run) -> None:
    recipe = write_subsets(tmp_path, ALPHA=MANY[:600], gamma=MANY[:200], ArXiv=MANY[:200])
    domains = released(recipe, run_alone, "mixture.preset=pile-v1")
    rows, _ = outlook(recipe, "mixture.preset=pile-v1")
    shown = {(row[0], row[1].replace("(the rest)", "")): int(row[5].replace(",", "")) for row in rows[1:]}
    assert shown == {key: domain.estimated_tokens for key, domain in domains.items()}
