import json
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from licensedcode.models import load_licenses

from filters.licence_sets import (
    NAMED_SETS,
    category_names,
    licence_category,
    licence_set,
    licences_of_entries,
    licences_of_entry,
    names_of_licence,
    reviewed_licences,
)

# The list that was there before the reviewed data, which may only have grown.
FORMER_DEFAULT = (
    *("Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-2-Clause-Patent", "BSL-1.0", "ISC", "MIT", "MIT-0"),
    *("MulanPSL-1.0", "MulanPSL-2.0", "UPL-1.0"),
    *("0BSD", "blessing", "CC0-1.0", "Unlicense", "WTFPL"),
    *("BSD-1-Clause", "BSD-2-Clause-Views", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSD-Source-Code", "HPND"),
    *("HPND-sell-variant", "MIT-CMU", "MIT-Modern-Variant", "MITNFA", "NCSA", "NTP", "X11"),
    *("bzip2-1.0.6", "CNRI-Python", "curl", "dtoa", "FTL", "ICU", "IJG", "Libpng", "libpng-2.0", "libtiff"),
    *("PostgreSQL", "PSF-2.0", "Python-2.0", "Python-2.0.1", "SMLNJ", "TCL", "Unicode-3.0", "Unicode-DFS-2015"),
    *("Unicode-DFS-2016", "Zlib", "zlib-acknowledgement", "ZPL-2.0", "ZPL-2.1"),
)


def test_permissive_holds_what_the_default_list_always_held() -> None:
    assert set(FORMER_DEFAULT) <= licence_set("permissive")


def test_permissive_licences_are_so_in_scancode_categories() -> None:
    assert {licence_category(name) for name in licence_set("permissive")} == {"Permissive", "Public Domain"}


@pytest.mark.parametrize(
    "licence",
    [
        *("CC-BY-4.0", "JSON", "BSD-4-Clause", "BSD-4-Clause-UC", "Apache-1.0", "OpenSSL", "MS-LPL", "OFL-1.1-RFN"),
        *("LicenseRef-scancode-other-permissive", "LicenseRef-scancode-bsd-1988", "LicenseRef-scancode-bsd-artwork"),
        *("Artistic-2.0", "Ruby", "Vim", "CC-PDM-1.0", "CERN-OHL-1.2", "Sendmail", "AAL"),
        "BSD-3-Clause-No-Nuclear-License-2014",
    ],
)
def test_reviewed_and_left_out_of_permissive_with_a_reason(licence: str) -> None:
    row = reviewed_licences()[licence]
    assert "permissive" not in row.sets
    assert row.note.startswith(("out: ", "not permissive: "))


def test_every_permissive_licence_of_either_source_was_reviewed() -> None:
    for name in (*licences_of_entry("category:permissive"), *licences_of_entry("category:public-domain")):
        assert names_of_licence(name) & reviewed_licences().keys(), name
    ratings = Counter(row.blue_oak for row in reviewed_licences().values())
    assert {rating: ratings[rating] for rating in ("Model", "Gold", "Silver", "Bronze", "Lead")} == {
        "Model": 1,
        "Gold": 1,
        "Silver": 30,
        "Bronze": 120,
        "Lead": 72,
    }


def test_reviewed_rows_agree_with_the_index_and_have_a_note() -> None:
    for row in reviewed_licences().values():
        assert row.category == licence_category(row.id), row.id
        assert row.note, row.id
        assert ("in: " in row.note) == (row.sets[-1:] == ("permissive",)), row.id


def test_rows_are_named_once_and_in_order() -> None:
    data = json.loads(files("filters").joinpath("licences.json").read_text(encoding="utf-8"))
    ids = [row["id"].casefold() for row in data["licences"]]
    assert ids == sorted(set(ids))
    assert {name for row in data["licences"] for name in row["sets"]} == data["sets"].keys()


def test_sets_for_texts() -> None:
    assert {"CC-BY-4.0", "CC0-1.0", "PDDL-1.0", "ODC-By-1.0", "CC-PDM-1.0"} <= licence_set("open-content")
    assert {"CC-BY-SA-4.0", "GFDL-1.3-or-later", "GFDL-1.3", "ODbL-1.0"} <= licence_set("share-alike")
    for name in licence_set("open-content") | licence_set("share-alike"):
        assert not any(part in name.upper() for part in ("-NC-", "-ND-")), name
    assert not licence_set("share-alike") & (licence_set("permissive") | licence_set("open-content"))


def test_no_set_holds_an_exception_or_a_neutral_entry() -> None:
    for name in NAMED_SETS:
        assert not licence_set(name) & licence_set("neutral")
        assert not {"LLVM-exception", "Swift-exception", "SHL-2.1"} & licence_set(name)
    assert licence_set("no such set") == frozenset()


@pytest.mark.parametrize(
    ("licence", "category"),
    [
        ("MIT", "Permissive"),
        ("mit", "Permissive"),
        ("GPL-2.0", "Copyleft"),
        ("GPL-2.0+", "Copyleft"),
        ("Apache-2.0+", "Permissive"),
        ("LGPL-2.1-only", "Copyleft Limited"),
        ("LicenseRef-scancode-unknown", "Unstated License"),
        ("LicenseRef-PublicDomain", "Public Domain"),
        ("Example-1.0", ""),
        ("", ""),
    ],
)
def test_category_of_an_id(licence: str, category: str) -> None:
    assert licence_category(licence) == category


def test_categories_are_those_of_the_detector() -> None:
    for licence in load_licenses(with_deprecated=False).values():
        if licence.spdx_license_key in reviewed_licences():
            assert licence_category(licence.spdx_license_key) == licence.category, licence.key


# The vocabulary


def test_entries_are_sets_categories_and_ids() -> None:
    assert licences_of_entry(" Permissive ") == licence_set("permissive")
    assert {"LGPL-2.1-only", "MPL-2.0", "LGPL-2.1"} <= licences_of_entry("category:copyleft-limited")
    assert "Classpath-exception-2.0" not in licences_of_entry("category:copyleft-limited")
    assert licences_of_entry("mit") == {"MIT"}
    assert licences_of_entry("LicenseRef-our-handbook") == {"LicenseRef-our-handbook"}
    assert licences_of_entry("gpl-2.0-only  with classpath-exception-2.0") == {
        "GPL-2.0-only WITH Classpath-exception-2.0"
    }
    assert licences_of_entries([]) == frozenset()
    assert licences_of_entries(["MIT", "category:public-domain"]) >= {"MIT", "CC0-1.0"}


def test_every_category_has_a_word_and_licences() -> None:
    assert {
        "copyleft",
        "copyleft-limited",
        "permissive",
        "public-domain",
        "source-available",
    } <= category_names().keys()
    for name in category_names():
        assert licences_of_entry(f"category:{name}")


@pytest.mark.parametrize(
    ("entry", "nearest"),
    [
        ("permisive", "'permissive'"),
        ("share_alike", "'share-alike'"),
        ("category:copyleft-limitd", "'category:copyleft-limited'"),
        ("category:", "'category:"),
        ("MTI", "'MIT'"),
        ("Apache 2.0", "'Apache-2.0'"),
        ("MIT WITH LVM-exception", "'LLVM-exception'"),
        ("LLVM-exception", "X WITH exception"),
        ("MIT WITH ISC", "X WITH exception"),
        ("MIT OR ISC", "did you mean"),
        ("A WITH B WITH C", "more than one WITH"),
        ("LicenseRef-a b", "did you mean"),
        ("neutral", "did you mean"),
        ("", "did you mean"),
        ("\ud800" * 100_000, "did you mean"),
    ],
)
def test_unknown_entry_names_the_nearest_word(entry: str, nearest: str) -> None:
    with pytest.raises(ValueError) as error:
        licences_of_entries(["MIT", entry])
    assert nearest in str(error.value)
    assert len(str(error.value)) < 1_000


@settings(max_examples=30)  # a refusal searches all words for the nearest
@given(st.text(st.characters(), min_size=1, max_size=30))
def test_any_text_is_no_entry_and_refused_with_a_value_error(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is no|is an exception|more than one"):
        licences_of_entry(f"\t{entry}?")


def test_names_of_the_same_licence() -> None:
    assert names_of_licence("gpl-2.0") == names_of_licence("GPL-2.0-only") >= {"GPL-2.0", "GPL-2.0-only"}
    assert names_of_licence("LicenseRef-example") == {"LicenseRef-example"}
