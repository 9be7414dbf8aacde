"""Answers of a scripted model: a good one, every kind of bad one, and everything that may go wrong on the way."""

import re
from collections.abc import Callable, Mapping

from scripted_model import Asked, Reply, Script


def fenced(code: str, label: str = "python") -> str:
    """Code as a model is asked to give it: one block."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"^\s*(`{3,})", code, re.MULTILINE))])
    end = "" if code.endswith("\n") else "\n"
    return f"{fence}{label}\n{code}{end}{fence}\n"


def good(code: str, label: str = "python") -> Reply:
    """The code in one block, and the server says that it is whole."""
    return Reply(fenced(code, label))


def truncated(code: str) -> Reply:
    """Half of it, and the server says that it was cut."""
    return Reply(fenced(code)[: len(code) // 2], finish_reason="length")


def prose_around(code: str) -> Reply:
    """Talk before and after the block."""
    return Reply(f"Sure! Here is the improved code:\n\n{fenced(code)}\nLet me know if you need anything else.")


def two_blocks(code: str) -> Reply:
    """The code, and a second block of usage."""
    return Reply(fenced(code) + "\n" + fenced("print('usage')"))


def new_import(code: str) -> Reply:
    """A package that the original does not import, and the standard library does not have."""
    return good("import leftpadding\n" + code)


def dropped_function(code: str) -> Reply:
    """The last top-level function of a Python file is gone."""
    return good(code[: code.rindex("\ndef ") + 1])


def leaked_key(code: str) -> Reply:
    """A private key in it, which is none."""
    begin, end = (f"-----{word} RSA PRIVATE " + "KEY-----" for word in ("BEGIN", "END"))
    lines = "\n".join("MIIEpAIBAAKCAQEAfakefakefakefakefakefakefakefakefakefakefakefake" for _ in range(4))
    return good(f'{code}\nKEY = """{begin}\n{lines}\n{end}"""\n')


def loop(code: str) -> Reply:
    """The same lines again and again, to the end of what the answer may have."""
    return Reply("```python\n" + (code + "\n") * 20, finish_reason="length")


def refused(_code: str) -> Reply:
    """No code at all."""
    return Reply("I cannot help with that.")


# What a server does wrong, by name; every one of them passes, or not, on its own.
FAULTS: Mapping[str, Reply] = {
    "error_500": Reply("internal error", status=500),
    "error_503": Reply("loading", status=503),
    "too_many_429": Reply("slow down", status=429, headers={"Retry-After": "0"}),
    "hang": Reply(fault="hang"),
    "close": Reply(fault="close"),
    "cut": Reply(fault="cut"),
    "endless": Reply(fault="endless"),
    "no_json": Reply(body=b"<html>proxy error</html>"),
    "other_json": Reply(body=b'{"choices": []}'),
    "dies": Reply(fault="die"),
}


def by_marker(answers: Mapping[str, Callable[[str], Reply]], otherwise: Callable[[str], Reply] = good) -> Script:
    """A script that looks for a word in the document: the first that stands in it says what becomes of the document."""

    def script(asked: Asked) -> Reply:
        code = asked.code
        chosen = next((answers[marker] for marker in answers if marker in code), otherwise)
        return chosen(code)

    return script


def first(times: int, fault: Reply, then: Script) -> Script:
    """A script that fails so many times for every question, and then follows another one."""
    return lambda asked: fault if asked.before < times else then(asked)


def echo(asked: Asked) -> Reply:
    """The script that gives the document back as it is."""
    return good(asked.code)
