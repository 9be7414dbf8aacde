"""The last gate: a linter must find no more in a rewrite than in its original, and no mistake of a new kind."""

from collections import Counter

from filters.rewrite_refusals import Refusal, named, refusal
from stages.linting import SYNTAX, UNKNOWN

# ruff's rules for what fails when it runs or cannot be meant, and, as `eval_call` below, for text that is run as code;
# the others are about style, safety and leftovers.
_RUFF_ERRORS = ("F50", "F52", "F6", "F7", "F811", "F82", "PLE", "S102", "S307")
_ERRORS = frozenset(
    {
        *(SYNTAX, UNKNOWN, "assignment_in_condition", "constant_condition", "duplicated_case", "duplicated_key"),
        *("eval_call", "nan_compared", "same_operands", "self_assignment", "stray_semicolon", "unreachable_code"),
        "unsafe_call",
    }
)


def refused_lint(before: Counter[str], after: Counter[str], *, num_mended: int = 0) -> Refusal | None:
    """Whether a rewrite has more findings in all, or more of a rule that finds mistakes.

    Where the original is Python that cannot be read, nothing but syntax errors was looked for, and nothing else counts.

    Args:
        num_mended: places that did not parse and now do: each hid what the linter would have found, and counts as one.
    """
    old, new = before, after
    if before[SYNTAX]:
        old, new = (Counter({SYNTAX: found[SYNTAX]}) for found in (before, after))
    mistakes = [rule for rule, number in new.items() if is_mistake(rule) and number > old[rule] + num_mended]
    if mistakes:
        detail = f"the linter finds a mistake that the original does not have: {named(mistakes)}"
        return refusal("lint", detail, len(mistakes), 0)
    bound = old.total() + num_mended
    if new.total() > bound:
        detail = f"the linter finds {new.total()} things wrong, {old.total()} in the original: {named(new - old)}"
        return refusal("lint", detail, new.total(), bound)
    return None


def is_mistake(rule: str) -> bool:
    """Whether a rule finds what fails or cannot be meant, rather than what is bad style."""
    return rule in _ERRORS or rule.startswith(_RUFF_ERRORS)
