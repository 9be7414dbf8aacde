"""Findings: what `verify` found false, collected so that one error tells it all, up to a number that can be read."""

from manifests.errors import IntegrityError

MAXIMUM_FINDINGS = 20


class Findings:
    """Lines of text, each naming a file, what is wrong in it, what was expected and what was found."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Take down one more; raises IntegrityError when there are as many as anybody reads."""
        self._lines.append(line)
        if len(self._lines) == MAXIMUM_FINDINGS:
            self.check()

    def check(self) -> None:
        """Raise IntegrityError with every finding; nothing happens where there is none."""
        if not self._lines:
            return
        number = f"{len(self._lines)} findings" if len(self._lines) > 1 else "1 finding"
        if len(self._lines) == MAXIMUM_FINDINGS:
            number += " and looked no further"
        raise IntegrityError(
            f"{self._folder}: expected what its manifest says, got {number}:",
            items=self._lines,
            hint="do not train on it: restore the named files from a copy, or make the release again",
        )
