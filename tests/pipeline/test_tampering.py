"""Whatever is done to a release, `verify` finds it and names the file: kinds of files against kinds of tampering.

Releases are copied by hard links, and a file that is tampered with is replaced. Where files are damaged, one of every
kind is, at once: what is found of one hides nothing of another.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.release_pages import PAGES
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers

BASES = ("small", "holding_out", "rewritten", "patched")
FOLDERS = {
    "attribution", "bands", "data", "data-512", "documents", "held_out", "index", "lookup", "positions",
    "positions-512", "removals", "rewrites", "texts", "tokenizer",
}  # fmt: skip


@pytest.fixture(scope="module")
def bases(
    small_release: Path, holding_out: Path, rewritten_recipe: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Releases that together have every kind of file."""
    folder = tmp_path_factory.mktemp("tampering")
    registry = Registry(str(folder / "registry"))
    registry.append([Request("T-1", "2026-03-04", "repository", "team/project3", "the owner asked", "content")])
    patched = apply_opt_outs(registry, str(small_release), ApplyOptions(output=str(folder / "patched")))
    holding = holding_out.parent / "releases/tiny-0.2.0"
    rewritten = rewritten_recipe.parent / "releases/rewritten-0.1.0"
    return dict(zip(BASES, (small_release, holding, rewritten, Path(patched.folder)), strict=True))


@pytest.fixture(params=BASES)
def release(request: pytest.FixtureRequest, bases: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of one of them."""
    return copied(bases[request.param], tmp_path / "release")


@pytest.fixture
def small(small_release: Path, tmp_path: Path) -> Path:
    return copied(small_release, tmp_path / "small")


def copied(release: Path, to: Path) -> Path:
    """A copy by hard links."""
    return Path(shutil.copytree(release, to, copy_function=os.link))


def replace(path: Path, data: bytes) -> None:
    """Put another file where a link was, so that the original stays as it is."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def kinds(release: Path) -> dict[str, list[str]]:
    """Files by kind: by their folder, or the page that they are."""
    found: dict[str, list[str]] = {}
    for file in manifest_of(release).files:
        found.setdefault(file.path.partition("/")[0], []).append(file.path)
    return found


def one_of_each(release: Path) -> list[str]:
    return [paths[0] for paths in kinds(release).values()]


def told(release: Path, **options: Any) -> list[str]:
    """The findings."""
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release), **options)
    return [line.strip() for line in caught.value.message.split("\n")[1:]]


def assert_named(paths: list[str], findings: list[str], what: str) -> None:
    for path in paths:
        assert any(line.startswith(f"{path}: {what}") for line in findings), (path, findings)


def test_the_releases_together_have_every_kind_of_file(bases: dict[str, Path]) -> None:
    every = {kind for release in bases.values() for kind in kinds(release)}
    assert every == FOLDERS | set(PAGES) | {"rewriting.html"}


# Files


def test_a_flipped_byte(release: Path) -> None:
    paths = one_of_each(release)
    for path in paths:
        data = bytearray((release / path).read_bytes())
        data[len(data) // 2] ^= 1
        replace(release / path, bytes(data))
    assert_named(paths, told(release), "expected sha256 ")


def test_a_truncated_file(release: Path) -> None:
    paths = one_of_each(release)
    for path in paths:
        replace(release / path, (release / path).read_bytes()[:-1])
    assert_named(paths, told(release), "expected a file of ")


def test_a_removed_file(release: Path) -> None:
    paths = one_of_each(release)
    for path in paths:
        (release / path).unlink()
    findings = told(release)
    assert_named(paths, findings, "expected a file of ")
    assert all(line.endswith("got none") for line in findings if line.partition(": ")[0] in paths)


def test_an_added_file(release: Path) -> None:
    added = []
    for path in one_of_each(release):
        folder, _, name = path.rpartition("/")
        other = f"{folder}/of-{name}".lstrip("/")
        os.link(release / path, release / other)
        added.append(other)
    assert_named(added, told(release), "expected no such file")


def pairs(release: Path) -> Iterator[tuple[str, str]]:
    """Two files of a kind; of a kind that has but one, that and one of another kind."""
    alone = [paths[0] for paths in kinds(release).values() if len(paths) == 1]
    yield from ((paths[0], paths[1]) for paths in kinds(release).values() if len(paths) > 1)
    yield from zip(alone[::2], alone[1::2], strict=False)


@pytest.mark.parametrize("half", [0, 1])
def test_two_files_swapped(release: Path, half: int) -> None:
    swapped = list(pairs(release))[half::2]
    for one, other in swapped:
        first, second = (release / one).read_bytes(), (release / other).read_bytes()
        assert first != second or not first
        replace(release / one, second)
        replace(release / other, first)
    assert_named([path for pair in swapped for path in pair], told(release), "expected ")


# Files, with a manifest that lists them as they are


@pytest.mark.parametrize("kind", sorted(FOLDERS - {"held_out", "removals", "rewrites", "tokenizer"}))
def test_two_files_swapped_and_signed(small: Path, kind: str) -> None:
    one, other = (small / path for path in kinds(small)[kind][:2])
    first, second = one.read_bytes(), other.read_bytes()
    replace(one, second)
    replace(other, first)
    # Rows of data that are another shard's are rows all the same: positions are not about them.
    named = (f"{kind}/", f"{kind}/".replace("data", "positions"))
    assert any(line.startswith(named) for line in told(unlinked(small)))


def unlinked(release: Path) -> Path:
    """Signed, where pages and manifest are links no more."""
    for path in (*PAGES, "manifest.json"):
        replace(release / path, (release / path).read_bytes())
    return signed(release)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_that_says_something_else_signed(small: Path, page: str) -> None:
    unlinked(small)
    replace(small / page, (small / page).read_bytes() + b"\n")
    manifest = manifest_of(small)
    data = (small / page).read_bytes()
    files = [type(file).of(page, data) if file.path == page else file for file in manifest.files]
    replace(small / "manifest.json", manifest.with_files(files).to_bytes())
    assert f"{page}: expected the text that the manifest generates, got another" in told(small)


# The manifest


def edits() -> dict[str, Callable[[Any], object]]:
    return {
        "name": lambda manifest: manifest.update(name="other"),
        "version": lambda manifest: manifest.update(version="9.9.9"),
        "recipe": lambda manifest: manifest["recipe"].update(seed=12345),
        "software": lambda manifest: manifest["software"].update(numpy="0"),
        "source": lambda manifest: manifest["sources"][0].update(declared_licence="MIT OR ISC"),
        "ledger": lambda manifest: manifest["ledgers"]["judge"]["kept"].__setitem__(0, 1),
        "documents": lambda manifest: manifest["documents"][0].update(documents=1),
        "tokens": lambda manifest: manifest["documents"][0].update(tokens=1),
        "held_out": lambda manifest: manifest.update(held_out=1),
        "licence": lambda manifest: manifest["documents"][0].update(licence="ISC"),
        "removals": lambda manifest: manifest["removals"].update(documents=1),
        "a file's sha256": lambda manifest: manifest["files"][3].update(sha256="0" * 64),
        "a file less": lambda manifest: manifest["files"].pop(3),
        "content": lambda manifest: manifest.update(content="0" * 64),
    }


# How a release was made is not seen in it.
ONLY_THE_DIGEST_TELLS = ("recipe", "software")


@pytest.mark.parametrize("edit", edits())
def test_an_edited_manifest(small: Path, edit: str) -> None:
    envelope = json.loads((small / "manifest.json").read_bytes())
    edits()[edit](envelope["manifest"])
    replace(small / "manifest.json", json.dumps(envelope).encode())
    with pytest.raises(IntegrityError, match=r"manifest\.json: the manifest was changed after it was written"):
        verify_release(str(small))


@pytest.mark.parametrize("edit", edits())
def test_an_edited_and_signed_manifest_has_another_digest(small: Path, edit: str) -> None:
    digest = manifest_of(small).digest
    envelope = json.loads((small / "manifest.json").read_bytes())
    edits()[edit](envelope["manifest"])
    replace(small / "manifest.json", msgspec.convert(envelope["manifest"], Manifest).to_bytes())
    findings = told(small, digest=digest)
    assert findings[0].startswith(f"manifest.json: expected the digest that the publisher gave, {digest}, got ")
    assert len(findings) > 1 or edit in ONLY_THE_DIGEST_TELLS


def test_a_file_and_the_manifest_that_lists_it(small: Path) -> None:
    """What only the publisher's digest tells: all is as the manifest says, and it is another manifest."""
    manifest = manifest_of(small)
    unlinked(small)
    signed(small, software=manifest.software | {"numpy": "0"})
    verify_release(str(small))
    assert [line.partition(":")[0] for line in told(small, digest=manifest.digest)] == ["manifest.json"]


def test_an_older_manifest_put_back(small: Path, bases: dict[str, Path], tmp_path: Path) -> None:
    """The newer release's files under the older one's manifest."""
    newer = copied(bases["patched"], tmp_path / "newer")
    replace(newer / "manifest.json", (small / "manifest.json").read_bytes())
    assert_named(sorted(PAGES)[:1], told(newer), "expected ")


def test_an_older_release_for_a_newer_one(small: Path, bases: dict[str, Path]) -> None:
    """A whole older release is sound; that it is the wrong one only the newer one's digest tells."""
    digest = manifest_of(bases["patched"]).digest
    verify_release(str(small))
    findings = told(small, digest=digest)
    assert len(findings) == 1
    assert findings[0].startswith(f"manifest.json: expected the digest that the publisher gave, {digest}, got ")


@pytest.mark.parametrize("packed_as", ["small 0.1.0", ""])
def test_a_release_under_a_name_of_ones_own(small: Path, packed_as: str) -> None:
    unlinked(small)
    signed(small, name="famous", version="2.0.0", packed_as=packed_as)
    assert f"manifest.json: packed_as: expected none without a parent and removals, got {packed_as!r}" in told(small)


def test_a_patched_release_under_a_name_of_ones_own(bases: dict[str, Path], tmp_path: Path) -> None:
    release = unlinked(copied(bases["patched"], tmp_path / "release"))
    signed(release, name="famous", version="2.0.0")
    expected = "manifest.json: packed_as: expected famous and a version below 2.0.0, got 'small 0.1.0'"
    assert expected in told(release)
