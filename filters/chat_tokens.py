"""What chat templates and tokenizers of models may take for the end of a turn, where it stands in a text.

Nothing that holds one can be given to a model as data, and an answer that makes one up is a slip of the model that
would go into the corpus: code has little use for them.
"""

import re

# Of the chat templates of Qwen, Llama, Mistral, DeepSeek and Gemma, and their kin.
CONTROL_TOKEN = re.compile(r"<\|[\w▁]{1,40}\|>|<｜[\w▁]{1,40}｜>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?s>")


def control_token(text: str) -> str | None:
    """The first such thing in a text; None: nothing."""
    found = CONTROL_TOKEN.search(text)
    return found[0] if found else None
