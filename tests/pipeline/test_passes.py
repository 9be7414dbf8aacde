import re
from collections import Counter
from pathlib import Path

from pipeline import passes
from pipeline.pass_9_release import PACKED_FILES
from pipeline.passes import PASSES, STEPS, steps_of
from pipeline.recipe_file import load_recipe
from pipeline.steps import RECORDS


def test_every_step_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(step.name for step in STEPS).items() if count > 1] == []


def test_steps_stand_in_the_order_of_the_passes() -> None:
    assert [step.number for step in STEPS] == sorted(step.number for step in STEPS)
    assert all(step.pass_name == PASSES[step.number - 1] for step in STEPS)


def test_every_pass_has_steps() -> None:
    assert {step.pass_name for step in STEPS} == set(PASSES)


def test_a_step_reads_only_what_an_earlier_one_wrote() -> None:
    seen: set[str] = set()
    for step in STEPS:
        assert {read.step for read in step.reads} <= seen, step.name
        seen.add(step.name)


def test_a_table_that_is_read_whole_has_a_schema_or_is_a_file() -> None:
    missing = [
        (step.name, read.table)
        for step in STEPS
        for read in step.reads
        if read.schema is None and read.table not in (RECORDS, *(table for _, table in PACKED_FILES))
    ]
    assert missing == []


def test_only_the_release_is_made_at_every_run() -> None:
    assert [step.name for step in STEPS if step.always] == ["release"]


def test_the_module_names_the_steps_of_passes_that_have_several_in_their_order() -> None:
    rows = re.findall(r"^    (\w+(?:, \w+)*)(?:  |$)", passes.__doc__ or "", re.MULTILINE)
    several = [number for number, count in Counter(step.number for step in STEPS).items() if count > 1]
    assert ", ".join(rows).split(", ") == [step.name for step in STEPS if step.number in several]


def test_every_other_pass_is_one_step_of_its_own_name() -> None:
    numbers = Counter(step.number for step in STEPS)
    others = [step for step in STEPS if numbers[step.number] == 1]
    assert [step.name for step in others] == [step.pass_name for step in others]


def test_only_a_recipe_that_rewrites_has_the_steps_for_it_run(tiny_recipe: Path) -> None:
    model = "rewriting={engine: vllm, model: {name: lab/coder, revision: '1', licence: Apache-2.0}}"
    without, rewriting = (steps_of(load_recipe(tiny_recipe, overrides)) for overrides in ([], [model]))
    assert rewriting == list(STEPS)
    assert {step.name for step in STEPS} - {step.name for step in without} == {"survey", "choose", "rewrite", "overlay"}
