"""Why documents did not stay, and what of that a reader must not miss, by a release's ledgers and mixture."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from manifests.release_rewriting import STAGE
from pipeline.release_mixture import wanted_tokens

LICENCE_STAGES = ("licence",)
_PASS_OF = {
    "ingest": "1 ingest",
    "judge": "2 decide",
    "clean": "2 decide, 3 clean",
    "tokenize": "4 mix",
    "pack": "7 settle",
}
_TOLERATED_SHARE = 0.0005
_TOLERATED_SHORTFALL = 0.01


class Rejections(NamedTuple):
    """Documents that left at one stage for one reason; `num_bytes` of their texts as that pass read them."""

    pass_of: str
    stage: str
    reason: str
    documents: int
    num_bytes: int


def rejections(ledgers: Mapping[str, Ledger], *, stages: Sequence[str] = ()) -> Iterator[Rejections]:
    """Rejections in the order of the passes, all or those of some stages.

    Args:
        ledgers: by step of `CHAIN`; one that has none is left out.
    """
    for step in CHAIN:
        for key, tally in ledgers[step].rejected.items() if step in ledgers else ():
            stage, _, reason = key.partition("/")
            if not stages or stage in stages:
                pass_of = "5 rewrite" if stage == STAGE else _PASS_OF[step]
                yield Rejections(pass_of, stage, reason, tally.documents, tally.num_bytes)


def ledgers_of(manifest: Manifest) -> dict[str, Ledger]:
    """The accounts of a release by step."""
    return {step: Ledger.from_json(manifest.ledgers[step]) for step in CHAIN}


def missed(manifest: Manifest) -> Iterator[str]:
    """Sentences on a total or a ratio that is not the one asked for; nothing of the data stands in them but kinds.

    None on a part of a release: nobody asked for one of it.
    """
    if manifest.selection is not None:
        return
    total = sum(manifest.mixture.reached_tokens.values())
    wanted = wanted_tokens(manifest)
    if total < (1 - _TOLERATED_SHORTFALL) * wanted:
        yield f"{wanted:,} tokens were asked for; at these shares there are not enough documents for them."
    for kind, share in manifest.mixture.shares.items():
        reached = manifest.mixture.reached_tokens[kind] / total if total else 0.0
        if abs(reached - share) > _TOLERATED_SHARE:
            yield f"{reached:.3%} of the tokens are {kind}; {share:.3%} were asked for."
