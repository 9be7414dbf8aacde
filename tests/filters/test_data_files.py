import pytest

from filters.data_files import has_documentation_name
from manifests.document import Document


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", 0),
        ("/", 0),
        ("/a/README", 1),
        ("/a/ReadMe.txt", 1),
        ("notes.txt", 1),
        ("TODO", 1),
        ("/description.txt", 1),
        ("/CMakeLists.txt", 1),
        ("/dev-requirements.txt", 1),
        ("/requirements/base.txt", 0),
        ("/readme/words.txt", 0),
        ("/readme_old.txt", 0),
        ("/a/readme\x00.txt\ud800", 0),
    ],
)
def test_names(path: str, expected: float) -> None:
    document = Document(id="", text="", kind="code", source="", language="Text", path=path)
    assert has_documentation_name(document) == expected
