"""A mill whose code a scripted model rewrites: what becomes of a document is told by a word in it.

`MARKERS` has a file for every kind of bad answer; the other files are mended. `twin_a` and `twin_b` have the same
functions among different remarks, which the model leaves out: so do `like_a` and `like_b`, but for one line.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import scripted_answers as answers
import zstandard
from scripted_model import Asked, Reply, Script, ScriptedModel, scripted_model

from stages.tokenizer_training import train

NUM_FILES = 12
MODEL = "scripted/coder-1B"
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "xu", "zi")
_RECIPE = """\
name: rewritten
version: 0.1.0
partitions: 2
sources:
- {{name: stack, format: stack-v2, kind: code, paths: ["stack/*.jsonl.zst"]}}
licences: {{allow: [MIT]}}
mixture: {{code: 1.0, text: 0.0}}
filters: {{assign: null}}
tokenizer: {{path: tokenizer.json}}
packing: {{sequence_tokens: 128}}
limits: {{unit_bytes: 3600, slice_bytes: 16000}}
redaction: {{sensitivity: {{secret: off, assigned_secret: off}}}}
rewriting:
  engine: endpoint
  endpoint: {endpoint}
  model: {{name: {model}, revision: "1", licence: Apache-2.0, context: 4096}}
  modes: [repair]
  selection: {{minimum_bytes: 50, smelly_findings: 0.5}}
  maximum_share: 1.0
  concurrency: 4
  request_seconds: 20
  cache: {cache}
"""

# By the word in a file, what the model makes of it, both times that it is asked, and the gate that refuses it.
MARKERS: dict[str, tuple[Callable[[str], Reply], str]] = {
    "truncated": (answers.truncated, "finish_reason"),
    "prose_around": (answers.prose_around, "code_block"),
    "two_blocks": (answers.two_blocks, "code_block"),
    "refused": (answers.refused, "code_block"),
    "new_import": (answers.new_import, "imports"),
    "dropped_function": (answers.dropped_function, "public_api"),
    "leaked_key": (answers.leaked_key, "sensitive"),
    "loop": (answers.loop, "finish_reason"),
}
TWINS = ("twin_a", "twin_b", "like_a", "like_b")
_REMARK = re.compile(r"^ *# (?:remark|twin|like).*\n", re.MULTILINE)


def mended(code: str) -> str:
    """What a good answer makes of a file of ours."""
    return _REMARK.sub("", code).replace(" == None", " is None")


def good(code: str) -> Reply:
    """The file, mended, in one block."""
    return answers.good(mended(code))


def script(asked: Asked) -> Reply:
    """What the model says of every file of the mill."""
    return answers.by_marker({name: answer for name, (answer, _) in MARKERS.items()}, good)(asked)


def words(seed: str, count: int) -> list[str]:
    """Words that nobody else has."""
    numbers = random.Random(seed)
    return ["".join(numbers.choices(_SYLLABLES, k=3)) for _ in range(count)]


def code(name: str, *, functions: str = "", lines: int = 6) -> str:
    """A file of Python with things to mend, which no other one is a duplicate of.

    Args:
        functions: a name of which all files have the same functions.
    """
    own = words(f"functions {functions or name}", 5 * lines)
    parts = [f"# {name}\n\n\n"]
    for number in range(lines):
        verb, noun, *others = own[5 * number : 5 * number + 5]
        remark = " ".join(words(f"remark {name} {number}", 8))
        parts.append(
            f"def {verb}_{noun}({others[0]}, {others[1]}):\n"
            f"    # remark: {remark}\n"
            f"    if {others[0]} == None:\n        return {others[1]}\n"
            f"    {others[2]} = {others[0]} + {number}\n    return {others[2]}\n\n\n"
        )
    return "".join(parts)


def files() -> dict[str, str]:
    """Texts by path."""
    found = {f"src/file{number}.py": code(f"file{number}", lines=2 + number % 5) for number in range(NUM_FILES)}
    found |= {f"src/{marker}.py": code(marker) for marker in MARKERS}
    for name in TWINS:
        text = code(name, functions=name[:-2], lines=12)
        found[f"src/{name}.py"] = text if name != "like_b" else f"{text}def last():\n    return 7\n"
    found["src/hopeless.py"] = "# hopeless\n" + "".join(f"))) def ((( {word} =\n" for word in words("hopeless", 40))
    return found


def write_mill(folder: Path, endpoint: str) -> Path:
    """Inputs, tokenizer and recipe; returns the path of the recipe."""
    (folder / "stack").mkdir(parents=True)
    texts = files()
    rows = [
        {
            "repo_name": f"team/project{number % 5}",
            "path": path,
            "content": text,
            "language": "Python",
            "detected_licenses": ["MIT"],
            "license_type": "permissive",
        }
        for number, (path, text) in enumerate(texts.items())
    ]
    for number in range(3):
        data = "".join(json.dumps(row) + "\n" for row in rows[number::3]).encode()
        (folder / f"stack/part-{number}.jsonl.zst").write_bytes(zstandard.compress(data))
    (folder / "tokenizer.json").write_bytes(train(list(texts.values()), vocabulary_size=400))
    recipe = folder / "recipe.yaml"
    recipe.write_text(_RECIPE.format(endpoint=endpoint, model=MODEL, cache=folder / "answers"))
    return recipe


@contextmanager
def rewriting_mill(folder: Path, script: Script = script) -> Iterator[tuple[Path, ScriptedModel]]:
    """The path of a recipe, of which nothing was run, and the model that its code goes to."""
    folder.mkdir(parents=True, exist_ok=True)
    with scripted_model(script, folder=folder, name=MODEL) as model:
        yield write_mill(folder / "mill", model.address), model
