"""A manifest made by hand: small numbers that agree with each other, nothing that a library's version changes."""

from hashlib import sha256

from manifests.ledger import Ledger, Tally
from manifests.release import CHAIN, SCHEMA_VERSION, DocumentClass, Manifest, ReleaseFile, ReleaseTokenizer
from manifests.release_inputs import ReleaseSource, SourceShard
from manifests.release_lineage import ReleaseOptOuts, ReleaseParent, ReleaseRemovals
from manifests.release_mixture import ReleaseMixture
from manifests.release_packing import COMPARED_MODES, ContextLength, PackingFigures, ReleasePacking
from manifests.release_rewriting import (
    ReleaseRewriting,
    RewritingModel,
    RewritingPrompt,
    RewritingSampling,
    RewrittenLanguage,
)

RECIPE = {
    "name": "made",
    "deduplication": {"near": {}},
    "held_out": {"fraction": 0.1},
    "mixture": {"tokens": None},
    "packing": {"mode": "best_fit", "sequence_tokens": [128, 512]},
    "release": {"texts": "parquet"},
    "rewriting": {"gates": {"linter": True}},
}
DOCUMENTS = [
    DocumentClass("code", "stack", "", "Python", "MIT", 60, 60_000, 12_000),
    DocumentClass("code", "stack", "", "C|C++", "Apache-2.0", 10, 10_000, 2_000),
    DocumentClass("text", "pile", "Wikipedia (en)", "en", "CC-BY-SA-4.0", 25, 25_000, 5_000),
    DocumentClass("text", "pile", "Other", "de", "NOASSERTION", 5, 5_000, 1_000),
]


def made_manifest() -> Manifest:
    """A release of two sources, rewritten in part, patched once, with held-out documents."""
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name="made",
        version="0.1.1",
        recipe=RECIPE,
        software={"corpusmill": "0.0.0"},
        written_by="0.0.0",
        sources=[
            ReleaseSource(
                "pile", "pile", "text", "", None, None, None, [SourceShard("p.jsonl.zst", 40_000, _digest("p"))]
            ),
            ReleaseSource(
                *("stack", "stack-v2", "code", "", "2024-04-09", "https://example.org/stack?a=1&b=2", "public"),
                [SourceShard("s.jsonl.zst", 80_000, _digest("s"))],
            ),
        ],
        earlier=[],
        tokenizer=ReleaseTokenizer(_digest("t"), 512, "<|endoftext|>", 506, None, None, [506, 507], {"<|fim|>": 507}),
        ledgers=_ledgers(),
        failed_units=[],
        text_forms={"line_ends": 2},
        encodings={},
        benchmarks=[],
        redactions={"stack": {"email/address": 7, "secret/aws": 3}},
        redacted_documents={"stack": 4},
        mixture=_mixture(),
        packing=_packing(),
        documents=DOCUMENTS,
        licence_words={
            "MIT": "permissive",
            "Apache-2.0": "permissive",
            "CC-BY-SA-4.0": "share-alike",
            "NOASSERTION": "no evidence",
        },
        licence_counts={"texts": 9, "undecided_texts": 0, "copies_elsewhere": 1},
        duplicate_counts={"repository_copies": 0, "unresolved": 0},
        held_out=9,
        not_known={
            "licence": {"code": 0, "text": 5},
            **{name: {"code": 1, "text": 30} for name in ("repository", "revision", "swhid", "copyright")},
        },
        files=[],
        rewriting=_rewriting(),
        parent=ReleaseParent(name="made", version="0.1.0", digest=_digest("parent")),
        opt_outs=ReleaseOptOuts(requests=3, as_of="2026-11-30", suppressed=2, near_copies="remove"),
        removals=ReleaseRemovals(documents=2, num_bytes=2_000, tokens=400, held_out=1, requests=1),
        packed_as="made 0.1.0",
    )
    names = ("data", "data-512", "positions", "positions-512", "attribution", "texts", "rewrites", "held_out")
    paths = [f"{name}/shard-00000-of-00001.parquet" for name in names]
    return manifest.with_files(
        [
            *(ReleaseFile(path, 1_000, _digest(path), 10) for path in paths),
            ReleaseFile.of("tokenizer/tokenizer.json", b""),
        ]
    )


def _digest(word: str) -> str:
    return sha256(word.encode()).hexdigest()


def _ledgers() -> dict[str, dict[str, object]]:
    read, ledgers = 200, {}
    rejected = {
        "ingest": ("read/not_json", 2),
        "judge": ("licence/copyleft", 50),
        "clean": ("held_out/held_out", 10),
        "tokenize": ("mix/not_selected", 30),
        "pack": ("settle/trimmed", 6),
    }
    for step in CHAIN:
        key, count = rejected[step]
        kept = read - count
        ledger = Ledger(
            Tally(read, read * 1_000), Tally(kept, kept * 1_000), {key: Tally(count, count * 1_000)}, Tally()
        )
        ledgers[step], read = ledger.to_json(), kept
    return ledgers


def _mixture() -> ReleaseMixture:
    tokens = {"code": 14_000, "text": 6_000}
    return ReleaseMixture({"code": 0.7, "text": 0.3}, tokens, tokens, tokens, tokens, [])


def _packing() -> ReleasePacking:
    figures = {"code": PackingFigures(110, 80, 3, 900), "text": PackingFigures(47, 16, 1, 300)}
    longer = {"code": PackingFigures(28, 336, 0, 0), "text": PackingFigures(12, 144, 0, 0)}
    lengths = [
        ContextLength(128, dict.fromkeys(COMPARED_MODES, figures)),
        ContextLength(512, dict.fromkeys(COMPARED_MODES, longer)),
    ]
    return ReleasePacking("best_fit", {"code": 70, "text": 30}, {"file": 19_000, "fim_psm": 1_000}, lengths)


def _rewriting() -> ReleaseRewriting:
    python = RewrittenLanguage(
        surveyed={"fine": 40, "smelly": 18, "broken": 2, "hopeless": 0, "unmeasured": 0},
        chosen=20,
        rewritten=8,
        overruled={"near_rewrite": 1},
        answers={"repair": {"accepted": 8, "parse": 12}},
        original_bytes=8_000,
        rewritten_bytes=8_100,
        errors_before=2,
        errors_after=0,
        findings_before=9,
        findings_after=4,
        prompt_tokens=9_000,
        completion_tokens=4_000,
        released_documents=7,
        released_bytes=7_000,
    )
    return ReleaseRewriting(
        model=RewritingModel(name="scripted/coder-1B", revision="r1", licence="Apache-2.0", dtype="bfloat16"),
        sampling=RewritingSampling(temperature=0.0, top_p=1.0, seed=0),
        prompts=[RewritingPrompt(mode="repair", version=1, sha256=_digest("prompt"))],
        limit="nothing",
        languages={"Python": python},
    )
