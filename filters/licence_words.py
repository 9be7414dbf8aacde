"""One word for a licence, so that a reader of a release need not know licences by name.

The word is that of the first named set which holds it (`permissive`, `open-content`, `share-alike`), else ScanCode's
category in lower case (`copyleft limited`). So a share-alike licence of texts is called that, although ScanCode files
it under copyleft.
"""

from functools import cache

from filters.licence_expressions import licences_of, parsed, says_something
from filters.licence_sets import NAMED_SETS, licence_category, licence_set

NO_EVIDENCE = "no evidence"
UNLISTED = "unlisted"


def licence_words(expression: str) -> str:
    """The words of a concluded licence's parts, in alphabetical order: "permissive, share-alike".

    Of `X WITH exception` it is the word of X.

    Returns:
        "no evidence" for NOASSERTION and an empty expression; "unlisted" where the index does not know a part, as with
        names of one's own, or where there is no expression.
    """
    if not says_something(expression):
        return NO_EVIDENCE
    tree = parsed(expression)
    words = {UNLISTED} if tree is None else {_word(licence.id) for licence in licences_of(tree)}
    return ", ".join(sorted(words))


def _word(licence: str) -> str:
    for name in NAMED_SETS:
        if licence.casefold() in _folded(name):
            return name
    return licence_category(licence).casefold() or UNLISTED


@cache
def _folded(name: str) -> frozenset[str]:
    return frozenset(licence.casefold() for licence in licence_set(name))
