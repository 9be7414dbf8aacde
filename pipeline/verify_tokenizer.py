"""Whether a release's tokenizer is the one that its manifest speaks of: without it, ids mean nothing."""

from typing import NamedTuple

from pydantic import ValidationError

from manifests.errors import CorpusmillError
from manifests.release import MANIFEST, Manifest, ReleaseFile, ReleaseTokenizer
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.recipe_tokens import Rendering, TokenizerChoice
from pipeline.release_manifest import release_tokenizer
from pipeline.tokenizer_file import rendering_options
from pipeline.verify_manifest import TOKENIZER
from stages.rendering import Renderer
from stages.tokenizing import TextTokenizer

_SEQUENCE_TOKENS = range(2, (1 << 20) + 1)  # what a recipe may ask for


class ProvenTokenizer(NamedTuple):
    """A release's tokenizer, and what gives texts back from its ids."""

    tokenizer: TextTokenizer
    renderer: Renderer


def proven_tokenizer(
    release: Storage, manifest: Manifest, sound: list[ReleaseFile], findings: Findings
) -> ProvenTokenizer | None:
    """The tokenizer; None, with a finding, where it is not as stated or sequences have no sane length."""
    stated, lengths = manifest.tokenizer, [length.sequence_tokens for length in manifest.packing.lengths]
    if TOKENIZER not in {file.path for file in sound}:
        return None
    try:
        chosen = TokenizerChoice(
            end_of_document=stated.end_of_document, beginning_of_document=stated.beginning_of_document
        )
        loaded = TextTokenizer.load(release.read(TOKENIZER), **chosen.model_dump(exclude={"path"}))
        options = rendering_options(
            Rendering.model_validate(manifest.recipe.get("rendering")), [source.format for source in manifest.sources]
        )
        renderer = Renderer(loaded, options, seed=0)
        found = release_tokenizer(chosen, loaded, renderer)
    except ValidationError:
        findings.add(f"{MANIFEST}: recipe.rendering: expected the forms of a recipe, got something else")
        return None
    except CorpusmillError as error:
        findings.add(f"{TOKENIZER}: {error.message}")
        return None
    for name in ReleaseTokenizer.__struct_fields__:
        expected, got = getattr(stated, name), getattr(found, name)
        if expected != got:
            findings.add(f"{TOKENIZER}: expected {name} {expected}, got {got}")
    if found.end_of_document_id in found.template_ids.values():
        findings.add(f"{MANIFEST}: tokenizer.template_ids: expected no end of document among them, got it")
    insane = [length for length in lengths if length not in _SEQUENCE_TOKENS]
    if insane or not lengths:
        got = insane[0] if insane else "none"
        findings.add(f"{MANIFEST}: packing.lengths: sequence_tokens: expected one of {_SEQUENCE_TOKENS}, got {got}")
    return ProvenTokenizer(loaded, renderer) if found == stated and lengths and not insane else None
