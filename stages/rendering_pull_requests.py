r"""Pull requests and commits: their sections between the control tokens of a model family, and back.

StarCoder2 has control tokens for them, Qwen has none that are published; there a section is a file of the repository,
its path the words that the section begins with:

    <pr>Title: T\nuser_0: D<pr_status>opened<repo_name>R<pr_base><pr_file>p<pr_base_code>..<pr_diff><pr_file>p
        <pr_diff_hunk>..<pr_comment>user_1: ..<pr_review_comment>user_1 p: ..<pr><pr_status>closed<pr_is_merged>True
    <|file_sep|>title\nT\n<|file_sep|>description user_0\nD\n<|repo_name|>R\n<|file_sep|>base p\n..\n

Whatever comes back as the same text is rendered so. What does not (a text that is no pull request, a title of two
lines) has no such form, and is a file.

Source: StarCoder2, arXiv 2402.19173, section 5.1. Deviations: base code that is an excerpt has its lines before its
path, `<pr_file>3-40 p`; the path in a diff is followed by what was done to the file where that is not `modified`; there
are no ids of events, so the tokens for them and for replies are not used; a commit has no status.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from filters.sections import MARK, Section, sections, written
from stages.rendering_forms import Control, Piece, TemplateName

_REPOSITORY = "repository "  # a section of Qwen's form that begins with this has a control token of its own
_QWEN_REPOSITORY, _QWEN_SECTION = Control("<|repo_name|>"), Control("<|file_sep|>")

_START, _STATUS, _MERGED = Control("<pr>"), Control("<pr_status>"), Control("<pr_is_merged>")
_BASE, _DIFF, _FILE = Control("<pr_base>"), Control("<pr_diff>"), Control("<pr_file>")
_CODE, _HUNK = Control("<pr_base_code>"), Control("<pr_diff_hunk>")
_COMMENT, _REVIEW = Control("<pr_comment>"), Control("<pr_review_comment>")
_NAME = Control("<repo_name>")

CONTROLS: dict[TemplateName, tuple[Control, ...]] = {
    "qwen": (_QWEN_REPOSITORY, _QWEN_SECTION),
    "starcoder2": (_START, _STATUS, _MERGED, _BASE, _DIFF, _FILE, _CODE, _HUNK, _COMMENT, _REVIEW, _NAME),
}

_TITLE = "Title: "
_USER = re.compile(r"(user_[0-9]+): ")
_LINES = re.compile(r"[0-9]+-[0-9]+ ")
_PLAIN_CHANGE = "modified"


def pull_request_pieces(template: TemplateName, text: str) -> list[Piece] | None:
    """The pieces of a text of sections; None where the form could not give the text back."""
    pieces = _qwen(text) if template == "qwen" else list(_starcoder2(sections(text)))
    return pieces if pieces and pull_request_text(template, _behind(pieces)) == text else None


def pull_request_text(template: TemplateName, parts: Iterable[tuple[Control, str]]) -> str:
    """The inverse: the text of sections, from each control token of a rendered one and the text behind it."""
    if template == "qwen":
        return "".join(MARK + (_REPOSITORY if control == _QWEN_REPOSITORY else "") + text for control, text in parts)
    return written(_sections(list(parts)))


def _behind(pieces: Sequence[Piece]) -> Iterator[tuple[Control, str]]:
    """Each control token with the text behind it; nothing where the first piece is a text."""
    control, text = None, ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if control is not None:
            yield control, text
        elif text:
            return
        control, text = piece, ""
    if control is not None:
        yield control, text


def _qwen(text: str) -> list[Piece]:
    before, *parts = text.split(MARK)
    pieces: list[Piece] = [before] if before else []
    for part in parts:
        named = part.startswith(_REPOSITORY)
        pieces += [_QWEN_REPOSITORY if named else _QWEN_SECTION, part.removeprefix(_REPOSITORY) if named else part]
    return pieces


def _starcoder2(parts: Sequence[Section]) -> Iterator[Piece]:
    has_status = any(part.kind == "status" for part in parts)
    opened, based, changed = False, False, False
    title = "".join(_TITLE + part.body for part in parts if part.kind == "title")
    for kind, label, body in parts:
        if kind == "title":
            continue
        if not opened:
            opened = True
            described = [_said(label, body)] if kind == "description" else []
            yield from (_START, "\n".join([*([title] if title else []), *described]))
            if has_status:
                yield from (_STATUS, "opened")
        if kind == "repository":
            yield from (_NAME, label)
        elif kind in {"base", "base_lines"}:
            yield from (() if based else (_BASE,))
            based = True
            yield from (_FILE, label, _CODE, body)
        elif kind == "file":
            yield from (() if changed else (_DIFF,))
            changed = True
            yield from (_FILE, label if body == _PLAIN_CHANGE else f"{label}\n{body}")
        elif kind == "hunk":
            yield from (_HUNK, body)
        elif kind == "comment":
            reviewed = label and not _USER.fullmatch(f"{label}: ")
            yield from (_REVIEW if reviewed else _COMMENT, _said(label, body))
        elif kind == "status":
            yield from (_START, _STATUS, "closed", _MERGED, "True" if body == "merged" else body)


def _said(who: str, what: str) -> str:
    return f"{who}: {what}" if who else what


def _heard(said: str) -> tuple[str, str]:
    user = _USER.match(said)
    return (user[1], said[user.end() :]) if user else ("", said)


def _sections(parts: Sequence[tuple[Control, str]]) -> Iterator[Section]:
    """Sections from a rendered StarCoder2 pull request; what does not belong there is passed over."""
    changed = False
    for (control, text), (following, code) in zip(parts, [*parts[1:], (None, "")], strict=True):
        changed |= control == _DIFF
        if control == _START and text:
            title, described, body = text.partition("\n") if text.startswith(_TITLE) else ("", "\n", text)
            if title:
                yield Section("title", "", title.removeprefix(_TITLE))
            if described:
                yield Section("description", *_heard(body))
        elif control == _NAME:
            yield Section("repository", text, "")
        elif control == _FILE and following == _CODE:
            yield Section("base_lines" if _LINES.match(text) else "base", text, code)
        elif control == _FILE and changed:
            path, _, done = text.partition("\n")
            yield Section("file", path, done or _PLAIN_CHANGE)
        elif control == _HUNK:
            yield Section("hunk", "", text)
        elif control == _COMMENT:
            yield Section("comment", *_heard(text))
        elif control == _REVIEW:
            label, _, body = text.partition(": ")
            yield Section("comment", label, body)
        elif control == _MERGED:
            yield Section("status", "", "merged" if text == "True" else text)
