"""Demo code: rows in the form of The Stack v2, made of the source files of installed packages.

Large packages give way to small ones: each may give the same number of bytes (`fair_share`), taken in the order of the
SHA-1 of the path, licence texts first. So the total hardly moves with what is installed, and every licence is there.
Costs 0.5 CPU seconds for 30 MB.
"""

from collections.abc import Sequence, Set
from hashlib import sha1
from pathlib import PurePosixPath

import msgspec

from pipeline.demo_files import LANGUAGES, MAXIMUM_FILE_BYTES, InstalledFile, InstalledPackage
from pipeline.demo_licences import licence_type

CODE_BYTES = 30_000_000

_VENDOR_FOLDERS = frozenset(("_vendor", "vendor", "third_party"))


class StackRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row, its fields in the order of the published data set; what is not known here is null."""

    blob_id: str
    directory_id: str | None = None
    path: str
    content_id: str
    detected_licenses: list[str]
    license_type: str
    repo_name: str
    snapshot_id: str | None = None
    revision_id: str
    branch_name: str
    visit_date: str | None = None
    revision_date: str | None = None
    committer_date: str | None = None
    github_id: int | None = None
    star_events_count: int | None = None
    fork_events_count: int | None = None
    gha_license_id: str | None = None
    gha_event_created_at: str | None = None
    gha_created_at: str | None = None
    gha_language: str | None = None
    src_encoding: str = "UTF-8"
    language: str | None
    is_vendor: bool
    is_generated: bool = False
    length_bytes: int
    extension: str
    filename: str
    content: str

    @property
    def key(self) -> str:
        """What names the row among all others, `repository:path`."""
        return f"{self.repo_name}:{self.path}"


def code_rows(packages: Sequence[InstalledPackage], leave_out: Set[str]) -> list[StackRow]:
    """Source files of the packages as rows, at most `CODE_BYTES` together.

    Args:
        leave_out: keys (`repository:path`) of files that are used as text.
    """
    candidates = [
        [
            file
            for file in package.files
            if file.num_bytes <= MAXIMUM_FILE_BYTES and _key(package, file) not in leave_out
        ]
        for package in packages
    ]
    share = fair_share([sum(file.num_bytes for file in files) for files in candidates], CODE_BYTES)
    rows = []
    for package, files in zip(packages, candidates, strict=True):
        left = share
        kind = licence_type(package.licences)
        for file in sorted(files, key=_selection_order):
            if file.num_bytes <= left and (content := file.read()) is not None:
                left -= file.num_bytes
                rows.append(_row(package, file, kind, content))
    return rows


def fair_share(sizes: Sequence[int], budget: int) -> int:
    """The largest cap with sum(min(size, cap)) <= budget.

    Returns:
        Bytes, >= 0; the largest size where all fit, 0 for no sizes.
    """
    left = budget
    for position, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - position)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)


def replace_content(row: StackRow, *, repo_name: str, path: str, content: str) -> StackRow:
    """The row under another name with other content; ids and length follow, licences stay."""
    raw = content.encode()
    return msgspec.structs.replace(
        row,
        repo_name=repo_name,
        path=path,
        filename=PurePosixPath(path).name,
        content=content,
        length_bytes=len(raw),
        blob_id=_sha1(raw),
        content_id=_git_blob_id(raw),
    )


def _row(package: InstalledPackage, file: InstalledFile, kind: str, content: str) -> StackRow:
    raw = content.encode()
    return StackRow(
        blob_id=_sha1(raw),
        path=file.path,
        content_id=_git_blob_id(raw),
        detected_licenses=list(package.licences),
        license_type=kind,
        repo_name=package.repo,
        revision_id=_sha1(f"{package.name}=={package.version}".encode()),
        branch_name=f"v{package.version}",
        language=LANGUAGES.get(file.extension, "Text" if file.is_notice else None),
        is_vendor=not _VENDOR_FOLDERS.isdisjoint(PurePosixPath(file.path).parts[:-1]),
        length_bytes=len(raw),
        extension=file.extension,
        filename=PurePosixPath(file.path).name,
        content=content,
    )


def _selection_order(file: InstalledFile) -> tuple[bool, str]:
    return (not file.is_notice, _sha1(file.path.encode()))


def _key(package: InstalledPackage, file: InstalledFile) -> str:
    return f"{package.repo}:{file.path}"


def _git_blob_id(raw: bytes) -> str:
    return _sha1(b"blob %d\0" % len(raw) + raw)


def _sha1(raw: bytes) -> str:
    return sha1(raw, usedforsecurity=False).hexdigest()
