"""Golden ids, spelled as control tokens and the texts between them; and that every form gives the text back."""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tokenizers
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import RecipeError
from stages.rendering import Form, Renderable, Rendered, Renderer, RenderingOptions, packed_id, packed_name
from stages.rendering_forms import TEMPLATES, TemplateName
from stages.rendering_pull_requests import CONTROLS
from stages.tokenizer_training import train
from stages.tokenizing import TextTokenizer, TokenIds

END, BEGIN = "<|endoftext|>", "<|begin|>"
NAMES: list[TemplateName] = ["qwen", "starcoder2"]
CONTROL_TOKENS = list(
    dict.fromkeys(
        [END, BEGIN, *(control.name for name in NAMES for control in (*TEMPLATES[name].file_controls, *CONTROLS[name]))]
    )
)
PLAIN = train(["def f(x):\n    return x\n"] * 9, vocabulary_size=320, control_tokens=CONTROL_TOKENS)
COMPOSING = json.dumps({**json.loads(PLAIN), "normalizer": {"type": "NFC"}}).encode()
TOKENIZER = TextTokenizer.load(COMPOSING, end_of_document=END)
REFERENCE = tokenizers.Tokenizer.from_str(json.dumps({**json.loads(COMPOSING), "added_tokens": []}))
NUMBERS = {number: name for name, number in TOKENIZER.control.items()}
BODY = "def f(x):\n    return x\n"
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))

texts = st.text() | st.lists(
    st.sampled_from([*CONTROL_TOKENS, "e\u0301", "\u0301", "\r\n", "\n", " ", "x", "한", "\u1100\u1161", "Ω", "# %%"])
).map("".join)


def options(template: TemplateName, **fields: Any) -> RenderingOptions:
    return replace(RenderingOptions(template=template, repository_share=1.0, pull_requests=True), **fields)


def renderer(template: TemplateName, tokenizer: TextTokenizer = TOKENIZER, seed: int = 0, **fields: Any) -> Renderer:
    return Renderer(tokenizer, options(template, **fields), seed)


def document(number: int = 0, text: str = BODY, **fields: Any) -> Renderable:
    whole = Renderable(number.to_bytes(16, "big"), text, "code", "Python", "team/tool", f"src/{number}.py", "file")
    return whole._replace(**fields)


TWO_FILES = [document(0, "first = 1\nsecond = 2\n"), document(1, "third = 3\nfourth = 4\n")]


def spelled(ids: TokenIds) -> list[str]:
    """Control tokens by name, and the text between two of them as one string."""
    found = []
    for part in np.split(ids, np.flatnonzero(np.isin(ids, list(NUMBERS)))):
        control = [NUMBERS[number] for number in part[:1].tolist() if number in NUMBERS]
        found += [*control, TOKENIZER.decode(part[len(control) :])]
    return [part for part in found if part]


def spans(rendered: Rendered) -> list[TokenIds]:
    ends = np.cumsum([length for _, length in rendered.members])
    assert ends[-1] == len(rendered.ids)
    return np.split(rendered.ids, ends[:-1])


def first(template: TemplateName, form: str, **fields: Any) -> Rendered:
    """The first of the documents 0, 1, 2 that takes a form."""
    renders = renderer(template)
    return next(found for n in range(99) if (found := renders.file(document(n, **fields), 0)).form == form)


def test_a_plain_file_is_its_text_and_the_end() -> None:
    for template in NAMES:
        rendered = renderer(template, fim_rate=0).file(document(), 0)
        assert spelled(rendered.ids) == [BODY, END]
        assert (rendered.form, rendered.name) == ("file", "0" * 32)
        assert rendered.members == [(bytes(16), len(rendered.ids))]
        assert rendered.ids.dtype == np.int32


def test_a_document_may_begin_with_a_token_of_its_own() -> None:
    tokenizer = TextTokenizer.load(COMPOSING, end_of_document=END, beginning_of_document=BEGIN)
    assert spelled(renderer("qwen", tokenizer, fim_rate=0).file(document(), 0).ids) == [BEGIN, BODY, END]
    both = renderer("qwen", tokenizer, fim_rate=0).repository([document(0), document(1)], 0)
    assert spelled(both.ids)[:2] == [BEGIN, "<|repo_name|>"]
    assert spelled(both.ids).count(BEGIN) == 1


def test_an_empty_document_is_the_end_alone() -> None:
    assert spelled(renderer("qwen", fim_rate=1).file(document(text=""), 0).ids) == [END]


@pytest.mark.parametrize(
    ("template", "prefix", "suffix", "middle"),
    [
        ("qwen", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        ("starcoder2", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ],
)
def test_golden_fill_in_the_middle(template: TemplateName, prefix: str, suffix: str, middle: str) -> None:
    psm = renderer(template, seed=5, fim_rate=1, spm_share=0).file(document(), 0)
    spm = renderer(template, seed=5, fim_rate=1, spm_share=1).file(document(), 0)
    assert (psm.form, spm.form) == ("fim_psm", "fim_spm")
    assert spelled(psm.ids) == [prefix, "def f(x):\n    retur", suffix, " x\n", middle, "n", END]
    assert spelled(spm.ids) == [prefix, suffix, " x\n", middle, "def f(x):\n    return", END]


def test_golden_ids_of_fill_in_the_middle() -> None:
    psm = renderer("qwen", seed=5, fim_rate=1, spm_share=0).file(document(), 0)
    spm = renderer("qwen", seed=5, fim_rate=1, spm_share=1).file(document(), 0)
    text = [269, 264, 257, 268, 267, 266, 84, 81]
    assert psm.ids.tolist() == [273, *text, 275, 265, 198, 274, 77, 271]
    assert spm.ids.tolist() == [273, 275, 265, 198, 274, *text, 77, 271]


def test_the_two_texts_behind_the_middle_token_are_encoded_apart() -> None:
    rendered = first("qwen", "fim_spm")
    (place,) = np.flatnonzero(rendered.ids == TOKENIZER.control["<|fim_middle|>"])
    behind = rendered.ids[place + 1 : -1].tolist()
    both = TOKENIZER.decode(behind)
    apart = [[*TOKENIZER.encode(both[:cut]), *TOKENIZER.encode(both[cut:])] for cut in range(1, len(both))]
    assert behind in apart


@given(texts, st.sampled_from(NAMES), st.booleans())
def test_the_ids_between_control_tokens_are_those_of_tokenizers(text: str, template: TemplateName, spm: bool) -> None:
    rendered = renderer(template, fim_rate=1, spm_share=float(spm)).file(document(text=text), 0)
    parts = np.split(rendered.ids, np.flatnonzero(np.isin(rendered.ids, list(NUMBERS))))
    spanned = [part[1:].tolist() if part[:1].tolist()[0] in NUMBERS else part.tolist() for part in parts if len(part)]
    apart = rendered.form == "fim_spm"  # two texts stand behind the middle token
    for number, ids in enumerate(spanned):
        if not (apart and number == 2):
            assert ids == REFERENCE.encode(TOKENIZER.decode(ids), add_special_tokens=False).ids


def test_texts_are_not_cut() -> None:
    for template in NAMES:
        assert renderer(template, fim_rate=1).file(document(kind="text"), 0).form == "file"
        assert renderer(template, fim_rate=1).file(document(text="ab"), 0).form == "file"


def test_a_notebook_is_told_to_starcoder2() -> None:
    script = document(text="# %%\nx\n", language="Jupyter Notebook")
    assert spelled(renderer("starcoder2", fim_rate=0).file(script, 0).ids) == ["<jupyter_script>", "# %%\nx\n", END]
    assert spelled(renderer("starcoder2", fim_rate=1).file(script, 0).ids)[:2] == ["<jupyter_script>", "<fim_prefix>"]
    assert spelled(renderer("qwen", fim_rate=0).file(script, 0).ids) == ["# %%\nx\n", END]
    as_json = document(text='{"cells": []}', language="Jupyter Notebook")
    assert spelled(renderer("starcoder2", fim_rate=0).file(as_json, 0).ids) == ['{"cells": []}', END]


def test_golden_repository_of_qwen() -> None:
    files = [document(0, "a\n"), document(1, ""), document(2, "def g")]
    rendered = renderer("qwen", fim_rate=0).repository(files, 0)
    assert [spelled(span) for span in spans(rendered)] == [
        ["<|repo_name|>", "team/tool\n", "<|file_sep|>", "src/0.py\na\n\n"],
        ["<|file_sep|>", "src/1.py\n\n"],
        ["<|file_sep|>", "src/2.py\ndef g", END],
    ]
    assert (rendered.form, rendered.name) == ("repository", "0" * 32 + "-repository")
    assert [member for member, _ in rendered.members] == [file.id for file in files]


def test_golden_fill_in_the_middle_in_the_last_file_of_qwen() -> None:
    cut = renderer("qwen", seed=5, fim_rate=1, spm_share=0).repository(TWO_FILES, 0)
    assert [spelled(span) for span in spans(cut)] == [
        ["<|repo_name|>", "team/tool\n", "<|file_sep|>", "src/0.py\nfirst = 1\nsecond = 2\n\n"],
        [
            "<|file_sep|>", "src/1.py\n", "<|fim_prefix|>", "thir", "<|fim_suffix|>", "\n",
            "<|fim_middle|>", "d = 3\nfourth = 4", END,
        ],
    ]  # fmt: skip


def repository_of(template: TemplateName, form: Form, files: Sequence[Renderable], **fields: Any) -> Rendered:
    renders = renderer(template, **fields)
    return next(found for copy in range(99) if (found := renders.repository(files, copy)).form == form)


def test_golden_repository_of_starcoder2_with_and_without_metadata() -> None:
    files = [document(0, "a\n"), document(1, "def g")]
    named = repository_of("starcoder2", "repository", files, fim_rate=0)
    assert [spelled(span) for span in spans(named)] == [
        ["<repo_name>", "team/tool", "<file_sep>", "src/0.py\na\n"],
        ["<file_sep>", "src/1.py\ndef g", END],
    ]
    bare = repository_of("starcoder2", "repository_bare", files, fim_rate=0)
    assert [spelled(span) for span in spans(bare)] == [["<file_sep>", "a\n"], ["<file_sep>", "def g", END]]


def test_golden_fill_in_the_middle_in_files_of_starcoder2() -> None:
    named = renderer("starcoder2", seed=5, fim_rate=1, spm_share=0).repository(TWO_FILES, 0)
    assert [spelled(span) for span in spans(named)] == [
        [
            "<repo_name>", "team/tool", "<file_sep>",
            "<fim_prefix>", "src/0.py\nfi", "<fim_suffix>", " = 2\n", "<fim_middle>", "rst = 1\nsecond",
        ],
        [
            "<file_sep>",
            "<fim_prefix>", "src/1.py\nthi", "<fim_suffix>", " 4\n", "<fim_middle>", "rd = 3\nfourth =", END,
        ],
    ]  # fmt: skip
    other = renderer("starcoder2", seed=5, fim_rate=1, spm_share=1).repository(TWO_FILES, 0)
    assert [spelled(span) for span in spans(other)] == [
        [
            "<repo_name>", "team/tool", "<file_sep>",
            "<fim_prefix>", "<fim_suffix>", " = 2\n", "<fim_middle>", "src/0.py\nfirst = 1\nsecond",
        ],
        ["<file_sep>", "<fim_prefix>", "<fim_suffix>", " 4\n", "<fim_middle>", "src/1.py\nthird = 3\nfourth =", END],
    ]  # fmt: skip


@given(
    texts,
    st.sampled_from(NAMES),
    st.integers(0, 3),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["Python", "Jupyter Notebook"]),
)
def test_a_file_comes_back(text: str, template: TemplateName, copy: int, seed: int, language: str) -> None:
    renders = renderer(template, seed=seed, fim_rate=0.8)
    rendered = renders.file(document(text=text, language=language), copy)
    assert renders.restore(rendered.ids, rendered.form) == TOKENIZER.normalize(text)


@given(
    st.lists(texts, min_size=1, max_size=4),
    st.sampled_from(NAMES),
    st.integers(0, 2**64 - 1),
    st.text(max_size=9),
    st.sampled_from([None, BEGIN, END]),
)
def test_every_file_of_a_repository_comes_back(
    contents: list[str], template: TemplateName, seed: int, path: str, begin: Literal["<|begin|>"] | None
) -> None:
    tokenizer = replace(TOKENIZER, beginning_of_document_id=None if begin is None else TOKENIZER.control[begin])
    renders = renderer(template, tokenizer, seed=seed, fim_rate=0.8)
    rendered = renders.repository([document(n, text, path=path) for n, text in enumerate(contents)], 0)
    assert [renders.restore(span, rendered.form) for span in spans(rendered)] == list(
        map(TOKENIZER.normalize, contents)
    )


@given(st.text(), st.integers(0, 3), st.integers(0, 2**64 - 1))
def test_rendering_is_a_function_of_the_document_alone(text: str, copy: int, seed: int) -> None:
    one, other = renderer("qwen", seed=seed), renderer("qwen", seed=seed)
    other.file(document(7, "something else"), 0)
    expected, found = one.file(document(text=text), copy), other.file(document(text=text), copy)
    assert expected.ids.tolist() == found.ids.tolist()
    assert (expected.name, expected.form) == (found.name, found.form)


def test_a_copy_is_cut_elsewhere() -> None:
    renders = renderer("qwen", fim_rate=1)
    copies = {tuple(spelled(renders.file(document(text=BODY * 9), copy).ids)) for copy in range(8)}
    assert len(copies) == 8


def test_forms_come_as_often_as_asked_for() -> None:
    renders = renderer("qwen", seed=3)
    forms = [renders.file(document(number), 0).form for number in range(2_000)]
    # Five standard deviations of a binomial distribution.
    assert abs(2_000 - forms.count("file") - 1_000) < 5 * (2_000 / 4) ** 0.5
    assert abs(forms.count("fim_spm") - 500) < 5 * (2_000 * 3 / 16) ** 0.5
    renders = renderer("starcoder2")
    bare = [renders.repository([document(number)], 0).form for number in range(400)]
    assert abs(bare.count("repository_bare") - 200) < 5 * (400 / 4) ** 0.5


@pytest.mark.parametrize(("rate", "share", "form"), [(1.0, 1.0, "fim_spm"), (1.0, 0.0, "fim_psm"), (0.0, 1.0, "file")])
def test_a_share_of_all_or_nothing_is_just_that(rate: float, share: float, form: str) -> None:
    renders = renderer("qwen", fim_rate=rate, spm_share=share)
    assert {renders.file(document(number), 0).form for number in range(100)} == {form}


def test_chunks_fit_into_a_document_each() -> None:
    files = [document(number, BODY * (1 + number % 5)) for number in range(30)]
    files[7] = document(7, BODY * 99)
    for template in NAMES:
        renders = renderer(template, maximum_tokens=100)
        chunks = renders.chunks(files)
        placed = [number for chunk in chunks for number in range(len(files))[chunk]]
        assert 7 not in placed
        assert sorted(set(placed)) == placed
        assert len(placed) > 20
        for chunk in chunks:
            for copy in range(4):
                assert len(renders.repository(files[chunk], copy).ids) <= 100


def test_a_file_alone_is_no_repository() -> None:
    assert renderer("qwen").chunks([document()]) == []
    assert renderer("qwen").chunks([]) == []


def test_names_and_ids_of_packed_documents() -> None:
    identifier = bytes(range(16))
    assert packed_name(identifier, 0) == "000102030405060708090a0b0c0d0e0f"
    assert packed_name(identifier, 1) == "000102030405060708090a0b0c0d0e0f-2"
    assert packed_name(identifier, 2, repository=True) == "000102030405060708090a0b0c0d0e0f-repository-3"
    assert packed_id(packed_name(identifier, 0)) == identifier
    assert packed_id(packed_name(identifier, 1)).hex() == "16aef396145928ef2fc697587f831950"


@pytest.mark.parametrize(
    ("fields", "name", "hint"),
    [
        ({"fim_rate": 0.5}, "<|fim_prefix|>", "set rendering.fim.rate: 0"),
        ({"fim_rate": 0.0, "repository_share": 0.1}, "<|repo_name|>", "set rendering.repository.share: 0"),
        ({"fim_rate": 0.0, "pull_requests": True}, "<|repo_name|>", "sources of format pull-requests"),
        ({"fim_rate": 0.0, "template": "starcoder2"}, "<jupyter_script>", "rendering.template"),
    ],
)
def test_a_control_token_that_the_tokenizer_lacks_is_named(fields: dict[str, Any], name: str, hint: str) -> None:
    lacking = train(["a"], vocabulary_size=258, control_tokens=(END, "<|fim_suffix|>"))
    tokenizer = TextTokenizer.load(lacking, end_of_document=END)
    with pytest.raises(RecipeError) as caught:
        Renderer(tokenizer, RenderingOptions(**fields), 0)
    assert name in caught.value.message
    assert "the nearest is" in caught.value.message
    assert hint in caught.value.hint
    Renderer(tokenizer, RenderingOptions(fim_rate=0), 0)


def test_a_normalizer_that_sees_more_than_parts_is_refused_for_fill_in_the_middle() -> None:
    prepending = json.dumps({**json.loads(PLAIN), "normalizer": {"type": "Prepend", "prepend": "_"}}).encode()
    tokenizer = TextTokenizer.load(prepending, end_of_document=END)
    with pytest.raises(RecipeError, match="changes parts of a text"):
        renderer("qwen", tokenizer)
    renderer("qwen", tokenizer, fim_rate=0)


def test_qwen_is_rendered_with_its_own_ids_and_as_tokenizers_reads_it() -> None:
    path = SHARED / "tokenizers/qwen2_5/tokenizer.json"
    if not path.exists():
        pytest.skip(f"shared data absent: {path}")
    tokenizer = TextTokenizer.load(path.read_bytes(), end_of_document=END)
    renders = renderer("qwen", tokenizer, fim_rate=1, spm_share=0)
    cut = renders.file(document(), 0)
    assert cut.ids[0] == 151_659
    assert [number for number in cut.ids.tolist() if number >= 151_643] == [151_659, 151_661, 151_660, 151_643]
    both = renders.repository([document(0), document(1, "class A:\n    pass\n")], 0)
    expected = [151_663, 151_664, 151_664, 151_659, 151_661, 151_660, 151_643]
    assert [number for number in both.ids.tolist() if number >= 151_643] == expected
    whole = tokenizers.Tokenizer.from_file(str(path))
    for rendered in (cut, both):
        text = whole.decode(rendered.ids.tolist(), skip_special_tokens=False)
        assert whole.encode(text, add_special_tokens=False).ids == rendered.ids.tolist()


def test_real_files_come_back_from_qwens_forms() -> None:
    path, shard = SHARED / "tokenizers/qwen2_5/tokenizer.json", SHARED / "data/stack_v2/part-00000-of-00010.jsonl.zst"
    if not path.exists() or not shard.exists():
        pytest.skip(f"shared data absent: {path} or {shard}")
    tokenizer = TextTokenizer.load(path.read_bytes(), end_of_document=END)
    renders = renderer("qwen", tokenizer, fim_rate=0.9)
    with zstandard.open(shard, "rb") as compressed:
        rows = [json.loads(line) for line in islice(io.BufferedReader(compressed), 300)]
    files = [document(n, row["content"], path=row["path"]) for n, row in enumerate(rows)]
    for file in files:
        rendered = renders.file(file, 0)
        assert renders.restore(rendered.ids, rendered.form) == tokenizer.normalize(file.text)
    for chunk in renders.chunks(files):
        rendered = renders.repository(files[chunk], 0)
        assert len(rendered.ids) <= 32_768
        texts = [renders.restore(span, rendered.form) for span in spans(rendered)]
        assert texts == [tokenizer.normalize(file.text) for file in files[chunk]]
