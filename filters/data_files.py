"""Signals on files of data and documentation that need the file's name.

How long such files may be is a limit by language on the common signals (`num_lines`, `num_characters`), see
`profiles_code`.
"""

from pathlib import PurePosixPath

from manifests.document import Document

_STEMS = frozenset({"readme", "notes", "todo", "description", "cmakelists"})


def has_documentation_name(document: Document) -> float:
    """Whether a file's name says documentation or requirements.

    Among plain text files these are about code, the others mostly data. Bound it for Text alone.

    Returns:
        1 or 0; 0 without a path. The name holds "requirement", or is without its suffix one of readme, notes, todo,
        description, cmakelists; case does not matter.

    Source: StarCoder2, arXiv 2402.19173, section 3.2 (plain text files with other names are dropped). Deviation: none.
    """
    name = PurePosixPath(document.path).name.lower()
    return float("requirement" in name or PurePosixPath(name).stem in _STEMS)
