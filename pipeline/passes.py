"""The way of a document: the nine passes in order, and the steps each is made of.

| pass | module | steps |
|---|---|---|
| 1 ingest | `pass_1_ingest` | ingest |
| 2 decide | `pass_2_*` | look_up, detect, govern, judge, pair, shingle, verify, resolve |
| 3 clean | `pass_3_clean` | clean |
| 4 mix | `pass_4_mix` | mix |
| 5 rewrite | none yet | a recipe that asks for it is refused |
| 6 tokenize | `pass_6_tokenize` | tokenize |
| 7 settle | `pass_7_settle` | settle |
| 8 pack | `pass_8_pack` | pack |
| 9 release | `pass_9_release` | release |
"""

from pipeline import (
    pass_1_ingest,
    pass_2_decide,
    pass_3_clean,
    pass_4_mix,
    pass_6_tokenize,
    pass_7_settle,
    pass_8_pack,
    pass_9_release,
)
from pipeline.steps import Step

PASSES = ("ingest", "decide", "clean", "mix", "rewrite", "tokenize", "settle", "pack", "release")

STEPS: tuple[Step, ...] = (
    *pass_1_ingest.STEPS,
    *pass_2_decide.STEPS,
    *pass_3_clean.STEPS,
    *pass_4_mix.STEPS,
    *pass_6_tokenize.STEPS,
    *pass_7_settle.STEPS,
    *pass_8_pack.STEPS,
    *pass_9_release.STEPS,
)
