"""The mixture of a release: its account in the manifest, and its tables in the summary."""

from collections.abc import Iterable, Sequence

from manifests.release import DocumentClass, Manifest
from manifests.release_mixture import ReleaseDomain, ReleaseMixture
from pipeline.markdown import cell, table
from pipeline.steps import UnitContext


def release_mixture(context: UnitContext, documents: list[DocumentClass]) -> ReleaseMixture:
    """The account, from what mix and settle counted and what is in the release."""
    mixture = context.recipe.mixture
    mixed, settled = (context.earlier[step][0].counts for step in ("mix", "settle"))
    estimated = {(kind, name): tokens for kind, name, tokens in mixed["estimated_tokens"]}  # type: ignore[attr-defined]
    shares = {(kind, name): share for kind, name, share in mixed["shares"]}  # type: ignore[attr-defined]
    rules = mixture.rules(estimated)
    domains = [
        ReleaseDomain(
            kind=kind,
            name=name,
            published=rules[kind, name].published,
            share=shares[kind, name],
            epochs=rules[kind, name].epochs,
            estimated_tokens=estimated[kind, name],
            selected_tokens=selected,
            target_tokens=target,
            reached_tokens=reached,
        )
        for kind, name, selected, target, reached in settled["domains"]  # type: ignore[attr-defined]
    ]
    reached = dict.fromkeys(mixture.kinds, 0)
    for row in documents:
        reached[row.kind] += row.tokens
    estimates, selections, targets = (
        by_kind(domains, f"{what}_tokens", mixture.kinds) for what in ("estimated", "selected", "target")
    )
    return ReleaseMixture(mixture.kinds, estimates, selections, targets, reached, domains)


def by_kind(domains: Iterable[ReleaseDomain], name: str, kinds: Iterable[str]) -> dict[str, int]:
    """One of the numbers of tokens, by kind."""
    sums = dict.fromkeys(kinds, 0)
    for domain in domains:
        sums[domain.kind] = sums.get(domain.kind, 0) + getattr(domain, name)
    return sums


def mixture_tables(manifest: Manifest) -> list[str]:
    """What was asked for and what was reached, by kind, and by domain where there are any."""
    parts = [
        "## Mixture",
        table(("kind", "share asked for", "share reached", "tokens", "of about"), _kinds(manifest.mixture)),
    ]
    if any(domain.name for domain in manifest.mixture.domains):
        head = ("kind", "domain", "published", "share of the kind", "epochs", "of about", "target", "tokens")
        parts += [
            "## Mixture by domain",
            table((*head, "share reached"), _domains(manifest.mixture)),
        ]
    return parts


def wanted_tokens(manifest: Manifest) -> int:
    """The total that the recipe asks for; 0 where it asks for none, as for a second packed set of the same texts."""
    asked = manifest.recipe.get("mixture")
    tokens = asked.get("tokens") if isinstance(asked, dict) and manifest.packed_from is None else None
    return tokens if isinstance(tokens, int) else 0


def _kinds(mixture: ReleaseMixture) -> Iterable[Sequence[str]]:
    total = sum(mixture.reached_tokens.values())
    for kind, share in mixture.shares.items():
        reached = mixture.reached_tokens[kind]
        fraction = f"{reached / total:.4%}" if total else "-"
        yield kind, f"{share:.2%}", fraction, f"{reached:,}", f"{mixture.estimated_tokens[kind]:,}"


def _domains(mixture: ReleaseMixture) -> Iterable[Sequence[str]]:
    for domain in mixture.domains:
        of_kind = mixture.reached_tokens.get(domain.kind, 0)
        yield (
            domain.kind,
            cell(domain.name) or "(the rest)",
            "" if domain.published is None else f"{domain.published:.2%}",
            f"{domain.share:.2%}",
            f"{domain.epochs:g}",
            f"{domain.estimated_tokens:,}",
            f"{domain.target_tokens:,}",
            f"{domain.reached_tokens:,}",
            f"{domain.reached_tokens / of_kind:.2%}" if of_kind else "-",
        )
