"""What goes to a model and what comes back, whatever server is between."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Message(NamedTuple):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model draws tokens; the same for every request."""

    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model.

    Attributes:
        document: sha256 in hex of the original text that it is about; a cache can forget by it.
        prompt: sha256 in hex of the prompt file that the messages are made of.
        messages: all that the model sees.
        maximum_tokens: that the answer may have.
    """

    document: str
    prompt: str
    messages: tuple[Message, ...]
    maximum_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said.

    Attributes:
        text: as it came; hostile, valid Unicode.
        finish_reason: the server's word: "stop" for an answer that is whole, "length" for one that was cut.
        prompt_tokens: of the messages, as the server counted.
        completion_tokens: of the answer.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
