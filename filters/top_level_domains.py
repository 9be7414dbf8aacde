"""Top-level domains in which people have addresses, read once from `top_level_domains.txt`."""

from functools import cache, lru_cache
from importlib.resources import files


@cache
def top_level_domains() -> frozenset[str]:
    """All in lower case, those of other scripts as they are written; xn-- forms are not among them."""
    text = files("filters").joinpath("top_level_domains.txt").read_text(encoding="utf-8")
    return frozenset(name for line in text.splitlines() if not line.startswith("#") for name in line.split())


@lru_cache(maxsize=4096)
def is_top_level_domain(label: str) -> bool:
    """Whether a last label is one, written in one case: of `mT` and `iT` no address ends."""
    if label[:4].lower() == "xn--":
        return len(label) > len("xn--")
    return label.lower() in top_level_domains() and (label[1:] == label[1:].lower() or label.isupper())
