"""Pull requests and commits: a row with its diff and the files before it becomes one text of sections.

    title  description  repository  base or base_lines...  (file  hunk...)...  comment...  status

What stands in the text and how much of it follows StarCoder2, arXiv 2402.19173: of every fifth row the files before the
change are whole, of the others the lines around the changes; hunks have 3 to 10 lines of context. These choices are
made by a hash of the row's key, so a row has one text. Deviations: what was cut is marked `[...]`; files that the
change deletes are not shown before it, for the diff has all of them; of commits there is no status. Of a file that
held a private key only the name stands there: the key's last lines by themselves are found by no rule of redaction.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
import xxhash

from filters.bots import is_bot
from filters.sections import Section, in_one_line, written
from stages.diffs import FileDiff, Hunk, file_diffs, hunk_text, lines_of
from stages.hunks import surroundings, with_context
from stages.rows import Fault, Fields, Row, json_object, missing_text

LANGUAGES = {"merged_pull_request": "Pull Request", "commit": "Commit"}
"""By a row's kind, which is its subset."""

MAXIMUM_TITLE_CHARACTERS = 500
MAXIMUM_DESCRIPTION_CHARACTERS = 1_000
FIRST_DESCRIPTION_LINES, LAST_DESCRIPTION_LINES = 60, 20
MAXIMUM_HUNK_CHARACTERS = 10_000
MINIMUM_COMMENT_CHARACTERS = 20
WHOLE_FILES_ONE_IN = 5
CONTEXT_LINES = range(3, 11)
MARGIN_LINES = range(33)
CUT = "[...]"

_MENTION = re.compile(r"(?<![\w@./-])@([\w-]+(?:\.[\w-]+){0,3})")
_PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]{0,40}PRIVATE KEY")
_LONG = ("title", "body", "message", "diff", "files", "commits", "review_comments")


class File(msgspec.Struct):
    """A file that is changed, as a whole; null before where it is added, after where it is deleted."""

    path: str
    status: str | None = None
    before_content_id: str | None = None
    after_content_id: str | None = None
    before: str | None = None
    after: str | None = None


class Comment(msgspec.Struct):
    """A comment; one on the code, with a path, is part of a review."""

    body: str
    user: str | None = None
    path: str | None = None


class _Commit(msgspec.Struct):
    sha: str
    message: str | None = None


class PullRequest(msgspec.Struct):
    """A row; null is what nobody knows, an empty text what is known to be empty. Other fields may be there."""

    kind: Literal["merged_pull_request", "commit"]
    repo_name: str
    head_sha: str
    diff: str
    pr_number: int | None = None
    user: str | None = None
    title: str | None = None
    body: str | None = None
    base_sha: str | None = None
    merge_sha: str | None = None
    head_branch: str | None = None
    author_date: str | None = None
    committer_date: str | None = None
    message: str | None = None
    commits: list[_Commit] | None = None
    files: list[File] | None = None
    review_comments: list[Comment] | None = None

    @property
    def revision(self) -> str:
        """The revision that has the change."""
        return self.merge_sha or self.head_sha

    @property
    def key(self) -> str:
        """The natural key: `repository:pull/number`, or `repository:commit/sha`."""
        if self.kind == "merged_pull_request" and self.pr_number is not None:
            return f"{self.repo_name}:pull/{self.pr_number}"
        return f"{self.repo_name}:commit/{self.revision}"


class _Choices(NamedTuple):
    whole_files: bool
    context_lines: int
    margin_lines: int


def pull_request_row(fields: Fields) -> Row | Fault:
    """The one document of a row.

    Returns:
        A Row, whose metadata are the row's short fields with `revision_id` and `revision_date`; or the first fault that
        holds: of `json_object`, `missing_text` (no diff), `wrong_type`, `invalid_diff`.
    """
    try:
        row = msgspec.convert(fields, PullRequest)
    except msgspec.ValidationError as error:
        if isinstance(whole := json_object(fields), Fault):
            return whole
        return missing_text("diff") if fields.get("diff") is None else Fault("wrong_type", str(error))
    changes = file_diffs(row.diff)
    if isinstance(changes, Fault):
        return changes
    short = {name: value for name, value in fields.items() if name not in _LONG}
    metadata = json_object(short | {"revision_id": row.revision, "revision_date": row.committer_date})
    if isinstance(metadata, Fault):
        return metadata
    return Row(layout(row, changes), row.kind, LANGUAGES[row.kind], row.repo_name, "", row.key, metadata)


def layout(row: PullRequest, changes: Sequence[FileDiff]) -> str:
    """The text of a row; `filters.sections` splits it again.

    Args:
        changes: of the row's diff, see `stages.diffs.file_diffs`.
    """
    return written(_sections(row, changes, _choices(row.key)))


def _choices(key: str) -> _Choices:
    number = xxhash.xxh3_64_intdigest(f"pull request {key}".encode("utf-8", "surrogatepass"))
    number, whole = divmod(number, WHOLE_FILES_ONE_IN)
    number, context = divmod(number, len(CONTEXT_LINES))
    return _Choices(whole == 0, CONTEXT_LINES[context], MARGIN_LINES[number % len(MARGIN_LINES)])


def _sections(row: PullRequest, changes: Sequence[FileDiff], choices: _Choices) -> Iterator[Section]:
    users = _Users(row)
    if row.title is not None:
        yield Section("title", "", _cut(users.hidden(row.title), MAXIMUM_TITLE_CHARACTERS))
    if row.body is not None:
        yield Section("description", users.name(row.user), _shortened(users.hidden(row.body)))
    yield Section("repository", in_one_line(row.repo_name), "")
    shown = _Files(row.files or ())
    parts = [shown.parts(change, choices) for change in changes]
    for base, _ in parts:
        yield from base
    for _, diff in parts:
        yield from diff
    for comment in row.review_comments or ():
        if comment.path is None and len(comment.body) < MINIMUM_COMMENT_CHARACTERS:
            continue
        if comment.user is None or not is_bot(comment.user):
            where = (users.name(comment.user), in_one_line(comment.path or ""))
            yield Section("comment", " ".join(word for word in where if word), users.hidden(comment.body))
    if row.kind == "merged_pull_request":
        yield Section("status", "", "merged")


class _Users:
    """The people of one thread as user_0, user_1 and so on: who opened it first, then in the order of the comments."""

    def __init__(self, row: PullRequest) -> None:
        said = [row.user, *(comment.user for comment in row.review_comments or ())]
        known = dict.fromkeys(name.lower() for name in said if name and not is_bot(name))
        self._names = {name: f"user_{number}" for number, name in enumerate(known)}

    def name(self, user: str | None) -> str:
        """What a user is called; empty where nobody knows, and for a bot."""
        return self._names.get((user or "").lower(), "")

    def hidden(self, text: str) -> str:
        """A text in which `@login` of the thread's people is what they are called."""
        return _MENTION.sub(self._called, text) if self._names else text

    def _called(self, mention: re.Match[str]) -> str:
        """A mention by the longest of the names that it may be: a point may end the name, or be a part of it."""
        name, rest = mention[1], ""
        while name:
            if (called := self._names.get(name.lower())) is not None:
                return f"@{called}{rest}"
            name, point, end = name.rpartition(".")
            rest = point + end + rest
        return mention[0]


def _shortened(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > FIRST_DESCRIPTION_LINES + LAST_DESCRIPTION_LINES:
        text = "\n".join([*lines[:FIRST_DESCRIPTION_LINES], CUT, *lines[-LAST_DESCRIPTION_LINES:]])
    shorter = _cut(text, MAXIMUM_DESCRIPTION_CHARACTERS)
    return text if shorter == text else shorter + CUT


def _cut(text: str, num_characters: int) -> str:
    """The first characters of a text; words, which may be secrets, are not cut where there is white space."""
    if len(text) <= num_characters:
        return text
    end = max(text.rfind(space, 0, num_characters) for space in " \n")
    return text[: end if end > 0 else num_characters]


class _Files:
    """The files of a row by their paths, without the `/` that some rows put in front.

    What was in a file is shown once, however often the diff names it: a text is about as long as its row, no longer.
    """

    def __init__(self, files: Sequence[File]) -> None:
        self._files = {file.path.removeprefix("/"): file for file in files}
        self._with_keys = {file.path for file in files if file.before and _PRIVATE_KEY.search(file.before)}
        self._shown: set[str] = set()

    def parts(self, change: FileDiff, choices: _Choices) -> tuple[list[Section], list[Section]]:
        """What stands in the text of one changed file: how it was before, and what is done to it."""
        file = self._files.get(change.new_path) or self._files.get(change.old_path)
        diff = [Section("file", in_one_line(change.new_path), _done(change))]
        before = None
        if file:
            if file.path in self._with_keys:
                return [], diff
            before = None if file.path in self._shown else file.before
            self._shown.add(file.path)
        if before is None and change.status == "added":
            before = ""
        wider = None if before is None else with_context(change.hunks, lines_of(before), choices.context_lines)
        hunks = [hunk for hunk in wider or change.hunks if len(hunk_text(hunk)) <= MAXIMUM_HUNK_CHARACTERS]
        base: list[Section] = []
        if before and wider and change.status not in ("added", "deleted"):
            base = list(_base(change.old_path, before, hunks, choices))
        return base, diff + [Section("hunk", "", hunk_text(hunk)) for hunk in hunks]


def _base(path: str, before: str, hunks: list[Hunk], choices: _Choices) -> Iterator[Section]:
    if choices.whole_files:
        yield Section("base", in_one_line(path), before)
        return
    lines = lines_of(before)
    for first, end in surroundings(hunks, len(lines), choices.margin_lines):
        shown = "".join(lines[first:end]).removesuffix("\n")
        yield Section("base_lines", f"{first + 1}-{end} {in_one_line(path)}", shown)


def _done(change: FileDiff) -> str:
    done = change.status if change.old_path == change.new_path else f"{change.status} from {change.old_path}"
    return f"{done}, binary" if change.is_binary else done
