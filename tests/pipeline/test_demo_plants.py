"""Plants where there is little to plant in."""

from pipeline.demo_code import StackRow
from pipeline.demo_plants import near_copy, plant_code


def test_nothing_to_plant_in_is_no_error() -> None:
    assert plant_code([]) == []


def test_a_near_copy_without_empty_lines_is_the_same_text() -> None:
    row = StackRow(
        blob_id="",
        path="/a.py",
        content_id="",
        detected_licenses=[],
        license_type="no_license",
        repo_name="a/a",
        revision_id="",
        branch_name="v1",
        language="Python",
        is_vendor=False,
        length_bytes=3,
        extension="py",
        filename="a.py",
        content="a\nb",
    )
    assert near_copy(row).content == "a\nb"
