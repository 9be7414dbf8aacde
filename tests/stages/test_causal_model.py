"""What a model of transformers gives tokens is what its logits say, however they are read.

With torch: `make test-training`. What needs none is tested always.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from manifests.errors import RecipeError
from stages.causal_model import CausalModel, Floats, asks_hub, load_model
from stages.token_windows import token_windows, window_batches
from stages.tokenizer_training import train

TEXTS = [
    "def area(radius):\n    return 3.14 * radius * radius\n" * 6,
    "The area of a circle grows with the square of its radius. É 漢字 🙂",
    "x",
    "",
    "for (int n = 0; n < 10; n++) { total += n; }\n",
]
END = "<|endoftext|>"
WITH_TORCH = all(map(find_spec, ("torch", "transformers")))

needs_torch = pytest.mark.skipif(not WITH_TORCH, reason="no torch here: make test-training")
Save = Callable[..., Path]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """`save(name, tokens=..., **config)`: a folder with a model of that architecture, its weights drawn at random."""
    import torch
    import transformers
    from tokenizers import Tokenizer

    torch.set_num_threads(1)  # such small products are not worth another

    def saved(name: str = "Qwen2", tokens: dict[str, str] | None = None, **config: Any) -> Path:
        torch.manual_seed(0)
        tokenizer = Tokenizer.from_str(train(TEXTS, vocabulary_size=512).decode())
        size: dict[str, Any] = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
        }
        size |= {"vocab_size": 512, "max_position_embeddings": 64, "intermediate_size": 64, "initializer_range": 0.3}
        made = getattr(transformers, f"{name}Config")(**size | config)
        folder = tmp_path / name
        transformers.AutoModelForCausalLM.from_config(made).save_pretrained(folder)
        tokens = {"eos_token": END} if tokens is None else tokens
        transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens).save_pretrained(folder)
        return folder

    return saved


def _documents(model: CausalModel) -> list[list[int]]:
    assert model.prefix is not None
    return [[model.prefix.id, *ids] for ids in model.encode(TEXTS)]


def _scored(model: CausalModel, *, window: int, stride: int, batch_tokens: int) -> list[Floats]:
    """By document, nats of its tokens."""
    documents = _documents(model)
    windows = [
        one for n, ids in enumerate(documents) for one in token_windows(n, len(ids), window=window, stride=stride)
    ]
    found: list[dict[int, float]] = [{} for _ in documents]
    for batch in window_batches(windows, batch_tokens=batch_tokens):
        for one, nats in zip(batch, model.nats(documents, batch), strict=True):
            assert len(nats) == one.predicted
            found[one.document].update(zip(range(one.first, one.stop), nats.tolist(), strict=True))
    return [np.array([own[place] for place in range(1, len(own) + 1)]) for own in found]


def _logits(folder: Path) -> Callable[[list[int]], Floats]:
    """What gives the logits after each of some tokens, in one pass."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def logits(ids: list[int]) -> Floats:
        with torch.no_grad():
            values: Floats = model(torch.tensor([ids])).logits[0].double().numpy()
        return values

    return logits


def _by_hand(logits: Floats, ids: list[int]) -> Floats:
    """-ln p of each of the ids, a row of logits for each."""
    highest = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
    values: Floats = total - logits[np.arange(len(ids)), ids]
    return values


@needs_torch
@pytest.mark.parametrize("name", ["Qwen2", "Llama", "GPT2"])
def test_nats_of_a_document_that_fits_are_those_of_one_pass_by_hand(name: str, save: Save) -> None:
    folder = save(name, max_position_embeddings=512)
    model, logits = load_model(str(folder), device="cpu"), _logits(folder)
    for ids, nats in zip(_documents(model), _scored(model, window=512, stride=7, batch_tokens=4096), strict=True):
        expected = _by_hand(logits(ids)[:-1], ids[1:])
        assert np.abs(nats - expected).max(initial=0.0) < 1e-5
        assert abs(nats.mean() - expected.mean()) < 1e-6 if len(expected) else not len(nats)


@needs_torch
@pytest.mark.parametrize(("window", "stride"), [(16, 8), (16, 16), (16, 1), (5, 3)])
def test_nats_in_windows_are_those_of_a_loop_over_tokens(window: int, stride: int, save: Save) -> None:
    folder = save()
    model = load_model(str(folder), device="cpu")
    logits = _logits(folder)
    for ids, nats in zip(_documents(model), _scored(model, window=window, stride=stride, batch_tokens=64), strict=True):
        for place in range(1, min(len(ids), 40)):
            steps = max(0, -(-(place - window) // stride))
            last = min(len(ids), window + 1 + steps * stride)
            context = ids[max(0, last - 1 - window) : place]
            [expected] = _by_hand(logits(context)[-1:], [ids[place]])
            assert abs(nats[place - 1] - expected) < 1e-5


@needs_torch
@pytest.mark.parametrize("batch_tokens", [1, 100, 10_000])
def test_what_is_read_together_changes_nothing(batch_tokens: int, save: Save) -> None:
    model = load_model(str(save()), device="cpu")
    alone = _scored(model, window=32, stride=16, batch_tokens=1)
    for expected, nats in zip(alone, _scored(model, window=32, stride=16, batch_tokens=batch_tokens), strict=True):
        assert np.abs(nats - expected).max(initial=0.0) < 1e-5


@needs_torch
def test_the_token_before_a_document_is_bos_else_eos_else_none(save: Save) -> None:
    both = {"bos_token": "<|fim_prefix|>", "eos_token": END}
    for tokens, role in (({"eos_token": END}, "eos"), (both, "bos"), ({}, None)):
        model = load_model(str(save("Llama", tokens=tokens)), device="cpu")
        assert (model.prefix and model.prefix.role) == role


@needs_torch
def test_the_name_of_a_control_token_is_text(save: Save) -> None:
    model = load_model(str(save()), device="cpu")
    [ids] = model.encode([f"a{END}b"])
    assert model.prefix is not None
    assert model.prefix.id not in ids
    assert len(ids) > 3


@needs_torch
def test_tokens_give_their_text_back_unless_the_tokenizer_changes_it(save: Save) -> None:
    texts = [*TEXTS, f"a{END}b", "cafe\u0301"]
    plain = load_model(str(save("Llama")), device="cpu")
    assert plain.decode(plain.encode(texts)) == texts
    normalizing = load_model(str(save("Qwen2")), device="cpu")  # transformers gives Qwen2 its own normalization
    assert normalizing.decode(normalizing.encode(texts)) == [*texts[:-1], "caf\u00e9"]


@needs_torch
def test_context_and_dtype_are_those_of_the_model(save: Save) -> None:
    folder = save()
    model = load_model(str(folder), device="cpu", dtype="bfloat16")
    assert model.context == 64
    assert model.about["dtype"] == "bfloat16"
    assert load_model(str(folder), device="cpu").about["dtype"] == "float32"
    [nats] = model.nats([[0, 1, 2]], list(token_windows(0, 3, window=4, stride=2)))
    assert nats.dtype == np.float64


@needs_torch
def test_a_model_that_looks_ahead_is_refused(save: Save) -> None:
    folder = str(save("Bert", initializer_range=1.0))
    with pytest.raises(RecipeError, match="what comes after a token changes"):
        load_model(folder, device="cpu")


@needs_torch
def test_weights_that_would_be_random_are_refused(save: Save) -> None:
    from safetensors.numpy import load_file, save_file

    file = save() / "model.safetensors"
    weights = load_file(file)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(RecipeError, match=r"no weights for .*up_proj"):
        load_model(str(file.parent), device="cpu")


@needs_torch
@pytest.mark.parametrize("broken", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_that_cannot_be_read_is_told(broken: str, save: Save) -> None:
    folder = save()
    (folder / broken).write_bytes(b"{")
    with pytest.raises(RecipeError, match="cannot be loaded as a language model"):
        load_model(str(folder), device="cpu")


@needs_torch
def test_pickled_weights_are_not_loaded(save: Save) -> None:
    import torch

    folder = save()
    (folder / "model.safetensors").unlink()
    torch.save({"model.embed_tokens.weight": torch.zeros(512, 32)}, folder / "pytorch_model.bin")
    with pytest.raises(RecipeError, match="cannot be loaded as a language model"):
        load_model(str(folder), device="cpu")


@needs_torch
def test_code_that_comes_with_a_model_is_not_run(save: Save) -> None:
    folder = save()
    config = (folder / "config.json").read_text()
    named = config.replace("{", '{"auto_map": {"AutoModelForCausalLM": "own.Own", "AutoConfig": "own.OwnConfig"},', 1)
    (folder / "config.json").write_text(named.replace('"qwen2"', '"own"'))
    (folder / "own.py").write_text("import pathlib\npathlib.Path('was-run').touch()\n")
    with pytest.raises(RecipeError, match="cannot be loaded as a language model"):
        load_model(str(folder), device="cpu")
    assert not Path("was-run").exists()


@needs_torch
def test_a_tokenizer_with_more_tokens_than_the_model_is_told(save: Save) -> None:
    model = load_model(str(save(vocab_size=300)), device="cpu")
    with pytest.raises(RecipeError, match="the model knows 300 tokens"):
        model.encode(TEXTS)


@needs_torch
def test_a_device_that_is_none(save: Save) -> None:
    with pytest.raises(RecipeError, match="--device nowhere"):
        load_model(str(save()), device="nowhere")


@pytest.mark.skipif(WITH_TORCH, reason="torch is here")
def test_without_torch_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="need torch and transformers") as raised:
        load_model(str(tmp_path))
    assert raised.value.hint == "pip install -r requirements-training.txt"


def test_a_folder_is_no_name_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    assert not asks_hub(str(tmp_path))
    assert not asks_hub("models")
    assert asks_hub("someone/model-1.5B")
    for name in ("models/absent", "absent", "./absent/model", "/absent/model", "a/b/c", "../model", ""):
        with pytest.raises(RecipeError, match="no such folder"):
            asks_hub(name)


def test_a_hub_is_not_asked_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(RecipeError):
        load_model(str(tmp_path))
    assert os.environ["HF_HUB_OFFLINE"] == "1"
