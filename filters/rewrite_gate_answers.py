"""Gates on an answer before its code is looked at: is it whole, one code block, of which language by its own word."""

import re
from collections.abc import Mapping

from filters.chat_tokens import CONTROL_TOKEN
from filters.model_answers import CodeBlock
from filters.rewrite_refusals import Refusal, named, refusal

# What models write behind a fence. Labels of near relatives pass, as the grammar has the last word.
_C_LABELS = frozenset({"c", "h", "cpp", "c++", "cc", "cxx", "hpp", "hh", "hxx", "objective-c", "objc"})
_SCRIPT_LABELS = frozenset({"javascript", "js", "jsx", "mjs", "cjs", "node", "typescript", "ts", "tsx", "mts", "cts"})
LABELS: Mapping[str, frozenset[str]] = {
    "C": _C_LABELS,
    "C#": frozenset({"c#", "csharp", "cs", "dotnet"}),
    "C++": _C_LABELS | {"cuda", "cu", "arduino"},
    "Go": frozenset({"go", "golang"}),
    "JSON": frozenset({"json", "jsonc", "json5", "geojson"}),
    "Java": frozenset({"java"}),
    "JavaScript": _SCRIPT_LABELS,
    "PHP": frozenset({"php", "php5", "php7", "php8"}),
    "Python": frozenset({"python", "py", "python3", "python2", "py3", "cython"}),
    "Ruby": frozenset({"ruby", "rb"}),
    "Rust": frozenset({"rust", "rs"}),
    "TSX": _SCRIPT_LABELS,
    "TypeScript": _SCRIPT_LABELS,
}
_NO_LANGUAGE = frozenset({"", "code", "text", "txt", "plaintext", "plain", "output"})
_CONTROL = re.compile(
    "[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffd-\uffff"
    "\U000e0000-\U000e0fff]"  # the last: tags, words that nobody sees
)


def refused_finish(finish_reason: str) -> Refusal | None:
    """Whether the server says that the answer is not whole."""
    if finish_reason == "stop":
        return None
    if finish_reason == "length":
        return refusal("finish_reason", "the answer was cut off before its end")
    return refusal("finish_reason", f"the answer ended by `{finish_reason}`, expected `stop`")


def refused_block(block: CodeBlock | None, original: str) -> Refusal | None:
    """Whether an answer is anything but one code block."""
    gate = "code_block"
    if block is None:
        return refusal(gate, "there is no fenced code block; expected exactly one, and nothing else")
    if not block.is_closed:
        return refusal(gate, "the code block has no closing fence")
    if block.num_blocks > 1:
        return refusal(gate, f"there are {block.num_blocks} code blocks, expected one that holds all of the code")
    if block.outside:
        return refusal(gate, f"there is text outside of the code block: {block.outside[:60]}")
    if not block.code.strip():
        return refusal(gate, "the code block is empty")
    control = set(_CONTROL.findall(block.code)).difference(original)
    if control:
        codes = named(f"U+{ord(character):04X}" for character in control)
        return refusal(gate, f"the code holds control characters that the original does not: {codes}")
    if tokens := sorted(set(CONTROL_TOKEN.findall(block.code)).difference(CONTROL_TOKEN.findall(original))):
        return refusal(gate, f"the code holds {named(tokens)}, which ends a turn of a chat, and the original does not")
    return None


def refused_label(label: str, language: str) -> Refusal | None:
    """Whether the fence names another language; no label, or one that names none, is fine."""
    wanted = LABELS.get(language, frozenset({language.lower()}))
    if label in _NO_LANGUAGE or label in wanted:
        return None
    return refusal("language", f"the code block is labelled `{label[:40]}`, expected {language}")
