from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import pytest

from manifests.errors import RecipeError
from pipeline import software


def without(missing: str) -> Callable[[str], str]:
    def lookup(name: str) -> str:
        if name == missing:
            raise PackageNotFoundError(name)
        return version(name)

    return lookup


def test_the_linter_is_among_what_can_change_a_byte() -> None:
    assert software.software_versions()["ruff"] == version("ruff")


def test_a_missing_dependency_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "version", without("ruff"))
    with pytest.raises(RecipeError, match="ruff: expected it among the installed packages") as raised:
        software.software_versions.__wrapped__()
    assert "pip install ruff" in raised.value.hint
