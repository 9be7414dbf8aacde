"""Bad answers in their form, or about something else: cut off, with prose, in parts, another program."""

import random
from typing import NamedTuple

from rewriting.syntax import Edit, Function, edited, functions, is_no_worse

from filters.model_answers import fence_for


class Case(NamedTuple):
    """A file and a good rewrite of it.

    Attributes:
        others: other files, of this language and of others: (text, language).
    """

    original: str
    rewrite: str
    language: str
    others: list[tuple[str, str]]


class Said(NamedTuple):
    """What the model says."""

    text: str
    finish_reason: str = "stop"


_LABELS = {"C#": "csharp", "C++": "cpp"}
_BEFORE = (
    "Here is the rewritten code:\n\n",
    "Sure! I've cleaned up the code and added documentation where it was missing.\n\n",
    "### Improved version\n\n",
    "Let me look at this file first. It defines several functions that could be clearer.\n\n",
)
_AFTER = (
    "\nI renamed the variables and added comments. Let me know if you need anything else!",
    "\n**Changes made:**\n- Improved naming\n- Added docstrings\n",
    "\nNote that I have not changed the behaviour of the code.",
)


def answered(code: str, language: str, draw: random.Random) -> str:
    """Code as a model that keeps to its prompt gives it."""
    fence = fence_for(code)
    label = draw.choice((_LABELS.get(language, language.lower()), _LABELS.get(language, language.lower()), ""))
    end = "" if code.endswith("\n") else "\n"
    return f"{fence}{label}\n{code}{end}{fence}" + draw.choice(("", "\n"))


def edited_answer(case: Case, edits: list[Edit], draw: random.Random) -> Said | None:
    """The answer with edits, where what remains parses: no other gate shall have it easy."""
    changed = edited(case.rewrite.encode(), edits)
    if not is_no_worse(changed.decode(), case.original, case.language):
        return None
    return Said(answered(changed.decode(), case.language, draw))


def public_functions(case: Case) -> list[Function]:
    """Public functions of the rewrite whose name stands once as one, so that a second one does not take their place."""
    found = [item for item in functions(case.rewrite.encode(), case.language) if item.is_public]
    names = [item.text_name for item in found]
    return [item for item in found if names.count(item.text_name) == 1]


def truncated(case: Case, draw: random.Random) -> Said | None:
    """Cut off: by the limit on tokens, by a server that says otherwise, or by a model that stops early and neatly."""
    share = draw.uniform(0.3, 0.95)
    kind = draw.randrange(3)
    if kind < 2:
        answer = answered(case.rewrite, case.language, draw)
        return Said(answer[: int(share * len(answer))], ("length", "stop")[kind])
    lines = case.rewrite.splitlines(keepends=True)
    return Said(answered("".join(lines[: max(1, int(share * len(lines)))]), case.language, draw))


def prose(case: Case, draw: random.Random) -> Said | None:
    """Words before or after the code, or nothing but words."""
    answer = answered(case.rewrite, case.language, draw).rstrip("\n") + "\n"
    kind = draw.randrange(4)
    if kind == 3:
        return Said(
            draw.choice(
                (case.rewrite, "I'm sorry, but I can't help with rewriting this file.", "The code is fine as it is.")
            )
        )
    return Said((draw.choice(_BEFORE) if kind != 1 else "") + answer + (draw.choice(_AFTER) if kind else ""))


def second_block(case: Case, draw: random.Random) -> Said | None:
    """The code in two parts, or an example of its use behind it."""
    answer = answered(case.rewrite, case.language, draw).rstrip("\n")
    if draw.random() < 0.5:
        return Said(f"{answer}\n\n```\nusage: {draw.choice(('make run', 'npm start', 'pytest'))}\n```\n")
    lines = case.rewrite.splitlines(keepends=True)
    half = len(lines) // 2
    return Said("\n\n".join(answered("".join(part), case.language, draw) for part in (lines[:half], lines[half:])))


def other_language(case: Case, draw: random.Random) -> Said | None:
    """A program in another language, labelled as what it is, as what was asked for, or not at all."""
    others = [item for item in case.others if not _alike(item[1], case.language)]
    near = sorted(others, key=lambda item: abs(len(item[0]) - len(case.original)))[:8]
    if not near:
        return None
    text, language = draw.choice(near)
    label = draw.choice((language, case.language, "")).lower()
    label = {"c#": "csharp", "c++": "cpp"}.get(label, label)
    return Said(f"{fence_for(text)}{label}\n{text}\n{fence_for(text)}\n")


def other_program(case: Case, draw: random.Random) -> Said | None:
    """A program in the same language that has nothing to do with the original."""
    others = [item for item in case.others if item[1] == case.language and item[0] != case.original]
    near = sorted(others, key=lambda item: abs(len(item[0]) - len(case.original)))[:8]
    return Said(answered(draw.choice(near)[0], case.language, draw)) if near else None


def _alike(first: str, second: str) -> bool:
    families = ({"C", "C++"}, {"JavaScript", "TypeScript"})
    return first == second or any({first, second} <= family for family in families)
