"""Installed packages: the distributions and the standard library of the running Python, as lists of source files.

They are the only real, licensed, sizeable code that is on every machine without a network. A package's files are those
that its own record (`RECORD`) names, so stray files and byte code never show. What an installer writes on this machine
(console scripts, `direct_url.json`, path files, the build's own `_sysconfigdata`) and any file that names one of the
environment's folders is left out.
Costs one `stat` a file, about 1 CPU second for 10,000 files; contents are read by the callers, once.
"""

import platform
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from pipeline.demo_licences import detected_licences

MAXIMUM_FILE_BYTES = 400_000

# linguist's names, as The Stack v2 has them; a file whose extension is not here is no source file.
LANGUAGES = {
    "c": "C",
    "cc": "C++",
    "cfg": "INI",
    "cmake": "CMake",
    "cpp": "C++",
    "css": "CSS",
    "cu": "Cuda",
    "cuh": "Cuda",
    "f": "Fortran",
    "f90": "Fortran Free Form",
    "h": "C",
    "hpp": "C++",
    "html": "HTML",
    "ini": "INI",
    "java": "Java",
    "js": "JavaScript",
    "json": "JSON",
    "md": "Markdown",
    "pxd": "Cython",
    "pxi": "Cython",
    "py": "Python",
    "pyi": "Python",
    "pyx": "Cython",
    "rs": "Rust",
    "rst": "reStructuredText",
    "sh": "Shell",
    "toml": "TOML",
    "ts": "TypeScript",
    "txt": "Text",
    "xml": "XML",
    "yaml": "YAML",
    "yml": "YAML",
}

_NOTICE = re.compile(r"(?i)(licen[cs]e|copying|notice)")
_OWN_NAME = "corpusmill"  # left out, so that the demo's bytes do not move with our own source
# beginnings of names in Lib/: other people's code, what the build wrote, applications
_NOT_IN_STANDARD_LIBRARY = (
    "site-packages",
    "dist-packages",
    "_sysconfigdata",
    "config-",
    "ensurepip",
    "idlelib",
    "turtledemo",
)
_TEST_FOLDERS = frozenset(("test", "tests"))


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """One file of a package; `path` is inside the package, with a leading "/"."""

    path: str
    location: Path
    num_bytes: int

    @property
    def extension(self) -> str:
        """Lower-case extension without the dot; empty where there is none."""
        return PurePosixPath(self.path).suffix[1:].lower()

    @property
    def is_notice(self) -> bool:
        """Whether the name is that of a licence text; they lie in the package's root."""
        return self.path.count("/") == 1 and _NOTICE.match(self.path[1:]) is not None

    def read(self) -> str | None:
        """The text, or None where the file is too large, empty, not UTF-8, or holds NUL or a local path."""
        if not 0 < self.num_bytes <= MAXIMUM_FILE_BYTES:
            return None
        try:
            text = self.location.read_bytes().decode()
        except UnicodeDecodeError:
            return None
        return None if "\0" in text or any(path in text for path in local_paths()) else text


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A distribution, or the standard library; `licences` are the SPDX expressions that it declares."""

    name: str
    version: str
    licences: tuple[str, ...]
    description: str
    files: tuple[InstalledFile, ...]

    @property
    def repo(self) -> str:
        """Name in the form of a forge, `name/name`."""
        return f"{self.name}/{self.name}"


@cache
def local_paths() -> tuple[str, ...]:
    """Folders of this environment, the outermost ones; such as every machine has, like /usr/local, are none."""
    names = ("purelib", "platlib", "stdlib")
    paths = {*(sysconfig.get_path(name) for name in names), sys.prefix, sys.base_prefix}
    outermost: list[str] = []
    for path in sorted(path for path in paths if len(Path(path).parts) > 3):
        if not any(path.startswith(outer) for outer in outermost):
            outermost.append(path)
    return tuple(outermost)


def installed_packages() -> list[InstalledPackage]:
    """Every distribution of the running Python and its standard library, by name.

    Only the environment's own folders are searched, never `sys.path`: the current directory does not count.
    """
    paths = sysconfig.get_paths()
    found: dict[str, InstalledPackage] = {}
    for distribution in distributions(path=list(dict.fromkeys((paths["purelib"], paths["platlib"])))):
        package = _package(distribution)
        if package is not None:
            found.setdefault(package.name, package)
    library = _standard_library(Path(paths["stdlib"]))
    found[library.name] = library
    return [found[name] for name in sorted(found)]


def _package(distribution: Distribution) -> InstalledPackage | None:
    metadata = distribution.metadata.json
    name = re.sub(r"[-_.]+", "-", str(metadata.get("name", ""))).lower()
    if name in ("", _OWN_NAME):
        return None
    by_path: dict[str, InstalledFile] = {}
    for entry in sorted(distribution.files or (), key=str):
        path = _package_path(entry)
        if path is not None:
            for file in _stat(path, Path(str(distribution.locate_file(entry)))):
                by_path.setdefault(path, file)
    files = tuple(by_path[path] for path in sorted(by_path))
    notice = "\n".join(file.read() or "" for file in files if file.is_notice)
    licences = tuple(detected_licences(metadata, notice))
    return InstalledPackage(name, distribution.version, licences, str(metadata.get("description", "")), files)


def _package_path(entry: PurePosixPath) -> str | None:
    """Path inside the package of an entry of RECORD; None where it is no source file and no licence text."""
    if (
        not entry.parts
        or ".." in entry.parts
        or entry.is_absolute()
        or entry.name.startswith(("__editable__", "_virtualenv"))
    ):
        return None
    if entry.parts[0].endswith((".dist-info", ".egg-info")):
        return f"/{entry.name}" if _NOTICE.match(entry.name) else None
    return f"/{entry}" if entry.suffix[1:].lower() in LANGUAGES else None


def _standard_library(root: Path) -> InstalledPackage:
    files = list(_stat("/LICENSE", root / "LICENSE.txt"))
    tops = (top for top in root.iterdir() if not top.name.startswith(_NOT_IN_STANDARD_LIBRARY))
    for location in sorted(path for top in tops for path in ([top] if top.is_file() else top.rglob("*.py"))):
        parts = location.relative_to(root).parts
        if location.suffix == ".py" and _TEST_FOLDERS.isdisjoint(parts):
            files.extend(_stat("/Lib/" + "/".join(parts), location))
    name = sys.implementation.name
    return InstalledPackage(name, platform.python_version(), ("PSF-2.0",), "", tuple(files))


def _stat(path: str, location: Path) -> Iterator[InstalledFile]:
    if location.is_file():
        yield InstalledFile(path, location, location.stat().st_size)
