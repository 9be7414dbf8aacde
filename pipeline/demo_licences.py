"""Declared licences: what a distribution's own metadata says about its licence, as SPDX expressions.

Four generations of metadata are in use: an SPDX expression (PEP 639), a free `License` field, trove classifiers and
nothing. They are asked in this order and the first that names a known licence counts. "BSD" alone names no licence;
the text of the package's licence file then decides between the two usual ones. Costs one expression parse a package.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from filters.licence_evidence import metadata_evidence
from filters.licence_policy import LicencePolicy

# The list of trove classifiers, the last part of each "License ::" line that names one licence
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
}

# what packages write into the free field, in lower case, where it is no SPDX expression
_WELL_KNOWN = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "the mit license": "MIT",
}
_BSD = frozenset(("bsd", "bsd license", "new bsd", "modified bsd"))
_PERMISSIVE_ONLY = LicencePolicy(frozenset(["permissive"]))


def detected_licences(metadata: Mapping[str, Any], notice: str) -> list[str]:
    """SPDX expressions that a distribution declares, in the order of its metadata.

    Args:
        metadata: `Distribution.metadata.json`.
        notice: the text of its licence files; it only tells one BSD licence from the other.

    Returns:
        Normalized expressions without repeats; empty where nothing known is declared.
    """
    for field in ("license_expression", "license"):
        named = _named(str(metadata.get(field, "")), notice)
        if named:
            return [named]
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get("classifier", ()) if line.startswith("License ")]
    found = (CLASSIFIERS.get(name) or _bsd(name, notice) for name in classifiers)
    return list(dict.fromkeys(name for name in found if name))


def licence_type(licences: Sequence[str]) -> str:
    """The Stack v2's three classes: "permissive", "non_permissive" or, without any licence, "no_license"."""
    evidence = metadata_evidence(licences, None)
    if evidence is None:
        return "no_license"
    return "non_permissive" if _PERMISSIVE_ONLY.decide([evidence]).rejected else "permissive"


def _named(text: str, notice: str) -> str:
    text = text.strip()
    if len(text) > 200 or "\n" in text:  # a whole licence text was put into the field
        return ""
    known = _WELL_KNOWN.get(text.lower()) or _bsd(text, notice)
    if known or not text:
        return known
    try:
        return str(_licensing().parse(text, validate=True))
    except (ExpressionError, IndexError, AssertionError):  # the last two are its own faults, on texts such as "()"
        return ""


def _bsd(name: str, notice: str) -> str:
    if name.lower() not in _BSD:
        return ""
    return "BSD-2-Clause" if notice and "neither the name" not in " ".join(notice.lower().split()) else "BSD-3-Clause"


@cache
def _licensing() -> Any:
    return get_spdx_licensing()
