"""Prompts: how a file of code is put before the model that rewrites it.

A mode's words are in `prompts/<mode>.toml`: what it is for, its rules, what an answer must be, and an example for each
family of languages, of which a file sees its own. What stands around every text is in `prompts/turns.toml`. The hash of
both, for `modernize` with that of the list of APIs, says which prompt it was. All files of a family begin with the same
turns, which a server need not read twice.

A text is hostile. Its fence is longer than any run of backticks in it, so it cannot end its own block; the turn says
before it and after it that the block is data. What chat templates would read as the end of a turn cannot be said so:
`filters.chat_tokens` finds such texts, and they are never sent.

Pure, and the same on every call. What prompts cost in tokens: docs/experiments.md.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

import msgspec

from filters.chat_tokens import CONTROL_TOKEN
from filters.model_answers import fence_for
from filters.rewrite_refusals import Refusal
from manifests.printable import printable
from stages.model_requests import Message

_TURNS = "prompts/turns.toml"
_LISTS = {"modernize": ("deprecated_apis.toml",)}  # what the turns of a mode name besides
_DETAIL_CHARACTERS = 160
_LABELS = {"C#": "csharp", "C++": "cpp"}


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file before and after, in a language, for files of all `languages`."""

    language: str
    languages: tuple[str, ...]
    before: str
    after: str
    notes: tuple[str, ...] = ()


class ModeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file of a mode holds; `verb` says what an answer is, "repaired"."""

    version: int
    mode: str
    verb: str
    intent: str
    rules: tuple[str, ...]
    contract: tuple[str, ...]
    example: tuple[Example, ...]


class TurnsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Templates of what is said around a text; `advice` is by gate."""

    text: str
    whole: str
    part: str
    whole_again: str
    part_again: str
    retry: str
    advice: dict[str, str]


class Refused(NamedTuple):
    """An answer that was refused, and why; the answer is None where the model shall not see it again."""

    refusal: Refusal
    answer: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """One mode's prompt; `load_prompt` makes one of each.

    Attributes:
        mode: "repair", "modernize" or "style".
        version: counts changes of its words.
        sha256: in hex, of all files that its words are from.
    """

    mode: str
    version: int
    sha256: str
    _file: ModeFile
    _turns: TurnsFile

    @property
    def examples(self) -> tuple[Example, ...]:
        """Files before and after, one for each family of languages."""
        return self._file.example

    @property
    def contract(self) -> tuple[str, ...]:
        """What an answer must be, line by line."""
        return self._file.contract

    def messages(
        self,
        text: str,
        language: str,
        *,
        part: bool = False,
        notes: Sequence[str] = (),
        refused: Refused | None = None,
    ) -> tuple[Message, ...]:
        """The turns that ask for a text to be rewritten.

        Args:
            language: linguist's name.
            part: whether the text is a part of a file.
            notes: what is known to be wrong, one line each.
            refused: the answer before, on a second try.
        """
        messages = _beginning(self, language)
        asked = self.turn(text, language, part=part, notes=notes)
        if refused is None:
            return (*messages, Message("user", asked))
        again = self._retry(refused.refusal)
        if refused.answer is None:
            return (*messages, Message("user", f"{asked}\n{again}"))
        return (*messages, Message("user", asked), Message("assistant", refused.answer), Message("user", again))

    def beginning(self, language: str) -> tuple[Message, ...]:
        """The turns before that of the text; the same for all languages of a family."""
        example = next((each for each in self.examples if language in each.languages), self.examples[0])
        rules = f"How:\n{_listed(self._file.rules)}\n\nYour answer:\n{_listed(self.contract)}"
        return (
            Message("system", f"{self._file.intent}\n\n{rules}"),
            Message("user", self.turn(example.before, example.language, part=False, notes=example.notes)),
            Message("assistant", block(example.after, example.language)),
        )

    def turn(self, text: str, language: str, *, part: bool, notes: Sequence[str]) -> str:
        """The turn that asks for a text to be rewritten."""
        turns = self._turns
        return turns.text.strip("\n").format(
            language=language,
            label=label(language),
            fence=fence_for(text),
            what=turns.part if part else turns.whole,
            again=turns.part_again if part else turns.whole_again,
            verb=self._file.verb,
            notes=f"Found in it:\n{_listed(notes)}\n" if notes else "",
            text=text.removesuffix("\n"),
        )

    def _retry(self, refusal: Refusal) -> str:
        # The detail may hold names that a hostile file chose.
        detail = CONTROL_TOKEN.sub("…", printable(refusal.detail, _DETAIL_CHARACTERS)).replace("`", "'")
        advice = self._turns.advice.get(refusal.gate, "")
        return self._turns.retry.strip("\n").format(gate=refusal.gate, detail=detail, advice=advice).rstrip()


def label(language: str) -> str:
    """What a code block in a language is called behind its fence."""
    return _LABELS.get(language, language.lower())


def block(text: str, language: str) -> str:
    """A text as a fenced code block."""
    fence, body = fence_for(text), text.removesuffix("\n")
    return f"{fence}{label(language)}\n{body}\n{fence}"


@cache
def load_prompt(mode: str) -> Prompt:
    """The prompt of a mode; raises FileNotFoundError for one that there is none of."""
    name = f"prompts/{mode}.toml"
    data = {each: files("stages").joinpath(each).read_bytes() for each in (name, _TURNS, *_LISTS.get(mode, ()))}
    digest = sha256()
    for each, content in data.items():
        digest.update(f"{each} {len(content)}\n".encode() + content)
    file, turns = tomllib.loads(data[name].decode()), tomllib.loads(data[_TURNS].decode())
    words = msgspec.convert(file, ModeFile)
    return Prompt(mode, words.version, digest.hexdigest(), words, msgspec.convert(turns, TurnsFile))


@cache
def _beginning(prompt: Prompt, language: str) -> tuple[Message, ...]:
    return prompt.beginning(language)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
