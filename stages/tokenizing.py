"""Text to token ids, the same ids as Hugging Face `tokenizers`, about a hundred times faster.

`gigatoken` encodes (60-180 MB per CPU second); `tokenizers` (about 1 MB) stands by, as the reference and as the engine
for a `tokenizer.json` that gigatoken does not know. It takes some settings without a word and encodes differently (a
byte-level pre-tokenizer without its regex), so the choice rests on compared ids, not on what its constructor accepts.

Both are built from the JSON without its added tokens, so `<|endoftext|>` written in a document is ordinary text.
Added tokens that are no control tokens (runs of spaces in GPT-NeoX) go too: base tokens spell their text.

Cost: `load` 2 CPU seconds for a vocabulary of 151,643; no state grows with the texts, no thread is started (so it
works after a fork). `decode` 15 MB per CPU second, `normalize` 50 where it has to look at each character (text that
is made of more than what `_NOT_COMPOSED` knows) and above 500 where not.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Annotated, Literal, Self

import gigatoken
import msgspec
import numpy as np
import numpy.typing as npt
import tokenizers

from manifests.errors import IntegrityError, RecipeError, UnitError

TokenIds = npt.NDArray[np.int32]
Engine = Literal["gigatoken", "tokenizers"]

PROBE = (
    "naïve café, cafe\u0301 I'll we'RE 'S 3.14159 x2y  \t\t if (a==b){\r\n\r\n\treturn  c;\n}   \n\n  "
    "中文字符 日本語 עברית हिन्दी 👩‍💻 \u00a0\u3000\u200b\x00\x7f <|endoftext|>__init__ -->/*!*/ ½ Ⅷ ſ K  "
)

TOKENIZERS_COST = "1,000 CPU seconds for each GB of text, where gigatoken takes 6 to 17"
"""What the fallback engine costs, for people; measured with Qwen's tokenizer."""

# Characters that NFC leaves as they are beside each other, whatever version of Unicode the normalizer was built with:
# they do not decompose for good, do not combine, and stand second in no composition.
_NOT_COMPOSED = re.compile(
    "[^\0-\u02ff\u038e-\u03a1\u03a3-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a\u0660-\u066f\u1e00-\u1eff\u200b-\u2027\u202a-\u205e"
    "\u2074-\u208e\u20a0-\u20bf\u2100-\u2125\u2127-\u2129\u212c-\u218b\u2190-\u22ff\u2500-\u27bf\u3000-\u3029\u3041-\u3096"
    "\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3\ufe0e\ufe0f\ufeff\uff01-\uff60\ufffd\U0001f300-\U0001f6d7\U0001f900-\U0001f9ff]"
)

_TokenId = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _AddedToken(msgspec.Struct):
    id: _TokenId
    content: str
    special: bool = False


class _Model(msgspec.Struct):
    vocab: dict[str, _TokenId]
    merges: msgspec.Raw
    dropout: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextTokenizer:
    """A byte-level BPE tokenizer that turns text, and only text, into ids.

    Attributes:
        engine: which library encodes.
        vocabulary_size: 1 + the largest id, added tokens included (a model may pad its embedding beyond this).
        end_of_document_id: id of the control token named in `load`.
        beginning_of_document_id: the same; None where none was named.
        control: ids by name, of the special added tokens and of those beside the base vocabulary.
        control_ids: these ids; `encode` gives none.
        sha256: hex digest of the `tokenizer.json` bytes.
    """

    engine: Engine
    vocabulary_size: int
    end_of_document_id: int
    beginning_of_document_id: int | None
    control: Mapping[str, int]
    control_ids: frozenset[int]
    sha256: str
    _encode: Callable[[str], TokenIds]
    _token_bytes: dict[int, bytes]
    _normalizer: tokenizers.normalizers.Normalizer | None
    _text_json: bytes

    @classmethod
    def load(cls, tokenizer_json: bytes, *, end_of_document: str, beginning_of_document: str | None = None) -> Self:
        """Build from the bytes of a Hugging Face `tokenizer.json`.

        Args:
            end_of_document: content of the added token that ends a document, such as `<|endoftext|>`.
            beginning_of_document: of the one that every document begins with, for models that want one; None: none.

        Raises:
            RecipeError: not a byte-level BPE, no such control token, or one that text could produce.
        """
        text_json, model, added = _parse(tokenizer_json)
        reference = _reference(text_json)
        engine, encode = _choose_engine(text_json, reference)
        every = {token.content: token.id for token in added}
        ends = {end_of_document: "tokenizer.end_of_document"}
        if beginning_of_document is not None:
            ends.setdefault(beginning_of_document, "tokenizer.beginning_of_document")
        for name, key in sorted(ends.items()):
            if name not in every:
                raise _absent(name, every, f"set {key}, or choose another tokenizer")
        token_bytes = _byte_table(model.vocab, added)
        specials = [token.content for token in added if token.special or token.content in ends]
        control = {name: every[name] for name in every if name in specials or name not in model.vocab}
        tokenizer = cls(
            engine=engine,
            vocabulary_size=1 + max(token_bytes),
            end_of_document_id=control[end_of_document],
            beginning_of_document_id=None if beginning_of_document is None else control[beginning_of_document],
            control=control,
            control_ids=frozenset(control.values()),
            sha256=sha256(tokenizer_json).hexdigest(),
            _encode=encode,
            _token_bytes=token_bytes,
            _normalizer=reference.normalizer,
            _text_json=text_json,
        )
        tokenizer._check_fitness(specials, {control[content] for content in specials})
        return tokenizer

    def control_id(self, name: str, *, hint: str) -> int:
        """Id of a control token; raises RecipeError, with the nearest name and the given hint, where there is none."""
        if name not in self.control:
            raise _absent(name, self.control, hint)
        return self.control[name]

    def encode(self, text: str) -> TokenIds:
        """Token ids of a text, as `tokenizers` gives them with the added tokens taken out.

        Returns:
            int32, shape (num_tokens,); shape (0,) for an empty text. No control token at either end.

        Raises:
            UnitError: the engine panicked.
        """
        try:
            return self._encode(text)
        except BaseException as error:
            if not _is_panic(error):
                raise
            raise UnitError(f"{self.engine} panicked on a text of {len(text)} characters: {error}") from error

    def decode(self, ids: Iterable[int] | TokenIds) -> str:
        """Text of token ids, control tokens written out; U+FFFD where a piece was cut inside a character."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int] | TokenIds) -> bytes:
        """UTF-8 bytes of token ids, exact for any slice of a document; raises IntegrityError on an unknown id."""
        numbers = ids.tolist() if isinstance(ids, np.ndarray) else ids
        try:
            return b"".join(map(self._token_bytes.__getitem__, numbers))
        except KeyError as error:
            raise IntegrityError(
                f"token id {error.args[0]} is not in the vocabulary of {self.vocabulary_size}",
                hint="the rows were made with another tokenizer: compare its sha256 with the manifest's",
            ) from error

    def normalize(self, text: str) -> str:
        """The text that decoding gives back: the tokenizer's normalizer applied; the text itself where it has none."""
        if self._normalizer is None:
            return text
        if isinstance(self._normalizer, tokenizers.normalizers.NFC) and (
            text.isascii() or not _NOT_COMPOSED.search(text)
        ):
            return text
        return str(self._normalizer.normalize_str(text))

    def check(self, texts: Sequence[str]) -> None:
        """Compare ids with `tokenizers` and decoded text with the normalized one, text by text.

        Costs half a second and a second per MB.

        Raises:
            IntegrityError: at the first difference, with the position of the text in `texts`.
        """
        reference = _reference(self._text_json)
        for position, text in enumerate(texts):
            ids, expected = self.encode(text), _encode_reference(reference, text)
            if not np.array_equal(ids, expected):
                shared = min(len(ids), len(expected))
                first = int(np.argmin(np.append(ids[:shared] == expected[:shared], False)))
                raise IntegrityError(
                    f"text {position}: token {first} differs; expected the {len(expected)} ids of tokenizers, "
                    f"got {len(ids)} of {self.engine}"
                )
            if self.decode(ids) != self.normalize(text):
                raise IntegrityError(f"text {position}: decoded ids are not the normalized text")

    def _check_fitness(self, specials: Sequence[str], special_ids: set[int]) -> None:
        if self.decode(self.encode(PROBE)) != self.normalize(PROBE):
            raise RecipeError(
                "tokenizer.json: decoding does not give the text back; expected a byte-level BPE that keeps every "
                "byte (no add_prefix_space, no Split with behavior Removed)",
                hint="choose a byte-level BPE tokenizer, such as those of Qwen, Llama 3 or StarCoder2",
            )
        for content in specials:
            if not special_ids.isdisjoint(self.encode(content).tolist()):
                raise RecipeError(
                    f"tokenizer.json: the text {content!r} encodes to a control token even as plain text",
                    hint="its vocabulary builds a control token by merges: choose another tokenizer",
                )


def _absent(name: str, present: Iterable[str], hint: str) -> RecipeError:
    names = sorted(present)
    near = get_close_matches(name, names, n=1, cutoff=0.0)
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return RecipeError(
        f"tokenizer.json: no control token {name!r} among its {len(names)} added tokens{nearest}", hint=hint
    )


def _parse(tokenizer_json: bytes) -> tuple[bytes, _Model, list[_AddedToken]]:
    """The JSON that encodes text only, the model, the added tokens; raises RecipeError."""
    try:
        fields = msgspec.json.decode(tokenizer_json, type=dict[str, msgspec.Raw])
        model = msgspec.json.decode(fields["model"], type=_Model)
        added = msgspec.json.decode(fields.get("added_tokens", b"[]"), type=list[_AddedToken])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"tokenizer.json: {error}; expected a Hugging Face byte-level BPE tokenizer",
            hint="give the tokenizer.json file itself, not tokenizer_config.json or vocab.json",
        ) from error
    absent = sum(symbol not in model.vocab for symbol in _byte_symbols())
    if absent:
        raise RecipeError(f"tokenizer.json: {absent} of the 256 byte symbols are not in the vocabulary; expected 0")
    if model.dropout:
        raise RecipeError(f"tokenizer.json: BPE dropout {model.dropout} makes ids random; expected null")
    for token in added:
        if model.vocab.get(token.content, token.id) != token.id:
            raise RecipeError(f"tokenizer.json: {token.content!r} has one id in vocab and another in added_tokens")
    for name in ("truncation", "padding", "post_processor"):
        fields[name] = msgspec.Raw(b"null")
    fields["added_tokens"] = msgspec.Raw(b"[]")
    return msgspec.json.encode(fields), model, added


def _reference(text_json: bytes) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(text_json.decode())
    except Exception as error:  # tokenizers raises no class of its own
        raise RecipeError(f"tokenizer.json: {error}") from error


def _encode_reference(reference: tokenizers.Tokenizer, text: str) -> TokenIds:
    return np.array(reference.encode(text, add_special_tokens=False).ids, dtype=np.int32)


def _choose_engine(text_json: bytes, reference: tokenizers.Tokenizer) -> tuple[Engine, Callable[[str], TokenIds]]:
    """The fast engine where it can be built and agrees on the probe, else the reference itself."""
    try:
        fast = gigatoken.Tokenizer.from_json(text_json).backend
        agrees = np.array_equal(fast.encode(PROBE), _encode_reference(reference, PROBE))
    except BaseException as error:
        if not isinstance(error, RuntimeError | ValueError) and not _is_panic(error):
            raise
        agrees = False
    if agrees:
        return "gigatoken", lambda text: fast.encode(text).view(np.int32)
    return "tokenizers", lambda text: _encode_reference(reference, text)


def _is_panic(error: BaseException) -> bool:
    # A Rust panic derives from BaseException, in a module that cannot be imported.
    return type(error).__module__ == "pyo3_runtime"


def _byte_symbols() -> str:
    """The character that stands for each byte 0..255 in a byte-level vocabulary. Source: GPT-2, bytes_to_unicode."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in printable else next(others)) for byte in range(256))


def _byte_table(vocabulary: dict[str, int], added: list[_AddedToken]) -> dict[int, bytes]:
    """Bytes of every id; an added token that is also a base entry is what the base says, unless it is special."""
    byte_of, table = str.maketrans(_byte_symbols(), "".join(map(chr, range(256)))), {}
    for token, number in vocabulary.items():
        try:
            table[number] = token.translate(byte_of).encode("latin-1")
        except UnicodeEncodeError:  # not spelled in byte symbols: no text encodes to it
            table[number] = token.encode()
    return table | {token.id: token.content.encode() for token in added if token.special or token.id not in table}
