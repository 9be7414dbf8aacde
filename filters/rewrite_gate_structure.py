"""Gates on what a parser sees: language, parse errors, public names, imports, stubs."""

import re
from collections import Counter
from collections.abc import Set as AbstractSet

from filters.rewrite_refusals import Refusal, named, refusal
from filters.rewrite_sources import Source, mended_errors
from filters.standard_libraries import is_standard

MAXIMUM_FOREIGN_FRACTION = 0.5
"""A text of which this much more than of the original does not parse is of another language, or as good as it.

Programs in another language have half of their bytes in errors, programs with one mistake a tenth at most; but one in
ten of those is an error as a whole.
"""

_WORD = re.compile(r"\w+")
# A line that may be a part of an import: it says so, or a name in quotes is all that it has, as in Go.
_IMPORTING = re.compile(
    r"\b(?:import|from|require\w*|include\w*|use|using|extern|mod|namespace|package)\b"
    r"|^\s*(?:\w+\s+)?[\"'][^\"']+[\"']\s*$"
)


def refused_language(before: Source, after: Source) -> Refusal | None:
    """Whether a grammar of the language cannot read the text at all; a language without a grammar cannot be checked."""
    if before.structure is None or after.structure is None:
        return refusal("language", f"there is no grammar for {before.language}")
    fractions = [item.structure.error_bytes / max(1, len(item.encoded)) for item in (before, after) if item.structure]
    bound = min(1.0, fractions[0] + MAXIMUM_FOREIGN_FRACTION)
    if fractions[1] > bound:
        detail = f"{fractions[1]:.0%} of the code cannot be read as {before.language}: another language, or cut short"
        return refusal("language", detail, fractions[1], bound)
    return None


def refused_parse(before: Source, after: Source) -> Refusal | None:
    """Whether there are more places that do not parse, or they are larger; and whether CPython compiled it before."""
    if before.structure is None or after.structure is None:
        return None
    old, new = before.structure.num_errors, after.structure.num_errors
    if new > old:
        what = "1 place does not parse" if new == 1 else f"{new} places do not parse"
        return refusal("parse", f"{what}, {old or 'none'} in the original", new, old)
    if after.syntax_error and not before.syntax_error:
        return refusal("parse", f"the code does not compile: {after.syntax_error}", 1, 0)
    sizes = before.structure.error_bytes, after.structure.error_bytes
    if new == old and sizes[1] > 2 * sizes[0]:
        detail = f"{sizes[1]} bytes of the code do not parse, {sizes[0]} in the original"
        return refusal("parse", detail, sizes[1], 2 * sizes[0])
    return None


def refused_public_api(before: Source, after: Source) -> Refusal | None:
    """Whether a public name of the original is missing or has another signature; new ones are fine.

    Where the rewrite mends parse errors, the original's own structure is not sure: a name need only be there as often
    as it was, under whatever class, and as many signatures may differ as errors are gone.
    """
    old, new = before.public, after.public
    num_mended = mended_errors(before, after)
    if num_mended:
        lost = _words(before) - _words(after)
        missing = [name for name in old if name not in new and any(word in lost for word in _WORD.findall(_last(name)))]
    else:
        missing = [name for name in old if name not in new]
    if missing:
        what = "the public name" if len(missing) == 1 else "the public names"
        verb = "is" if len(missing) == 1 else "are"
        return refusal("public_api", f"{what} {named(missing)} {verb} missing", len(missing), 0)
    changed = sorted(name for name in old if name in new and old[name] != new[name])
    if len(changed) > num_mended:
        name = changed[0]
        detail = f"the signature of {named([name])} was {old[name][:80]} and is {new[name][:80]}"
        return refusal("public_api", detail, len(changed), num_mended)
    return None


def refused_imports(before: Source, after: Source) -> Refusal | None:
    """Whether something is imported that neither the original imports nor the language's standard library has."""
    new = {name for name in after.imports - before.imports if not is_standard(before.language, name)}
    if new and mended_errors(before, after):  # an import may have been among what did not parse
        lines = "\n".join(line for line in before.text.split("\n") if _IMPORTING.search(line))
        new = {name for name in new if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lines)}
    if not new:
        return None
    return refusal("imports", f"imports {named(new)}, which the original does not", len(new), 0)


def refused_stub(before: Source, after: Source) -> Refusal | None:
    """Whether a body is a stub that was none, or a comment stands in for code.

    So is a public function that did something and only returns a constant now. A function may be renamed, so a stub by
    another name is one only where there are more of them, or where the original has a public function of that name.
    Where the rewrite mends parse errors, only a public function counts.
    """
    if before.structure is None or after.structure is None:
        return None
    old = before.structure.stubs
    new: AbstractSet[str] = after.structure.stubs - old
    emptied = (after.structure.constants - before.structure.constants - old) & before.public.keys()
    if mended_errors(before, after):
        known = {_last(name) for name in before.public} - {_last(name) for name in old}
        new = {name for name in new if _last(name) in known}
    elif len(after.structure.stubs) <= len(old):
        new &= before.public.keys()
    new |= emptied
    if new:
        return refusal("stub", f"the body of {named(new)} is missing or a stub", len(new), 0)
    comments, bound = after.structure.placeholder_comments, before.structure.placeholder_comments
    if comments > bound:
        return refusal("stub", "a comment stands where code was left out; write all of the code", comments, bound)
    return None


def _words(item: Source) -> Counter[str]:
    return Counter(_WORD.findall(item.text))


def _last(name: str) -> str:
    return name.rpartition(".")[2]
