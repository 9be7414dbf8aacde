"""Masking in `show`: what redaction would take is not printed, of whatever document."""

import json
import time
from pathlib import Path

import pytest

from filters.redaction_policy import RedactionPolicy
from pipeline.excerpts import excerpt
from pipeline.inspect_bounds import print_close
from pipeline.inspect_samples import print_samples
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, reopen_mill, run_mill

EMAIL = "jane.roe" + "@" + "company-mail.org"
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq2Xr9d0kLmN4tVwYzA1c3e5g7i9K0mOqSuWyB2D4F6H8Jl\n" * 60
POLICY = RedactionPolicy()


class Silent:
    def start(self, *_: object, **__: object) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, *_: object, **__: object) -> None: ...


@pytest.mark.parametrize("end", ["", "-----END RSA PRIVATE KEY-----\n"])
def test_an_excerpt_is_masked_also_where_a_key_is_cut_by_its_end(end: str) -> None:
    shown = excerpt(f"name: x\n\tmail {EMAIL}\n{KEY}{end}", POLICY)
    assert shown.startswith("  name: x\n      mail ••••\n  ••••")
    assert "MII" not in shown


def test_an_address_that_the_end_of_the_excerpt_cuts_is_masked() -> None:
    shown = excerpt("word " * 118 + EMAIL + " word" * 99, POLICY)
    assert shown.endswith("word •••• word  […]")


def test_the_policy_says_what_is_masked() -> None:
    assert EMAIL in excerpt(EMAIL, RedactionPolicy(allow=("jane*",)))


def test_a_long_text_is_not_scanned_to_its_end() -> None:
    text = f"{EMAIL}\n" * 2_000_000
    excerpt(text, POLICY)
    start = time.process_time()
    assert excerpt(text, POLICY).endswith(" […]")
    assert time.process_time() - start < 0.5


def test_show_masks_rejected_and_kept_documents(
    tmp_path: Path, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("ada", "bea", "cay", "dan", "eve", "fay", "gus", "hal", "ivo", "jan")
    contacts = "".join(f"{name} {name}.roe@company-mail.org\n" for name in names)
    texts = [contacts * 2, f"one two three four five six seven, mail {EMAIL} today\n"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: masks\nversion: 0.1.0\nmixture: {code: 0.0, text: 1.0}\n"
        "filters: {profiles: {own: {num_words: {minimum: 1}}}, assign: {text: [own]}}\n"
        "languages: {natural: {allow: null}}\n"
        "sources: [{name: a, format: jsonl, kind: text, paths: ['*.jsonl'], declared_licence: CC0-1.0}]\n"
        f"tokenizer: {{path: '{tiny_recipe.parent}/tokenizer.json'}}\n"
    )
    run_mill(open_mill(load_recipe(recipe)), workers=1, progress=Silent(), until="clean")
    mill = reopen_mill(str(tmp_path / "work"))
    print_samples(mill, stage="redact", reason=None, number=9)
    rejected = capsys.readouterr().out
    assert "heavy_leak" in rejected
    assert "  ada ••••\n  bea ••••\n" in rejected
    print_samples(mill, stage=None, reason=None, number=9)
    kept = capsys.readouterr().out
    assert "six seven, mail <EMAIL> today" in kept
    print_close(mill, "num_words", group=None, count=9)
    assert "company-mail" not in rejected + kept + capsys.readouterr().out
