"""Files that speak about licences: told by the name, for their directory and what lies below it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_files import MAXIMUM_PATH_CHARACTERS, governed_directory, licence_role, nearest

names = st.sampled_from(["a", "b", "bc", "docs", "LICENSES", "licenses", "."])
directories = st.lists(names, max_size=6).map("/".join)
paths = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["/", ".", "-", "_", "LICENSES", "license", "COPYING", "gpl", "notice", "third", "party", "txt", "1"]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    "path",
    [
        *("LICENSE", "/LICENSE", "a/b/License", "LICENCE", "licence.md", "LICENSE.txt", "LICENSE.rst", "LICENSE.html"),
        *(
            "LICENSE-MIT",
            "LICENSE-APACHE-2.0",
            "LICENSE.MIT",
            "LICENSE.Apache-2.0",
            "LICENSE_1_0.txt",
            "LICENSE-2.0.txt",
        ),
        *(
            "LICENSE-junit.txt",
            "UNLICENSE",
            "UNLICENSE.txt",
            "MIT-LICENSE",
            "MIT-LICENSE.txt",
            "Apache-License-2.0.txt",
        ),
        *("COPYING", "COPYING.LESSER", "COPYING.LIB", "COPYING3.LIB", "COPYING-GPL-2.0", "COPYING.md", "COPYRIGHT"),
        *("GPL.txt", "lgpl-3.0.txt", "GPLv3", "AGPL-3.0-or-later", "mpl-2.0.txt", "epl-v10.html", "BSD-3-Clause.txt"),
        *("CC-BY-SA-4.0", "EULA.txt", "doc/COPYING.LESSER", "docs/LICENSE", "docs/_themes/LICENSE.txt"),
        *("LICENSES/MIT.txt", "x/LICENSES/GPL-2.0-only.txt", "LICENSES/preferred/GPL-2.0", "LICENSES/anything.txt"),
    ],
)
def test_licence_files(path: str) -> None:
    assert licence_role(path) == "licence_file"


@pytest.mark.parametrize(
    "path",
    [
        *("NOTICE", "notice.txt", "/a/NOTICE.md", "NOTICES", "lucene-NOTICE.txt", "LEGAL", "LICENSING.md"),
        *("THIRD-PARTY-NOTICES", "THIRD_PARTY_LICENSES.txt", "ThirdPartyNotices.txt", "3rd-party-licenses.md"),
        *("THIRD-PARTY", "third_party_packages.md", "open-source-licenses.txt", "LICENSES", "licenses.txt"),
        *("mit.txt", "BSD", "Apache.txt", "ICU-license.html", "bundle.js.LICENSE.txt", "LICENSE.xerces"),
        *("docs/license.rst", "a/doc/License.md", "site/LICENSE.html", "copyright-header.txt"),
        *("licenses/jquery.txt", "LICENSES/LicenseRef-Badge.txt"),
    ],
)
def test_notice_files(path: str) -> None:
    assert licence_role(path) == "notice_file"


@pytest.mark.parametrize(
    "path", ["pyproject.toml", "/a/package.json", "cargo.toml", "Cargo.toml", "pom.xml", "setup.cfg", "composer.json"]
)
def test_manifests(path: str) -> None:
    assert licence_role(path) == "manifest"


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "licenses.py", "test_licenses.py", "license.go", "LicenseManager.java", "img/mit_license.svg"),
        *("license.ts", "License.cs", "copying.c", "notice.js", "LICENSE.go", "gpl.py", "isc.c", "legal.php"),
        *("src/licenses/__init__.py", "LICENSES/tool.py", "LICENSES/README.md", "LICENSES/.gitkeep", "README.md"),
        *("AUTHORS", "PATENTS", "docs/attributes.rst", "licensee", "licenser.txt", "mitigation.txt", "setup.py"),
        *("package-lock.json", "apom.xml", "LICENSES/a/b/c.txt", "unlicensed/a.txt", "docs/deploying/apache-httpd.rst"),
    ],
)
def test_other_files(path: str) -> None:
    assert licence_role(path) == ""


@pytest.mark.parametrize(
    ("path", "directory"),
    [
        ("LICENSE", ""),
        ("/LICENSE", ""),
        ("/a/b/LICENSE", "a/b"),
        ("a//./b/LICENSE", "a/b"),
        ("LICENSES/MIT.txt", ""),
        ("/a/LICENSES/MIT.txt", "a"),
        ("a/licenses/LICENSE-x.txt", "a"),
        ("LICENSES/preferred/GPL-2.0", ""),
        ("licenses/github.com/x/LICENSE", "licenses/github.com/x"),
        ("crates/licenses/Cargo.toml", "crates/licenses"),
        ("", ""),
    ],
)
def test_governed_directory(path: str, directory: str) -> None:
    assert governed_directory(path) == directory


def test_the_nearest_directory_wins() -> None:
    known = {"": 1, "a": 2, "a/b": 3}
    assert nearest("a/b/c/d", known) == ("a/b", 3)
    assert nearest("/a/b/", known) == ("a/b", 3)
    assert nearest("a/x", known) == ("a", 2)
    assert nearest("x", known) == ("", 1)


def test_a_directory_stands_for_whole_components_only() -> None:
    assert nearest("a/bc", {"a/b": 1}) is None
    assert nearest("", {"a": 1}) is None
    assert nearest("A", {"a": 1}) is None


@given(directories, st.sets(directories))
def test_what_is_found_is_the_longest_directory_above(directory: str, known: set[str]) -> None:
    table = {governed_directory(f"{entry}/x"): entry for entry in known}
    of_the_file = [part for part in directory.split("/") if part not in {"", "."}]
    above = [entry for entry in table if of_the_file[: len(parts := entry.split("/") if entry else [])] == parts]
    found = nearest(directory, table)
    assert (found and found[0]) == max(above, key=len, default=None)


@given(paths)
def test_a_slash_in_front_makes_no_difference(path: str) -> None:
    assert licence_role(f"/{path}") == licence_role(path)
    assert governed_directory(f"/{path}") == governed_directory(path)
    assert not governed_directory(path).startswith("/")


@given(paths)
def test_a_file_lies_below_the_directory_that_it_governs(path: str) -> None:
    directory = governed_directory(path)
    assert nearest(path.rpartition("/")[0], {directory: True}) == (directory, True)


@pytest.mark.parametrize(
    "path",
    [
        *("/" * 10_000_000, "a/" * 10_000 + "LICENSE", "license" + "-" * 240 + ".", "license" + "-1." * 80 + "!"),
        *("third-party-" + "-" * 230 + ".", "-" * 240 + "notice!", "gpl" + "1_" * 120 + "!", "x" * 10_000_000),
    ],
    ids=lambda path: path[:12],
)
def test_hostile_paths_are_survived(path: str) -> None:
    assert licence_role(path) in {"licence_file", "notice_file", "manifest", ""}
    assert len(governed_directory(path)) <= MAXIMUM_PATH_CHARACTERS
    assert nearest(path, {"": 1}) == ("", 1)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "GNU_GPL.txt",
            "gnu-gpl.txt",
            "gpl-3.0-standalone.html",
            "License.rtf",
            "LICENSE.tex",
            "LicenseAgreement.txt",
        ),
        *("SSPL.txt", "BUSL-1.1.txt", "LICENSE.BSL", "LIZENZ", "LICENCIA", "cc-by-nc-sa.txt", "commons-clause.txt"),
        *("software-license.txt", "elastic-license-2.0.txt", "PolyForm-Noncommercial.txt", "LICENSE.SSPL"),
        "GNU GENERAL PUBLIC LICENSE.txt",
    ],
)
def test_names_that_promise_terms(name: str) -> None:
    assert licence_role(name) == "licence_file"
