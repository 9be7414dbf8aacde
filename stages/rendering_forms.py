"""Forms: what a model family puts around a text, as pure functions from texts to pieces.

A piece is a control token, by name, or a string, which is encoded on its own. What stands between two control tokens
is one string, since that is what a model is given when it is used; the two strings behind `fim_middle` of a form that
begins with the suffix are the exception, as the second is what the model is to go on with.

Sources: Qwen2.5-Coder, arXiv 2409.12186, section 3.2, and its README (files, repositories, prefix first); StarCoder2,
arXiv 2402.19173, section 5.1 (repositories, with and without metadata; FIM in a file of them; notebooks). The order
with the suffix first is the second one of arXiv 2207.14255, section 4.1, which the StarCoder family was trained with;
that Qwen was, too, is not published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

TemplateName = Literal["qwen", "starcoder2"]


class Control(NamedTuple):
    """A control token by its name, such as `<|fim_prefix|>`."""

    name: str


Piece = str | Control


class Split(NamedTuple):
    """A text cut in three for fill-in-the-middle; the model learns to give `middle`."""

    prefix: str
    middle: str
    suffix: str
    suffix_first: bool


class File(NamedTuple):
    """A file of a repository document: its path, without line feeds, and its text, whole or cut."""

    path: str
    content: str | Split


@dataclass(frozen=True, slots=True)
class Template:
    """The control tokens of a model family, and how it lays out several files of a repository.

    Attributes:
        script: stands before the script that a notebook was made into; None: nothing does.
        line_feed_after_file: whether every file but the last of a document is followed by a line feed.
        fim_in_every_file: FIM may be done to each file of a repository document, else to the last alone.
        bare_share: the share of repository documents that have neither the repository's name nor paths.
        repository: the pieces of each file: (template, repository name or None for a bare document, files).
    """

    fim_prefix: Control
    fim_suffix: Control
    fim_middle: Control
    repository_name: Control
    file_separator: Control
    script: Control | None
    line_feed_after_file: bool
    fim_in_every_file: bool
    bare_share: float
    repository: Callable[["Template", str | None, Sequence[File]], list[list[Piece]]]

    @property
    def file_controls(self) -> tuple[Control, ...]:
        """What files and repositories take: what a tokenizer that is trained for this template gets."""
        named = (self.fim_prefix, self.fim_middle, self.fim_suffix, self.repository_name, self.file_separator)
        return named if self.script is None else (*named, self.script)


def file_pieces(template: Template, content: str | Split, *, script: bool) -> list[Piece]:
    """One file or text; `script`: it was a notebook."""
    pieces: list[Piece] = [content] if isinstance(content, str) else split_pieces(template, content)
    return [template.script, *pieces] if script and template.script else pieces


def split_pieces(template: Template, split: Split, header: str = "") -> list[Piece]:
    """A text that was cut in three; the header stands before the prefix."""
    prefix, middle, suffix, suffix_first = split
    if suffix_first:
        return [
            template.fim_prefix,
            template.fim_suffix,
            suffix,
            template.fim_middle,
            header + prefix,
            middle,
        ]
    return [template.fim_prefix, header + prefix, template.fim_suffix, suffix, template.fim_middle, middle]


def _qwen_repository(template: Template, repository: str | None, files: Sequence[File]) -> list[list[Piece]]:
    r"""`<|repo_name|>R\n`, then `<|file_sep|>path\ncontent\n` for each file; no line feed behind the last."""
    members: list[list[Piece]] = []
    for number, (path, content) in enumerate(files):
        end = "\n" if number + 1 < len(files) else ""
        if isinstance(content, str):
            members.append([template.file_separator, f"{path}\n{content}{end}"])
        else:
            members.append([template.file_separator, f"{path}\n", *split_pieces(template, content)])
    members[0][:0] = [template.repository_name, f"{repository}\n"]
    return members


def _starcoder2_repository(template: Template, repository: str | None, files: Sequence[File]) -> list[list[Piece]]:
    r"""`<repo_name>R`, then `<file_sep>path\ncode` for each file; without metadata `<file_sep>code`."""
    members: list[list[Piece]] = []
    for path, content in files:
        header = "" if repository is None else f"{path}\n"
        pieces = [header + content] if isinstance(content, str) else split_pieces(template, content, header)
        members.append([template.file_separator, *pieces])
    if repository is not None:
        members[0][:0] = [template.repository_name, repository]
    return members


TEMPLATES: Mapping[TemplateName, Template] = {
    "qwen": Template(
        fim_prefix=Control("<|fim_prefix|>"),
        fim_suffix=Control("<|fim_suffix|>"),
        fim_middle=Control("<|fim_middle|>"),
        repository_name=Control("<|repo_name|>"),
        file_separator=Control("<|file_sep|>"),
        script=None,
        line_feed_after_file=True,
        fim_in_every_file=False,
        bare_share=0.0,
        repository=_qwen_repository,
    ),
    "starcoder2": Template(
        fim_prefix=Control("<fim_prefix>"),
        fim_suffix=Control("<fim_suffix>"),
        fim_middle=Control("<fim_middle>"),
        repository_name=Control("<repo_name>"),
        file_separator=Control("<file_sep>"),
        script=Control("<jupyter_script>"),
        line_feed_after_file=False,
        fim_in_every_file=True,
        bare_share=0.5,
        repository=_starcoder2_repository,
    ),
}
