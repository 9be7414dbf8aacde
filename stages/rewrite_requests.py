"""Requests: what a model is asked about one document in one mode, and how much of it at a time."""

from dataclasses import dataclass
from functools import lru_cache, partial

from filters.chat_tokens import control_token
from filters.rewrite_refusals import Refusal
from stages.deprecated_apis import deprecated
from stages.model_requests import Answer, Request
from stages.rewrite_pieces import answer_tokens, estimated_tokens, piece_tokens, prompt_tokens
from stages.rewrite_prompts import Prompt, Refused

MAXIMUM_NOTES = 12
"""Of what a piece is told is wrong with it."""

# Refused by these, an answer helps to write a better one; by others it is too long, or says what must not be said.
_SHOWN_AGAIN = frozenset({"parse", "public_api", "imports", "stub", "licence_header", "lint"})


@dataclass(frozen=True, slots=True)
class Questions:
    """Makes the requests of one mode about one document.

    Attributes:
        document: sha256 in hex of the document's original text.
        language: linguist's name.
        known: what is wrong with the whole text, one line each; `modernize` looks for itself.
        context_tokens: that prompt and answer may have together.
        maximum_length: of an answer, as a ratio to its text.
    """

    prompt: Prompt
    document: str
    language: str
    known: tuple[str, ...]
    context_tokens: int
    maximum_length: float

    def notes(self, text: str, *, part: bool) -> list[str]:
        """What the model is told is wrong with a text; of a part only what is seen in it."""
        if self.prompt.mode == "modernize":
            return [advice.note for advice in deprecated(text, self.language)][:MAXIMUM_NOTES]
        return [] if part else list(self.known)

    def maximum_piece_tokens(self, text: str) -> int:
        """Estimated tokens that a piece of a text may have; <= 0: no piece fits."""
        notes = self.known
        if self.prompt.mode == "modernize":
            found = sorted((advice.note for advice in deprecated(text, self.language)), key=estimated_tokens)
            notes = tuple(found[-MAXIMUM_NOTES:])
        return piece_tokens(self.context_tokens, _frame_tokens(self.prompt, self.language, notes), self.maximum_length)

    def request(self, piece: str, refused: Refused | None, *, part: bool) -> Request:
        """What is asked; the answer before is left out where it could end its turn, or leaves no room for the next."""
        maximum_tokens = answer_tokens(piece, self.maximum_length)
        notes = self.notes(piece, part=part)
        messages = partial(self.prompt.messages, piece, self.language, part=part, notes=notes)
        turns = messages(refused=refused)
        if refused is not None and refused.answer is not None:
            is_long = prompt_tokens(turns) + maximum_tokens > self.context_tokens
            if is_long or control_token(refused.answer) is not None:
                turns = messages(refused=Refused(refused.refusal))
        return Request(self.document, self.prompt.sha256, turns, maximum_tokens)


@lru_cache(maxsize=1024)
def _frame_tokens(prompt: Prompt, language: str, notes: tuple[str, ...]) -> int:
    return prompt_tokens(prompt.messages("", language, part=True, notes=notes))


def refused(answer: Answer, refusal: Refusal) -> Refused:
    """A refused answer as the model hears of it."""
    return Refused(refusal, answer.text if refusal.gate in _SHOWN_AGAIN else None)


def known_of(mode: str, num_errors: int, findings: int) -> tuple[str, ...]:
    """What a mode tells of a whole text, by the counts of its parser and its linter."""
    counts = {"places that do not parse": num_errors, "linter findings": findings} if mode == "repair" else {}
    return tuple(f"{what}: {count}" for what, count in counts.items() if count)
