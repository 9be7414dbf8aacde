"""A model of Qwen2's architecture with random weights, in a folder as engines load it; no weight changes the speed.

Runs in the environment of an engine, which has torch and transformers:

    python bench/random_qwen2.py FOLDER --size 1.5b --tokenizer tokenizers/qwen2_5/tokenizer.json

Sizes are those of Qwen2.5-Coder, and `tiny`, which is for tests of the script itself.
"""

import argparse
from pathlib import Path

# hidden, layers, heads, key-value heads, intermediate, vocabulary, tied embeddings. Source: the models' config.json.
SIZES = {
    "tiny": (64, 2, 2, 2, 128, 151_936, True),
    "0.5b": (896, 24, 14, 2, 4_864, 151_936, True),
    "1.5b": (1_536, 28, 12, 2, 8_960, 151_936, True),
    "7b": (3_584, 28, 28, 4, 18_944, 152_064, False),
    "14b": (5_120, 48, 40, 8, 13_824, 152_064, False),
    "32b": (5_120, 64, 40, 8, 27_648, 152_064, False),
}
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES, default="1.5b")
    parser.add_argument("--tokenizer", type=Path, required=True, help="a tokenizer.json of Qwen2's")
    parser.add_argument("--context", type=int, default=32_768)
    arguments = parser.parse_args()
    write_model(arguments.folder, arguments.size, arguments.tokenizer, context=arguments.context)


def write_model(folder: Path, size: str, tokenizer: Path, *, context: int) -> None:
    """Config, weights in bfloat16 and tokenizer."""
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    hidden, layers, heads, key_value_heads, intermediate, vocabulary, tied = SIZES[size]
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        max_position_embeddings=context,
        rope_theta=1_000_000.0,
        tie_word_embeddings=tied,
        dtype="bfloat16",
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer), eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=_CHAT
    ).save_pretrained(folder)


if __name__ == "__main__":
    main()
