"""Whether what a manifest says of its mixture agrees with itself, with its documents and with its recipe."""

from pydantic import ValidationError

from manifests.release import MANIFEST, Manifest
from pipeline.findings import Findings
from pipeline.recipe_mixture import Mixture
from pipeline.release_mixture import by_kind
from pipeline.verify_rows import KINDS

_BY_DOMAIN = ("estimated_tokens", "selected_tokens", "target_tokens", "reached_tokens")


def check_mixture(manifest: Manifest, findings: Findings) -> None:
    """Take down where the mixture is not what it should be."""

    def expect(what: str, expected: object, got: object) -> None:
        if got != expected:
            findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got}")

    mixture = manifest.mixture
    for name in ("shares", *_BY_DOMAIN):
        expect(f"mixture.{name}: kinds", sorted(KINDS), sorted(getattr(mixture, name)))
    expect("mixture.reached_tokens", manifest.tokens_by_kind(), mixture.reached_tokens)
    for name in _BY_DOMAIN:
        expect(f"mixture.domains: {name} by kind", getattr(mixture, name), by_kind(mixture.domains, name, KINDS))
    keys = [(domain.kind, domain.name) for domain in mixture.domains]
    expect("mixture.domains: order", sorted(set(keys)), keys)
    for kind in KINDS:
        shares = sum(domain.share for domain in mixture.domains if domain.kind == kind)
        if min(abs(shares), abs(shares - 1)) > 1e-9:
            expect(f"mixture.domains: shares of {kind} together", 1, shares)
    for domain in mixture.domains:
        if not 0 <= domain.reached_tokens <= domain.selected_tokens >= domain.target_tokens >= 0:
            expect(f"mixture.domains: {domain.kind}, {domain.name!r}", "no more tokens than were selected", "more")
    _check_recipe(manifest, findings)


def _check_recipe(manifest: Manifest, findings: Findings) -> None:
    try:
        asked = Mixture.model_validate(manifest.recipe.get("mixture"))
    except ValidationError:
        findings.add(f"{MANIFEST}: recipe.mixture: expected the mixture of a recipe, got something else")
        return
    if asked.kinds != manifest.mixture.shares:
        findings.add(f"{MANIFEST}: mixture.shares: expected {asked.kinds}, got {manifest.mixture.shares}")
    rules = asked.rules((domain.kind, domain.name) for domain in manifest.mixture.domains)
    for domain in manifest.mixture.domains:
        rule, where = rules[domain.kind, domain.name], f"{MANIFEST}: mixture.domains: {domain.kind}, {domain.name!r}"
        if (rule.epochs, rule.published) != (domain.epochs, domain.published):
            findings.add(f"{where}: expected epochs and published weight of the recipe, got others")
        if rule.maximum_tokens is not None and domain.reached_tokens > rule.maximum_tokens:
            findings.add(f"{where}: expected at most {rule.maximum_tokens} tokens, got {domain.reached_tokens}")
    tokens = dict.fromkeys(rules, 0)
    for row in manifest.documents:
        name = asked.domain_of(row.kind, row.subset, row.language)
        tokens[row.kind, name] = tokens.get((row.kind, name), 0) + row.tokens
    reached = {(domain.kind, domain.name): domain.reached_tokens for domain in manifest.mixture.domains}
    for (kind, name), number in sorted(tokens.items()):
        if (kind, name) not in reached:
            findings.add(f"{MANIFEST}: mixture.domains: expected {kind}, {name!r}, of which there are documents")
        elif reached[kind, name] != number:
            findings.add(
                f"{MANIFEST}: mixture.domains: {kind}, {name!r}: expected the {number} tokens of its documents, got "
                f"{reached[kind, name]}"
            )
