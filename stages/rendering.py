"""Rendering: from documents to the ids that a model trains on, and back.

The forms stand in `rendering_forms`; here their texts are encoded and their control tokens become ids, so no text can
imitate one. Every token of a rendered document belongs to one of the documents in it, and from the ids of its own it
comes back, equal to the text as the tokenizer normalizes it.

Cost: a plain file is encoded and copied once. Fill-in-the-middle has to normalize the text before, since its places
are counted in characters of what is trained on, and encodes three strings for one: CPU for a document that is cut,
about 1.3 times that of a plain one. A chunk of a repository is encoded once to measure it and once to render it, its
last file once more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import xxhash

from manifests.document import ID_BYTES
from manifests.errors import RecipeError
from stages.notebooks import CELL_STARTS
from stages.rendering_draws import happens, repository_chunks, split
from stages.rendering_forms import TEMPLATES, Control, File, Piece, Split, TemplateName, file_pieces
from stages.rendering_pull_requests import CONTROLS, pull_request_pieces, pull_request_text
from stages.tokenizing import PROBE, TextTokenizer, TokenIds

Form = Literal["file", "fim_psm", "fim_spm", "repository", "repository_bare", "pull_request"]
NOTEBOOK = "Jupyter Notebook"


@dataclass(frozen=True, slots=True)
class RenderingOptions:
    """What the recipe asks for.

    Attributes:
        fim_rate: share of the files of kind code that are cut for fill-in-the-middle.
        spm_share: share of these that begin with their suffix.
        repository_share: share of the bytes of code that stand in documents of several files of one repository.
        maximum_tokens: of a repository document.
        pull_requests: whether there are any.
    """

    template: TemplateName = "qwen"
    fim_rate: float = 0.5
    spm_share: float = 0.5
    repository_share: float = 0.0
    maximum_tokens: int = 32_768
    pull_requests: bool = False


class Renderable(NamedTuple):
    """A document as it is given to the renderer; `id` has 16 bytes, `rewritten`: a model wrote the text."""

    id: bytes
    text: str
    kind: str
    language: str
    repo: str
    path: str
    form: Literal["file", "pull_request"]
    rewritten: bool = False


class Rendered(NamedTuple):
    """A document as it is packed.

    Attributes:
        ids: int32[n], n >= 1.
        members: (id, number of tokens) of each document in it, in order; the numbers add up to n.
    """

    name: str
    form: Form
    ids: TokenIds
    members: list[tuple[bytes, int]]


def packed_name(first_id: bytes, copy: int, *, repository: bool = False, rewritten: bool = False) -> str:
    """Name of a packed document: the id of its first member in hex, then what it is, then `-2` for copy 1.

    `-repository` for several files, whoever wrote them; `-rewrite` for one file that a model rewrote.
    """
    what = "-repository" if repository else "-rewrite" if rewritten else ""
    return first_id.hex() + what + (f"-{copy + 1}" if copy else "")


def packed_id(name: str) -> bytes:
    """16 bytes: those of the document's id where the name is no more than that, else a hash of the name."""
    return bytes.fromhex(name) if len(name) == 2 * ID_BYTES else xxhash.xxh3_128_digest(name.encode())


class Renderer:
    """Renders documents by one tokenizer, one template and one seed.

    Raises:
        RecipeError: the tokenizer lacks a control token that the options need, or its normalizer makes something
            else of a part of a text than of the whole.
    """

    def __init__(self, tokenizer: TextTokenizer, options: RenderingOptions, seed: int) -> None:
        self._tokenizer = tokenizer
        self._options = options
        self._seed = seed
        self._template = TEMPLATES[options.template]
        numbers = {control: tokenizer.control_id(control.name, hint=hint) for control, hint in _needed(options)}
        self._ids_of = {control: np.array([number], dtype=np.int32) for control, number in numbers.items()}
        self._control_of = {number: control for control, number in numbers.items()}
        begin, end = tokenizer.beginning_of_document_id, tokenizer.end_of_document_id
        self._begin = np.array([] if begin is None else [begin], dtype=np.int32)
        self._end = np.array([end], dtype=np.int32)
        self._controls = np.array(sorted({*numbers.values(), end, *self._begin.tolist()}), dtype=np.int32)
        if options.fim_rate:
            _check_parts(tokenizer)

    @property
    def template_ids(self) -> dict[str, int]:
        """Ids of the control tokens that may stand inside a document, by name."""
        return {control.name: number for number, control in sorted(self._control_of.items())}

    def file(self, document: Renderable, copy: int) -> Rendered:
        """One file or text; code is cut for fill-in-the-middle as often as the options say."""
        name = packed_name(document.id, copy, rewritten=document.rewritten)
        content = self._content(document, name) if document.kind == "code" else document.text
        script = document.language == NOTEBOOK and document.text.startswith(CELL_STARTS)
        form: Form = "file"
        if isinstance(content, Split):
            form = "fim_spm" if content.suffix_first else "fim_psm"
        return self._rendered(name, form, [(document.id, file_pieces(self._template, content, script=script))])

    def chunks(self, documents: Sequence[Renderable]) -> list[slice]:
        """Which files of one repository and revision, in the order of their paths, fit into one document each.

        Returns:
            As `repository_chunks`; of two files or more each, for one alone is no repository.
        """
        if not documents:
            return []
        files = [File(_line(document.path), document.text) for document in documents]
        repository = _line(documents[0].repo)
        pieces = self._template.repository(self._template, repository, files)
        lengths = [_length(self._parts(member)) for member in pieces]
        name = _length(self._parts(pieces[0][:2]))  # the repository's, which stands before its first file
        lengths[0] -= name
        room = self._options.maximum_tokens - name - len(self._begin) - len(self._end)

        def as_last(place: int) -> int:
            [member] = self._template.repository(self._template, repository, [files[place]])
            return _length(self._parts(member)) - name

        chunks = []
        for start, stop in ((chunk.start, chunk.stop) for chunk in repository_chunks(lengths, room)):
            # Without the line feed that is not behind the last file, its text may be a token or two longer.
            while stop - start > 1 and sum(lengths[start : stop - 1]) + as_last(stop - 1) > room:
                stop -= 1  # noqa: PLW2901 - until it fits
            chunks.append(slice(start, stop))
        return [chunk for chunk in chunks if chunk.stop - chunk.start > 1]

    def repository(self, documents: Sequence[Renderable], copy: int) -> Rendered:
        """Files of one repository and revision, in the order of their paths, as one document.

        Where cutting one for fill-in-the-middle would make the document longer than the maximum, none is cut.
        """
        name = packed_name(documents[0].id, copy, repository=True)
        template = self._template
        bare = happens(template.bare_share, self._seed, name, "bare")
        files = [File(_line(document.path), document.text) for document in documents]
        if template.fim_in_every_file and self._cuts(name, "document"):
            cut = [
                File(file.path, self._content(document, f"{name} {document.id.hex()}"))
                for file, document in zip(files, documents, strict=True)
            ]
        else:
            last = files[-1].content if template.fim_in_every_file else self._content(documents[-1], name)
            cut = [*files[:-1], File(files[-1].path, last)]
        for chosen in (cut, files):
            pieces = template.repository(template, None if bare else _line(documents[0].repo), chosen)
            members = [(document.id, member) for document, member in zip(documents, pieces, strict=True)]
            rendered = self._rendered(name, "repository_bare" if bare else "repository", members)
            if len(rendered.ids) <= self._options.maximum_tokens:
                break
        return rendered

    def pull_request(self, document: Renderable, copy: int) -> Rendered:
        """A pull request or commit; as a plain file where its text has no such form."""
        name = packed_name(document.id, copy)
        pieces = pull_request_pieces(self._options.template, document.text)
        if pieces is None:
            return self._rendered(name, "file", [(document.id, [document.text])])
        return self._rendered(name, "pull_request", [(document.id, pieces)])

    def restore(self, ids: TokenIds, form: Form) -> str:
        """The normalized text of one document, from all its own ids (a member's) in a document of that form."""
        if form == "pull_request":
            parts = ((control, text) for control, text in self._texts(ids) if control is not None)
            return pull_request_text(self._options.template, parts)
        template = self._template
        around, split_up = "", dict.fromkeys((template.fim_prefix, template.fim_middle, template.fim_suffix), "")
        for control, text in self._texts(ids):
            if control in split_up:
                split_up[control] = text
            elif control != template.repository_name:
                around += text
        text = around + "".join(split_up.values())
        if form == "repository":
            text = text.partition("\n")[2]
        if form.startswith("repository") and template.line_feed_after_file and ids[-1] != self._end[0]:
            text = text[:-1]
        return text

    def _content(self, document: Renderable, name: str) -> str | Split:
        """The text, cut or whole."""
        if not self._cuts(name, "file"):
            return document.text
        text = self._tokenizer.normalize(document.text)
        return split(text, seed=self._seed, name=name, spm_share=self._options.spm_share) or text

    def _cuts(self, name: str, what: str) -> bool:
        return happens(self._options.fim_rate, self._seed, name, "fim", what)

    def _rendered(self, name: str, form: Form, members: Sequence[tuple[bytes, list[Piece]]]) -> Rendered:
        parts = [self._parts(pieces) for _, pieces in members]
        parts[0].insert(0, self._begin)
        parts[-1].append(self._end)
        lengths = [(member, _length(some)) for (member, _), some in zip(members, parts, strict=True)]
        return Rendered(name, form, np.concatenate([part for some in parts for part in some]), lengths)

    def _parts(self, pieces: Sequence[Piece]) -> list[TokenIds]:
        encode = self._tokenizer.encode
        return [encode(piece) if isinstance(piece, str) else self._ids_of[piece] for piece in pieces]

    def _texts(self, ids: TokenIds) -> Iterator[tuple[Control | None, str]]:
        """The text behind each control token, in order; None: the token that begins or ends, or nothing."""
        control, start = None, 0
        for place in (*np.flatnonzero(np.isin(ids, self._controls)).tolist(), len(ids)):
            yield control, self._tokenizer.decode(ids[start:place])
            if place < len(ids):
                control, start = self._control_of.get(int(ids[place])), place + 1


def _needed(options: RenderingOptions) -> Iterator[tuple[Control, str]]:
    """Control tokens that rendering takes, and how a recipe does without each."""
    template, other = TEMPLATES[options.template], "choose another tokenizer or rendering.template"
    if options.fim_rate:
        for control in (template.fim_prefix, template.fim_suffix, template.fim_middle):
            yield control, f"set rendering.fim.rate: 0, or {other}"
    if options.repository_share:
        for control in (template.repository_name, template.file_separator):
            yield control, f"set rendering.repository.share: 0, or {other}"
    if options.pull_requests:
        for control in CONTROLS[options.template]:
            yield control, f"leave out the sources of format pull-requests, or {other}"
    if template.script is not None:
        yield template.script, other


def _check_parts(tokenizer: TextTokenizer) -> None:
    text = tokenizer.normalize(PROBE)
    for place in range(len(text) + 1):
        for part in (text[:place], text[place:]):
            if tokenizer.normalize(part) != part:
                raise RecipeError(
                    "tokenizer.json: its normalizer changes parts of a text that it has normalized; expected one, "
                    "such as NFC, that leaves them",
                    hint="set rendering.fim.rate: 0, or choose another tokenizer",
                )


def _length(parts: Sequence[TokenIds]) -> int:
    return sum(map(len, parts))


def _line(name: str) -> str:
    """A path or a repository's name, without the line feed that ends it in some forms."""
    return name.replace("\n", " ")
