"""Cleaned texts rendered as packed documents: forms, copies, members, and nothing that depends on the rows' order."""

import random
from collections import Counter
from hashlib import sha256

import pyarrow as pa
import pytest

from pipeline.rendered_documents import PULL_REQUESTS, PackedDocument, Rendering, packed_tables, rendered_documents
from stages.rendering import Renderer, RenderingOptions
from stages.tokenizer_training import train
from stages.tokenizing import TextTokenizer

TOKENIZER = TextTokenizer.load(
    train(f"def f{n}():\n    return {n}\n" for n in range(50)), end_of_document="<|endoftext|>"
)
FORMATS = {"stack": "stack-v2", "pile": "pile", "prs": PULL_REQUESTS}
TEXT_TYPES = {"id": pa.binary(16), "mix_key": pa.uint64(), "copies": pa.int64(), "num_bytes": pa.int64()}


def row(name: str, text: str, **changed: object) -> dict[str, object]:
    values: dict[str, object] = {
        "id": sha256(name.encode()).digest()[:16], "text": text, "kind": "code", "source": "stack",
        "language": "Python",
        "repo": "a/b", "path": name, "revision": "r1", "num_bytes": len(text.encode()), "domain": "", "mix_key": 7,
        "copies": 1, "rewrite": "",
    }  # fmt: skip
    return values | changed


def table(rows: list[dict[str, object]]) -> pa.Table:
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    return pa.table({name: pa.array(values, TEXT_TYPES.get(name, pa.string())) for name, values in columns.items()})


def rendering(**options: object) -> Rendering:
    chosen = RenderingOptions(**options)  # type: ignore[arg-type]
    return Rendering(Renderer(TOKENIZER, chosen, 3), chosen, FORMATS, 3)


def rendered(rows: list[dict[str, object]], **options: object) -> list[PackedDocument]:
    return rendered_documents(table(rows), rendering(**options))


FILES = [
    row(f"src/{name}.py", f"def {name}():\n    return '{name} é'\n" * 3, mix_key=n) for n, name in enumerate("dacb")
]
OTHERS = [
    row("other.py", "x = 1\n", repo="c/d"),
    row("old.py", "y = 1\n", revision="r0"),
    row("nameless.py", "z = 1\n", repo=""),
    row("prose", "Some words.\n", kind="text", source="pile", repo="", path=""),
]


def test_files_of_a_repository_and_revision_stand_together_in_the_order_of_their_paths() -> None:
    packed = rendered(FILES + OTHERS, repository_share=1.0, fim_rate=0.0)
    [together] = [document for document in packed if len(document.rendered.members) > 1]
    in_order = sorted(FILES, key=lambda one: str(one["path"]))
    assert [member for member, _ in together.rendered.members] == [one["id"] for one in in_order]
    assert together.rendered.name == f"{in_order[0]['id'].hex()}-repository"  # type: ignore[attr-defined]
    assert together.mix_key == in_order[0]["mix_key"]
    assert together.num_bytes == sum(one["num_bytes"] for one in FILES)  # type: ignore[misc]
    alone = {document.rendered.members[0][0] for document in packed if len(document.rendered.members) == 1}
    assert alone == {one["id"] for one in OTHERS}


def test_a_repository_document_is_no_longer_than_its_maximum() -> None:
    files = [row(f"{n:02}.py", f"value_{n} = {n}\n" * 9) for n in range(40)]
    packed = rendered(files, repository_share=1.0, maximum_tokens=500)
    several = [document for document in packed if len(document.rendered.members) > 1]
    assert len(several) > 3
    assert max(len(document.rendered.ids) for document in several) <= 500
    members = Counter(member for document in packed for member, _ in document.rendered.members)
    assert members == Counter(one["id"] for one in files)


@pytest.mark.parametrize("maximum", range(64, 104))
def test_a_last_file_that_is_longer_without_a_line_feed_behind_it_keeps_to_the_maximum(maximum: int) -> None:
    assert len(TOKENIZER.encode("def f1():\n")) < len(TOKENIZER.encode("def f1():"))
    files = [row(f"{n:02}.py", f"{n}\ndef f{n}():") for n in range(40)]
    several = [
        document
        for document in rendered(files, repository_share=1.0, fim_rate=0.0, maximum_tokens=maximum)
        if len(document.rendered.members) > 1
    ]
    assert several
    assert max(len(document.rendered.ids) for document in several) <= maximum


def test_a_row_without_a_path_is_no_file_of_a_repository() -> None:
    rows = [row(name, "def f1():\n    return 1\n" * 3, path="") for name in "abc"]
    assert all(len(document.rendered.members) == 1 for document in rendered(rows, repository_share=1.0))


def test_about_the_chosen_share_stands_in_repository_documents() -> None:
    files = [row(f"{n:03}.py", f"value_{n} = {n}\n" * 60, repo=f"r/{n % 500}") for n in range(2000)]
    packed = rendered(files, repository_share=0.3)
    share = sum(len(document.rendered.ids) for document in packed if len(document.rendered.members) > 1) / sum(
        len(document.rendered.ids) for document in packed
    )
    assert 0.28 < share < 0.32


@pytest.mark.parametrize("template", ["qwen", "starcoder2"])
def test_every_document_comes_back_from_the_tokens_of_its_own(template: str) -> None:
    tokenizer = TextTokenizer.load(
        train(
            ["def f(): return 1\n" * 9],
            control_tokens=(
                "<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>",
                "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<repo_name>", "<file_sep>", "<jupyter_script>",
            ),
        ),
        end_of_document="<|endoftext|>",
    )  # fmt: skip
    options = RenderingOptions(template=template, repository_share=0.7)  # type: ignore[arg-type]
    renderer = Renderer(tokenizer, options, 3)
    rows = [one | {"copies": 3} for one in FILES + OTHERS]
    packed = rendered_documents(table(rows), Rendering(renderer, options, FORMATS, 3))
    texts = {one["id"]: one["text"] for one in rows}
    found: dict[bytes, int] = {}
    for document in packed:
        start = 0
        for member, length in document.rendered.members:
            ids = document.rendered.ids[start : start + length]
            assert renderer.restore(ids, document.rendered.form) == texts[member]
            found[member] = found.get(member, 0) + 1
            start += length
        assert start == len(document.rendered.ids)
    assert found == dict.fromkeys(texts, 3)


def test_what_becomes_of_a_domain_does_not_depend_on_the_others() -> None:
    of_a = [row(f"{n:03}.py", f"value_{n} = {n}\n" * 9, repo=f"r/{n % 90}", domain="a") for n in range(360)]
    of_b = [row(f"{n:03}.c", f"int v{n};\n" * 20, repo=f"r/{n % 90}", domain="b") for n in range(900)]
    few, many = (
        [one.rendered.name for one in rendered(of_a + of_b[:number], repository_share=0.3) if one.domain == "a"]
        for number in (90, 900)
    )
    assert sorted(few) == sorted(many)
    assert any(name.endswith("-repository") for name in few)


def test_copies_have_names_of_their_own_and_are_cut_elsewhere() -> None:
    [first, second] = rendered([row("x.py", "def function():\n    return 1\n" * 20, copies=2)], fim_rate=1.0)
    assert (first.copy, second.copy) == (0, 1)
    assert second.rendered.name == f"{first.rendered.name}-2"
    assert first.rendered.ids.tolist() != second.rendered.ids.tolist()


def test_a_repository_document_is_of_one_domain() -> None:
    files = [
        row(f"{n}.{end}", f"# {n}\n" * 9, domain=domain) for n in range(3) for end, domain in (("md", ""), ("py", "P"))
    ]
    packed = rendered(files, repository_share=1.0)
    assert sorted((document.domain, len(document.rendered.members)) for document in packed) == [("", 3), ("P", 3)]
    of_domain = {one["id"]: one["domain"] for one in files}
    for document in packed:
        assert {of_domain[member] for member, _ in document.rendered.members} == {document.domain}


def test_tables_do_not_depend_on_the_order_of_the_rows() -> None:
    rows = [one | {"copies": 1 + n % 2} for n, one in enumerate(FILES + OTHERS)]
    shuffled = random.Random(1).sample(rows, len(rows))
    (first, tokens), (second, same) = (
        packed_tables(rendered(some, repository_share=0.5), 3) for some in (rows, shuffled)
    )
    assert first.equals(second)
    assert [ids.tolist() for ids in tokens["code"]] == [ids.tolist() for ids in same["code"]]
    assert first.column("num_tokens").to_pylist() == [
        sum(member["length"] for member in members) for members in first.column("members").to_pylist()
    ]


def test_no_documents_make_empty_tables() -> None:
    packed, tokens = packed_tables([], 3)
    assert packed.num_rows == 0
    assert tokens == {"code": [], "text": []}


def test_a_rewritten_file_says_so_in_its_name_but_not_among_others() -> None:
    rows = [one | {"rewrite": "repair"} for one in FILES]
    names = {document.rendered.name for document in rendered(rows, repository_share=0.0)}
    assert names == {f"{one['id'].hex()}-rewrite" for one in FILES}
    together = {document.rendered.name for document in rendered(rows, repository_share=1.0)}
    assert all(name.endswith("-repository") for name in together)
