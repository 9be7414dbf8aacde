"""docs/errors.md has every reason for which an opt-out keeps a document out."""

from pathlib import Path

from manifests.opt_outs import KINDS
from pipeline.opt_outs import OPT_OUT
from pipeline.opted_out import SUPPRESSED_CONTENT, SUPPRESSED_NEAR_COPY
from pipeline.pass_2_copies import COPY_OF_OPTED_OUT

TEXT = (Path(__file__).parents[2] / "docs/errors.md").read_text(encoding="utf-8")


def test_the_page_has_every_reason() -> None:
    rows = [line.split("|")[2] for line in TEXT.splitlines() if line.startswith(f"| `{OPT_OUT}` |")]
    shown = [reason.strip().strip("`") for row in rows for reason in row.split(",")]
    named = {f"opted_out_{kind}" for kind in KINDS if kind != "ticket"}
    assert sorted(shown) == sorted(named | {COPY_OF_OPTED_OUT, SUPPRESSED_CONTENT, SUPPRESSED_NEAR_COPY})
