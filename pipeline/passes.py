"""The way of a document: the nine passes in order, and the steps each is made of.

Pass 2 is a barrier in many steps, from columns alone; the text of what it rejects is never moved:

    look_up, detect, govern      what notices, licence files and manifests say: `pass_2_licences`
    trees, forks                 repositories that are copies of others: `pass_2_repositories`
    judge                        licence policy, languages and bounds: `pass_2_judge`
    group                        documents of the same words: `pass_2_groups`
    pair, sign, sift             pairs that share an LSH bucket and look similar: `pass_2_candidates`
    shingle                      documents of some pair are read again, and send hashes of shingles: `pass_2_shingles`
    verify, second_round, third_round, last_rounds
                                 exact Jaccard similarity of every pair, and who stays: `pass_2_rounds`
    resolve                      what becomes of every document: `pass_2_resolve`

Passes 4 and 5 have steps that run where the recipe has code rewritten:

    mix                          how much of every domain, and so which documents: `pass_4_mix`
    survey                       how good the selected code is: `pass_4_survey`
    choose                       which of it the model is given: `pass_4_choose`
    rewrite                      what the model and the gates make of that: `pass_5_rewrite`
    overlay                      which of the rewrites stand: `pass_5_overlay`

Pass 8 has a second step:

    pack                         shards, and what lies beside them: `pass_8_pack`
    locate                       in which shards an id, a hash, a repository or a URL is found: `pass_8_locate`

Every other pass is one step of its own name.
"""

from pipeline import (
    pass_1_ingest,
    pass_2_candidates,
    pass_2_groups,
    pass_2_judge,
    pass_2_licences,
    pass_2_repositories,
    pass_2_resolve,
    pass_2_rounds,
    pass_2_shingles,
    pass_3_clean,
    pass_4_choose,
    pass_4_mix,
    pass_4_survey,
    pass_5_overlay,
    pass_5_rewrite,
    pass_6_tokenize,
    pass_7_settle,
    pass_8_locate,
    pass_8_pack,
    pass_9_release,
)
from pipeline.recipe import Recipe
from pipeline.steps import Step

PASSES = ("ingest", "decide", "clean", "mix", "rewrite", "tokenize", "settle", "pack", "release")

STEPS: tuple[Step, ...] = (
    *pass_1_ingest.STEPS,
    *pass_2_licences.STEPS,
    *pass_2_repositories.STEPS,
    *pass_2_judge.STEPS,
    *pass_2_groups.STEPS,
    *pass_2_candidates.STEPS,
    *pass_2_shingles.STEPS,
    *pass_2_rounds.STEPS,
    *pass_2_resolve.STEPS,
    *pass_3_clean.STEPS,
    *pass_4_mix.STEPS,
    *pass_4_survey.STEPS,
    *pass_4_choose.STEPS,
    *pass_5_rewrite.STEPS,
    *pass_5_overlay.STEPS,
    *pass_6_tokenize.STEPS,
    *pass_7_settle.STEPS,
    *pass_8_pack.STEPS,
    *pass_8_locate.STEPS,
    *pass_9_release.STEPS,
)


def steps_of(recipe: Recipe) -> list[Step]:
    """The steps that a recipe has run, in order."""
    return [step for step in STEPS if step.asked_for(recipe)]
