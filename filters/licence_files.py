"""Which files speak about the licence of others, told by the name alone, and for which directory.

Three roles, by how much silence means:

- `licence_file`: the name promises licence terms (`LICENSE-MIT`, `COPYING.LESSER`, `LICENSES/MIT.txt`). If nothing in
  it is understood, that is an unknown licence.
- `notice_file`: it may state terms (`NOTICE`, `THIRD-PARTY-LICENSES.md`, `mit.txt`; a page `docs/license.rst`, which
  mostly includes the real file). If nothing in it is understood, it says nothing.
- `manifest`: a package manifest with a field for the licence (`filters.package_manifests`).

Source code is none of these, whatever it is called: `licenses.py`, `license.go`, `mit_license.svg`. Of an extension
that is not one of plain text, linguist's table decides: `LICENSE.go` is code, `LICENSE.xerces` is not. Left out on
purpose: README, AUTHORS, and PATENTS, which is a grant on top of a licence. Cost: 3 microseconds a path.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeVar

from filters.package_manifests import MANIFEST_NAMES
from filters.programming_languages import languages_table

LicenceRole = Literal["licence_file", "notice_file", "manifest", ""]

MAXIMUM_PATH_CHARACTERS = 4_096
"""As Linux has it. Of a longer path only the directories within its first 4,096 characters are looked at."""
_MAXIMUM_NAME_CHARACTERS = 255

T = TypeVar("T")

_PLAIN = frozenset({"", "txt", "text"})
_MARKUP = frozenset(
    "md markdown mdown rst rest html htm xhtml adoc asciidoc org textile rdoc rtf tex".split()  # noqa: SIM905
)
_DOCUMENTATION = frozenset({"doc", "docs", "documentation", "manual", "man", "site", "website"})
_LICENCES = frozenset({"licenses", "licences"})

# Words of licences that stand in the names of their files; the second list are words of other things as well.
_GNU = r"(?:(?:gnu[-_ ]?)?(?:[al]?gpl|gfdl|fdl))"
_FAMILY = (
    rf"(?:{_GNU}|apache|asl|bsd|mit|x11|isc|mpl|epl|edl|cddl|cpl|eupl|cecill|artistic|boost|zlib|cc0|ofl|psf|openssl"
    r"|bsl|busl|sspl|elastic|polyform|commons[-_ ]clause|gnu)"
)
_VERSION = r"(?:[-_. ]*v?\d+(?:[._]\d+)*\+?)?(?:[-_ ]?clause)?(?:[-_](?:only|or[-_]later))?"
_LICENCE = r"(?:(?:un)?licen[cs]e(?:[-_ ]?agreement)?|lizenz|licencia|licenza)"
_SUFFIX = rf"(?:[-_ ][^.]*+|[-_ .]*+v?\d+(?:[._]\d+)*+|[-_. ]{_FAMILY}{_VERSION}|\.(?:lesser|lib|runtime))*+"
_ABOUT = r"(?:notices?|licen[cs]es?|licen[cs]ing|copyrights?|attributions?|credits?|software|acknowledge?ments?)"
_TERMS = re.compile(
    rf"(?:{_FAMILY}{_VERSION}[-_. ]?)?{_LICENCE}{_SUFFIX}"
    rf"|(?:copying|eula){_SUFFIX}"
    rf"|copyrights?"
    rf"|{_GNU}{_VERSION}(?:-standalone)?|gnu[-_ ](?:[a-z]+[-_ ])?general[-_ ]public[-_ ]license{_VERSION}"
    rf"|(?:busl|sspl|elastic[-_ ]license|commons[-_ ]clause|polyform[-_ ][^.]*){_VERSION}|software[-_ ]{_LICENCE}"
    r"|apache[-_ ]?v?2(?:\.0)?|(?:mpl|epl|edl|cddl|eupl|ofl|cc0|artistic)[-_ ]?v?\d(?:\.?\d)?"
    r"|bsd[-_ ]?[0-4][-_ ]?clause|cc[-_ ]by(?:[-_ ](?:sa|nc|nd))*(?:[-_ ]?\d\.\d)?"
)
_NOTICE = re.compile(
    r"(?:[^.]*[-_ ])?notices?(?:[-_ ][^.]*)?"
    rf"|(?:third|3rd)[-_ ]?(?:party|parties)[-_ ]?(?:legal[-_ ]?)?{_ABOUT}?(?:[-_ ][^.]*)?"
    r"|(?:.*[-_. ])?licen[cs]es?|licen[cs]es[-_ ][^.]*|licen[cs]ing|legal|attributions?"
    r"|(?:oss|open[-_ ]?source)[-_ ]?(?:notices?|licen[cs]es?|attributions?)"
    rf"|copyrights?{_SUFFIX}|{_FAMILY}{_VERSION}"
)
_UNKNOWN_EXTENSION = re.compile(rf"(?:{_LICENCE}|copying|notice)\.[^.]+")


@lru_cache(maxsize=1)  # asked of a document for its notices, and for what it claims
def licence_role(path: str) -> LicenceRole:
    """What a file is for the licences of other files.

    Args:
        path: `/` between its folders, with or without one in front; upper and lower case make no difference, except
            for `LICENSES`, which REUSE spells so.

    Returns:
        "" for any other file, an empty path, and a name of more than 255 characters.

    Source: the REUSE specification for `LICENSES`; the other names are this project's own.
    """
    *directories, name = path[-MAXIMUM_PATH_CHARACTERS:].split("/")
    name = name.lower()
    if len(name) > _MAXIMUM_NAME_CHARACTERS or name.startswith((".", "readme")):
        return ""
    if name in MANIFEST_NAMES:
        return "manifest"
    stem, extension = _split(name)
    parents = directories[-2:]
    if "LICENSES" in parents and (extension in _PLAIN | _MARKUP) and not _is_code(stem):
        # A text of REUSE's own kind binds the files that name it: a badge, a logo.
        return "notice_file" if stem.startswith("licenseref-") else "licence_file"
    if _TERMS.fullmatch(stem):
        is_page = extension in _MARKUP and not _DOCUMENTATION.isdisjoint(map(str.lower, directories))
        return "notice_file" if is_page else "licence_file"
    if _NOTICE.fullmatch(stem) or (_UNKNOWN_EXTENSION.fullmatch(stem) and not _is_code(stem)):
        return "notice_file"
    in_licences = bool(parents) and parents[-1].lower() in _LICENCES
    return "notice_file" if in_licences and extension in {"txt", "md"} else ""


def governed_directory(path: str) -> str:
    """The directory that a licence file, notice or manifest speaks for: its own, or the parent of `LICENSES`.

    Returns:
        Components joined by `/`, none in front; "" for the root and for an empty path.
    """
    above, _, name = path.rpartition("/")
    directories = _components(above)
    if name.lower() in MANIFEST_NAMES:
        return "/".join(directories)
    if directories and directories[-1].lower() in _LICENCES:
        del directories[-1]
    elif "LICENSES" in directories[-2:-1]:  # LICENSES/preferred/GPL-2.0, as Linux has it
        del directories[-2:]
    return "/".join(directories)


def nearest(directory: str, known: Mapping[str, T]) -> tuple[str, T] | None:
    """The nearest entry for a directory: its own, else that of the closest directory above it.

    Args:
        directory: as `governed_directory` writes it; a `/` in front, doubled or at the end makes no difference.
        known: by directory, "" for the root. `a/b` does not stand for `a/bc`.

    Returns:
        The directory that was found and its value; None where none is known.
    """
    components = _components(directory)
    for depth in range(len(components), -1, -1):
        above = "/".join(components[:depth])
        if above in known:
            return above, known[above]
    return None


def _components(path: str) -> list[str]:
    """The parts of a path, `.` and empty ones left out; of a hostile length only the first."""
    if len(path) > MAXIMUM_PATH_CHARACTERS:
        path = path[:MAXIMUM_PATH_CHARACTERS].rpartition("/")[0]
    return [part for part in path.split("/") if part not in {"", "."}]


def _split(name: str) -> tuple[str, str]:
    """A name without its extension of plain text or markup, and that; other extensions stay in the name."""
    stem, dot, extension = name.rpartition(".")
    if dot and extension in _PLAIN | _MARKUP:
        return stem, extension
    return name, ""


def _is_code(name: str) -> bool:
    """Whether the last extension is one of linguist's languages; `.0` of `GPL-2.0` is none."""
    _, dot, extension = name.rpartition(".")
    return bool(dot) and not extension.isdigit() and f".{extension}" in languages_table().extensions
