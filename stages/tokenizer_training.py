"""Train a small byte-level BPE tokenizer, for runs that bring none (the demo, tests without a network).

The split pattern is that of Qwen2 (single digits, no normalizer here), which keeps every byte of every string and
which gigatoken has a compiled scanner for. Same texts in any order or chunking give the same bytes: merges are chosen
by count, then by id, and counts do not depend on the order or on threads.

Cost, 16,384 tokens on 2 cores: 8 MB of code 4.6 s wall (7.4 CPU), 25 MB 11 s wall (19 CPU). Cap the sample where the
texts are chosen; beyond some 10 MB a vocabulary of this size hardly changes.
"""

from collections.abc import Iterable, Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from manifests.errors import RecipeError
from stages.rendering_forms import TEMPLATES

# Source: Qwen2 tokenizer.json, pre_tokenizer.
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NUM_BYTE_SYMBOLS = 256
CONTROL_TOKENS = ("<|endoftext|>", *(control.name for control in TEMPLATES["qwen"].file_controls))


def train(
    texts: Iterable[str], *, vocabulary_size: int = 16_384, control_tokens: Sequence[str] = CONTROL_TOKENS
) -> bytes:
    """The `tokenizer.json` of a byte-level BPE trained on texts.

    Args:
        vocabulary_size: ids in all, the 256 bytes and the control tokens included; fewer where the texts have no more
            pairs to merge.
        control_tokens: get the last ids, in this order, and stay out of the base vocabulary.

    Returns:
        UTF-8 JSON for `stages.tokenizing:TextTokenizer.load`. No texts give a tokenizer of bytes.

    Raises:
        RecipeError: no room for bytes and control tokens, or a control token is empty or named twice.
    """
    minimum = NUM_BYTE_SYMBOLS + len(control_tokens)
    if vocabulary_size < minimum:
        raise RecipeError(f"tokenizer vocabulary_size: expected at least {minimum}, got {vocabulary_size}")
    if len(set(control_tokens)) != len(control_tokens) or "" in control_tokens:
        raise RecipeError(f"tokenizer control_tokens: expected distinct non-empty strings, got {list(control_tokens)}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size - len(control_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control_tokens])
    return tokenizer.to_str().encode()
