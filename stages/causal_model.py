"""A language model of transformers and its own tokenizer: what it gives a text's tokens, in nats.

Weights are safetensors and code is transformers' own: nothing that comes with a model is run. A folder is read
without a network; only a name such as `owner/name` asks the hub, through transformers.

Windows are padded on the right. A token's logits depend on what stands before it alone, so padding and the windows
beside it change nothing but the last bits of floating point; that a model really looks back only is tried out when it
is loaded. The softmax is computed in float64, so that a sum over billions of tokens keeps its digits.

torch and transformers are imported here and nowhere else, when a model is loaded: they are no dependency.

Memory: the model, and of a batch the logits, tokens x vocabulary in the model's dtype; where the model can leave
logits out, those of tokens that only give context are.
"""

import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from manifests.errors import RecipeError, UnitError
from stages.token_windows import TokenWindow

Dtype = Literal["float32", "bfloat16", "float16"]
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_INSTALL = "pip install -r requirements-training.txt"
_SOFTMAX_VALUES = 1 << 23  # 64 MiB in float64
_TOLERANCE = 0.02  # of the largest logit; bfloat16 has three digits

Floats = npt.NDArray[np.float64]


class PrefixToken(NamedTuple):
    """What stands before a document, so that its first token is predicted, too; `role` is "bos" or "eos"."""

    role: str
    token: str
    id: int


class CausalModel:
    """A model that is ready to score.

    Attributes:
        context: tokens that it reads at most, by its configuration; None where that does not say.
        prefix: None where its tokenizer has neither.
        about: what it is and runs on, for JSON.
    """

    def __init__(self, model: Any, tokenizer: Any, about: dict[str, Any]) -> None:
        config = model.config.get_text_config()
        self._model = model
        self._tokenizer = tokenizer
        self._embeddings = int(model.get_input_embeddings().weight.shape[0])
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        self.prefix = _prefix(tokenizer)
        self.about = about

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, without any that the tokenizer would add; a control token's name is text."""
        made = self._tokenizer(
            texts,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        ids: list[list[int]] = made["input_ids"]
        largest = max((max(own) for own in ids if own), default=0)
        if largest >= self._embeddings:
            raise RecipeError(
                f"the tokenizer gives token {largest}, and the model knows {self._embeddings} tokens",
                hint="give the model's folder the tokenizer that it was trained with",
            )
        return ids

    def decode(self, ids: list[list[int]]) -> list[str]:
        """The text of each document's ids; not the one that they were made of where the tokenizer changes texts."""
        texts: list[str] = self._tokenizer.batch_decode(ids, clean_up_tokenization_spaces=False)
        return texts

    def nats(self, documents: Sequence[Sequence[int]], batch: Sequence[TokenWindow]) -> list[Floats]:
        """-ln p of the tokens that each window predicts, in order.

        Raises:
            UnitError: the device has no memory for this, or does not know how to compute it.
        """
        import torch

        width = max(one.inputs for one in batch)
        skipped = min(one.first - 1 - one.start for one in batch) if self._keeps else 0
        inputs = np.zeros((len(batch), width), dtype=np.int64)
        targets = np.zeros((len(batch), width), dtype=np.int64)
        for row, one in enumerate(batch):
            ids = documents[one.document][one.start : one.stop]
            inputs[row, : one.inputs] = ids[:-1]
            targets[row, : one.inputs] = ids[1:]
        try:
            values = self._forward(torch.from_numpy(inputs), torch.from_numpy(targets[:, skipped:]), skipped)
        except RuntimeError as error:  # torch has one class for "out of memory" on a GPU, and none for CPUs
            raise UnitError(
                f"the model failed on {len(batch)} windows of {width} tokens: {str(error).partition(chr(10))[0]}",
                hint="if memory is short, give a smaller --batch-tokens, then a smaller --window",
            ) from error
        return [
            values[row, one.first - 1 - one.start - skipped : one.inputs - skipped] for row, one in enumerate(batch)
        ]

    def _forward(self, inputs: Any, targets: Any, skipped: int) -> Floats:
        """float64[windows, tokens - skipped], -ln p of the targets."""
        import torch

        device = self._model.device
        width = inputs.shape[1]
        with torch.inference_mode():
            inputs = inputs.to(device)
            keep = {"logits_to_keep": width - skipped} if skipped else {}
            # A mask of ones: without any, some models take an id for padding and warn.
            logits = self._model(
                input_ids=inputs, attention_mask=torch.ones_like(inputs), use_cache=False, **keep
            ).logits.flatten(0, 1)
            wanted = targets.to(device).flatten()[:, None]
            wide = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPUs have no float64
            rows = max(1, _SOFTMAX_VALUES // logits.shape[1])
            parts = [
                torch.log_softmax(logits[start : start + rows].to(wide), -1).gather(1, wanted[start : start + rows])
                for start in range(0, len(logits), rows)
            ]
            values: Floats = -torch.cat(parts).double().cpu().numpy().reshape(tuple(targets.shape))
        return values

    def check_causal(self) -> None:
        """Raise RecipeError where what comes later changes what the model says of a token."""
        import torch

        first, last = [3, 1, 4, 1], [(5, 9, 2, 6), (2, 7, 1, 8)]
        with torch.inference_mode():
            ids = torch.tensor([[*first, *rest] for rest in last], device=self._model.device) % self._embeddings
            seen = self._model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[:, :4]
            apart = float((seen[0] - seen[1]).abs().max()) / max(float(seen.abs().max()), 1e-30)
        if not apart <= _TOLERANCE:
            raise RecipeError(
                f"{self.about['model']}: what comes after a token changes what the model gives it",
                hint="give a causal language model; for an encoder there are no bits per byte",
            )


def load_model(name: str, *, device: str | None = None, dtype: Dtype | None = None) -> CausalModel:
    """Load a model and its tokenizer.

    Args:
        name: a folder, or `owner/name` of the hub.
        device: as torch calls it; None for a GPU where there is one.
        dtype: of weights and activations; None for that of the weights, on CPUs float32.

    Raises:
        RecipeError: torch or transformers are missing, there is no such model, or it cannot be used.
    """
    local = not asks_hub(name)
    if local:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read as transformers is imported: a folder needs no network
    torch, transformers = _libraries()
    place = _device(torch, device)
    kind = getattr(torch, dtype) if dtype else torch.float32 if place.type == "cpu" else "auto"
    given = {"local_files_only": local, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **given)
        model, found = transformers.AutoModelForCausalLM.from_pretrained(
            name, dtype=kind, use_safetensors=True, output_loading_info=True, **given
        )
        model = model.to(place).eval()
    except Exception as error:  # tokenizers and safetensors raise bare ones of their own
        raise _unusable(name, str(error)) from error
    if missing := sorted(found["missing_keys"]):
        raise _unusable(name, f"it has no weights for {missing[0]!r}, so they would be random")
    about = {
        "model": name,
        "revision": getattr(model.config, "_commit_hash", None),
        "type": str(model.config.model_type),
        "parameters": sum(own.numel() for own in model.parameters()),
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(place),
        "tokenizer": type(tokenizer).__name__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    ready = CausalModel(model, tokenizer, about)
    ready.check_causal()
    return ready


def asks_hub(name: str) -> bool:
    """Whether a name is one of the hub's and no folder here.

    Raises:
        RecipeError: it is neither.
    """
    path = Path(name)
    if name and path.is_dir():
        return False
    if _HUB_NAME.fullmatch(name) and not path.parent.is_dir():
        return True
    raise RecipeError(
        f"{name}: no such folder",
        hint="give a folder with config.json, tokenizer and *.safetensors, or `owner/name` of the Hugging Face hub",
    )


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise RecipeError(
            f"bits per byte need torch and transformers, which corpusmill does not install: {error}", hint=_INSTALL
        ) from error
    return torch, transformers


def _device(torch: Any, device: str | None) -> Any:
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(f"--device {device}: {reason}", hint="--device cpu works everywhere") from error
    return place


def _prefix(tokenizer: Any) -> PrefixToken | None:
    for role in ("bos", "eos"):
        number = getattr(tokenizer, f"{role}_token_id")
        if number is not None:
            return PrefixToken(role, str(getattr(tokenizer, f"{role}_token")), int(number))
    return None


def _unusable(name: str, why: str) -> RecipeError:
    return RecipeError(
        f"{name}: cannot be loaded as a language model: {why.partition(chr(10))[0]}",
        hint="it needs config.json, a tokenizer and *.safetensors; code that comes with a model is never run",
    )
