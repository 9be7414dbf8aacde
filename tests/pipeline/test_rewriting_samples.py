"""Samples are of every language and mode; the page that shows them follows from the release, and verify sees to it."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewriting_mill import rewriting_mill
from signing import signed

from manifests.errors import IntegrityError
from pipeline.rewriting_page import PAGE
from pipeline.rewriting_samples import MOST_SAMPLES, Candidate, choose
from pipeline.verify import verify_release

Run = Callable[..., None]
candidates = st.lists(
    st.builds(
        Candidate,
        st.integers(0, 1 << 30).map("{:032x}".format),
        st.sampled_from(["C", "Go", "Python"]),
        st.sampled_from(["repair", "repair+style"]),
        st.integers(1, 9000),
    ),
    max_size=40,
    unique_by=lambda one: one.doc_id,
)


@given(candidates, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_choice_is_fair_and_knows_no_order(found: list[Candidate], numbers: object) -> None:
    chosen = choose(found, MOST_SAMPLES)
    assert len(chosen) == min(MOST_SAMPLES, len(found))
    assert set(chosen) <= set(found)
    numbers.shuffle(found)  # type: ignore[attr-defined]
    assert choose(found, MOST_SAMPLES) == chosen
    there = Counter((one.language, one.modes) for one in found)
    taken = Counter((one.language, one.modes) for one in chosen)
    assert all(taken[group] + 1 >= min(max(taken.values()), there[group]) for group in there)
    for group in there:
        left = [one for one in found if (one.language, one.modes) == group and one not in chosen]
        if any(one.num_bytes <= 4096 for one in left):
            assert all(one.num_bytes <= 4096 for one in chosen if (one.language, one.modes) == group)


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory, run_alone: Run) -> Path:
    """The folder of a mill whose code was rewritten."""
    folder = tmp_path_factory.mktemp("shown")
    with rewriting_mill(folder) as (recipe, _):
        run_alone(recipe)
        run_alone(recipe, "release.texts=jsonl.zst", "version=0.1.1")
        run_alone(recipe, "release.texts=off", "version=0.1.2")
    return folder / "mill/releases"


@pytest.mark.servers
def test_the_page_of_a_release_is_sound_and_the_same_from_json_lines(rewritten: Path) -> None:
    pages = []
    for version in ("0.1.0", "0.1.1", "0.1.2"):
        verify_release(str(rewritten / f"rewritten-{version}"))
        pages.append((rewritten / f"rewritten-{version}" / PAGE).read_text())
    assert pages[0].count("<section>") == MOST_SAMPLES
    assert pages[0].replace("0.1.0", "0.1.1") == pages[1]
    assert "<section>" not in pages[2]
    assert "The release has no texts to show." in pages[2]
    assert " is None" in pages[0]


@pytest.mark.servers
def test_a_forged_page_is_found(rewritten: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(rewritten / "rewritten-0.1.0", release)
    page = (release / PAGE).read_bytes().replace(b" is None", b" is evil", 1)
    (release / PAGE).write_bytes(page)
    with pytest.raises(IntegrityError, match="1 finding"):
        verify_release(str(release))
    signed(release)
    with pytest.raises(IntegrityError, match="1 finding") as raised:
        verify_release(str(release))
    assert f"{PAGE}: expected the page that the manifest and the tables generate, got another" in str(raised.value)
