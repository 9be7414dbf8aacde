"""`corpusmill bpb` on a release, with a small model of transformers: what it prints is what one computes by hand.

With torch: `make test-training`.
"""

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.cli import app
from pipeline.model_bits import ScoringOptions, measure_bits

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers"))), reason="no torch here: make test-training"
)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def release(holding_out: Path) -> Path:
    [folder] = [path for path in (holding_out.parent / "releases").iterdir() if path.name.endswith("0.2.0")]
    return folder


@pytest.fixture(scope="module")
def model(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers, its weights drawn at random, with the release's tokenizer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        import torch
        from tokenizers import Tokenizer
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    manifest = Manifest.read(Storage(str(release)))
    tokenizer = Tokenizer.from_file(str(release / "tokenizer/tokenizer.json"))
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 4096}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3}
    torch.manual_seed(0)
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model")
    LlamaForCausalLM(LlamaConfig(vocab_size=tokenizer.get_vocab_size(), **size, **heads)).save_pretrained(folder)
    named = {"eos_token": manifest.tokenizer.end_of_document}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def by_hand(release: Path, model: Path) -> dict[tuple[str, str], tuple[float, int]]:
    """Nats and bytes by kind and subset or language, one forward pass a document, softmax in float64 by numpy."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

    loaded = LlamaForCausalLM.from_pretrained(model).eval()
    tokenizer = Tokenizer.from_file(str(release / "tokenizer/tokenizer.json"))
    tokenizer.encode_special_tokens = True
    end = Manifest.read(Storage(str(release))).tokenizer.end_of_document_id
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for path in sorted((release / "held_out").iterdir()):
        for row in pq.read_table(path).to_pylist():
            ids = [end, *tokenizer.encode(row["text"], add_special_tokens=False).ids]
            with torch.no_grad():
                logits = loaded(torch.tensor([ids])).logits[0].double().numpy()[:-1]
            highest = logits.max(axis=1, keepdims=True)
            nats = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0] - logits[range(len(ids) - 1), ids[1:]]
            key = row["kind"], row["subset"] or row["language"]
            before = found.get(key, (0.0, 0))
            found[key] = before[0] + nats.sum(), before[1] + len(row["text"].encode())
    return found


def _measured(release: Path, model: Path, **options: Any) -> Json:
    found: Json = json.loads(measure_bits(str(release), str(model), ScoringOptions(device="cpu", **options)).to_json())
    return found


def test_bits_per_byte_are_those_computed_by_hand(
    release: Path, model: Path, by_hand: dict[tuple[str, str], tuple[float, int]]
) -> None:
    found = _measured(release, model)
    assert {(row["kind"], row["name"]) for row in found["subsets"]} == by_hand.keys()
    assert len(by_hand) > 2
    for row in found["subsets"]:
        nats, num_bytes = by_hand[row["kind"], row["name"]]
        assert row["bytes"] == num_bytes
        assert abs(row["bits_per_byte"] - nats / math.log(2) / num_bytes) < 1e-6
    nats, num_bytes = map(sum, zip(*by_hand.values(), strict=True))
    assert abs(found["overall"]["bits_per_byte"] - nats / math.log(2) / num_bytes) < 1e-6
    assert found["overall"]["predicted_tokens"] == found["overall"]["tokens"]
    assert found["overall"]["altered_documents"] == 0
    assert found["first_token_after"]["role"] == "eos"


@pytest.mark.parametrize("options", [{"batch_tokens": 1}, {"batch_tokens": 50_000}, {"stride": 1000}])
def test_neither_batch_nor_stride_matters_where_documents_fit(release: Path, model: Path, options: Json) -> None:
    first, second = _measured(release, model), _measured(release, model, **options)
    for one, other in zip(first["subsets"], second["subsets"], strict=True):
        assert abs(one["bits_per_byte"] - other["bits_per_byte"]) < 1e-6


def test_the_same_options_give_the_same_bytes(release: Path, model: Path) -> None:
    first, second = (_measured(release, model, window=32, limit=3) for _ in range(2))
    assert first == second
    assert [first[name] for name in ("window", "stride", "limit")] == [32, 16, 3]


def test_the_table_says_what_was_done(release: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["bpb", "--model", str(model), str(release), "--device", "cpu", "--limit", "2"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "a document's first token is predicted from <|endoftext|>" in shown
    assert "float32 on cpu; windows of 4,096 tokens, stride 2,048" in shown
    assert "at most 2 documents" in shown
    assert [line.split()[:2] for line in shown.splitlines()][-1] == ["(all)", "(all)"]


def test_without_a_token_before_documents_the_bias_is_told(release: Path, model: Path) -> None:
    found = measure_bits(str(release), str(model), ScoringOptions(device="cpu", limit=1))
    found.model.prefix = None
    assert "bits per byte are too low" in next(found.notes())
