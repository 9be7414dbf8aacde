"""A probe asks the model of the recipe itself, tells what all will take, and leaves its answers to the run after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rewriting_mill import MARKERS, NUM_FILES, rewriting_mill
from scripted_model import ScriptedModel

from manifests.errors import RecipeError
from pipeline.inspect_probe import print_probe
from pipeline.recipe_file import load_recipe
from pipeline.rewriting_probe import probe
from pipeline.runner import open_mill

pytestmark = pytest.mark.servers
Run = Callable[..., None]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ScriptedModel]]:
    with rewriting_mill(tmp_path_factory.mktemp("probed")) as mill:
        yield mill


@pytest.fixture
def ready(asked: tuple[Path, ScriptedModel], run_alone: Run) -> tuple[Path, ScriptedModel]:
    """A work folder that is done until pass mix."""
    run_alone(asked[0], before="rewrite")
    return asked


def test_all_documents_are_probed_and_counted(ready: tuple[Path, ScriptedModel]) -> None:
    recipe, model = ready
    mill = open_mill(load_recipe(recipe))
    told: list[tuple[int, int]] = []
    found = probe(mill, 1_000_000, lambda done, documents: told.append((done, documents)))
    [(name, python)] = found.languages.items()
    assert name == "Python"
    assert len(python.sample) == python.chosen.documents == len(told) >= NUM_FILES
    assert python.answers[""] >= NUM_FILES
    assert {gate for gate in python.answers if gate} == {gate for _, gate in MARKERS.values()}
    assert 0 < python.accepted < len(python.sample)
    assert sum(one.num_bytes for one in python.sample) == python.chosen.num_bytes
    assert found.requests == model.answered.total()
    assert found.speed is not None
    again = probe(mill, 1_000_000)
    assert (again.requests, again.cached, again.speed) == (found.requests, found.requests, None)
    assert again.languages["Python"].answers == python.answers


def test_a_sample_is_the_same_every_time_and_part_of_a_larger_one(ready: tuple[Path, ScriptedModel]) -> None:
    mill = open_mill(load_recipe(ready[0]))
    few, more, again = (probe(mill, size).languages["Python"].sample for size in (4, 9, 4))
    assert len(few) == 4
    assert sorted(few) == sorted(again)
    assert set(few) <= set(more)
    assert len(probe(mill, 0.01).languages["Python"].sample) == 1


def test_the_run_pays_for_nothing_that_the_probe_paid_for(
    ready: tuple[Path, ScriptedModel], run_alone: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, model = ready
    print_probe(open_mill(load_recipe(recipe)), 1_000_000)
    said = capsys.readouterr().out
    assert "chosen documents in 1 language" in said
    assert "gates refused: code_block" in said
    paid = model.answered.total()
    run_alone(recipe, before="overlay")
    assert model.answered.total() == paid


@pytest.mark.parametrize("size", [0, -1, 1.5, float("nan")])
def test_a_size_must_be_one(asked: tuple[Path, ScriptedModel], size: float) -> None:
    with pytest.raises(RecipeError, match="expected a share"):
        probe(open_mill(load_recipe(asked[0])), size)


def test_a_work_folder_that_is_not_so_far_is_told(asked: tuple[Path, ScriptedModel], tmp_path: Path) -> None:
    mill = open_mill(load_recipe(asked[0]), str(tmp_path / "work"))
    with pytest.raises(RecipeError, match="step ingest of pass ingest is not done") as raised:
        probe(mill, 0.01)
    assert "--until mix" in str(raised.value.hint)


def test_a_recipe_without_rewriting_has_nothing_to_probe(asked: tuple[Path, ScriptedModel]) -> None:
    with pytest.raises(RecipeError, match="without section `rewriting`"):
        probe(open_mill(load_recipe(asked[0], ["rewriting=null"])), 0.01)
