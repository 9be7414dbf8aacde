"""Notebooks: a Jupyter notebook becomes the script that a reader of it would write, its cells in order.

The percent format: every cell starts with a comment that holds `%%`, and what is no code is commented out, in the
mark of the kernel's language. Outputs and attachments are left out: they are data, and most of the bytes. Lines that
start with a magic of IPython or a shell command are commented out too, as they are no Python, even inside a string;
`files = !ls` and any other kernel's code stand as they are.

Versions 3 and 4 of the format are read. NaN and halves of surrogate pairs in what is left out are no fault: plotting
tools write them into notebooks. A hostile notebook (nothing but `[],[],`) takes about 30 times its length in
memory while it is looked at. Cost: about 100 MB a CPU second.
"""

import json
import re

import msgspec
import numpy as np

MAXIMUM_NESTING = 100

_MARKS = {
    "//": "c c# c++ c++11 c++14 c++17 cpp csharp dart f# fsharp go groovy java javascript kotlin rust scala swift "
    "typescript",
    "--": "ada haskell lua sql",
    "%": "erlang latex matlab octave prolog tex",
    ";": "clojure common-lisp lisp racket scheme",
}
_MARK_OF_LANGUAGE = {language: mark for mark, languages in _MARKS.items() for language in languages.split()}
_HASH = "#"
CELL_STARTS = tuple(f"{mark} %%" for mark in (_HASH, *_MARKS))
"""What every script begins with, whatever the language; one of these."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_STEPS.flags.writeable = False
# A letter, because `%` also stands between operands; `!=` does too. With the lines that a backslash at the end adds.
_MAGIC = re.compile(r"^([ \t]*)((?:%[A-Za-z]|!(?!=))(?:.*\\\n)*+)", re.MULTILINE)


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: str | list[str] | None = None
    input: str | list[str] | None = None  # the source of code in version 3


class _Worksheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Named(msgspec.Struct):
    name: str | None = None
    language: str | None = None


class _Metadata(msgspec.Struct):
    kernelspec: _Named | None = None
    language_info: _Named | None = None


class _Notebook(msgspec.Struct):
    cells: list[_Cell] | None = None
    worksheets: list[_Worksheet] | None = None  # version 3
    metadata: _Metadata | None = None


_decode = msgspec.json.Decoder(_Notebook).decode


class NotebookError(ValueError):
    """A text that is no notebook, and why; never its content."""


def script_of(text: str) -> str:
    """The script of a notebook.

    Returns:
        Cells with a blank line between, LF alone for line ends, at the end too; empty where no cell holds anything.

    Raises:
        NotebookError: no JSON, no notebook, nested deeper than 100, or half of a surrogate pair in a cell.
    """
    notebook = _notebook(text)
    cells = notebook.cells
    if cells is None:
        cells = [cell for sheet in notebook.worksheets or () for cell in sheet.cells]
    language = _language(notebook.metadata or _Metadata())
    mark = _MARK_OF_LANGUAGE.get(language, _HASH)
    script = "".join(f"{block}\n\n" for cell in cells if (block := _block(cell, mark, language)))[:-1]
    try:
        script.encode()
    except UnicodeEncodeError as error:
        raise NotebookError("half of a surrogate pair in a cell") from error
    return script


def _notebook(text: str) -> _Notebook:
    encoded = text.encode("utf-8", "surrogatepass")
    if _nesting(encoded) > MAXIMUM_NESTING:
        raise NotebookError(f"nested deeper than {MAXIMUM_NESTING} levels")
    try:
        try:
            notebook = _decode(encoded)
        except msgspec.DecodeError:  # the standard library takes NaN and half a surrogate pair
            notebook = msgspec.convert(json.loads(encoded), _Notebook)
    except (msgspec.ValidationError, ValueError) as error:
        raise NotebookError(str(error)) from error
    if notebook.cells is None and notebook.worksheets is None:
        raise NotebookError("no `cells` and no `worksheets`")
    return notebook


def _nesting(encoded: bytes) -> int:
    """How deep brackets nest in a JSON text, those in strings apart."""
    brackets = np.frombuffer(_STRING.sub(b"", encoded), np.uint8)
    return int(np.cumsum(_STEPS[brackets], dtype=np.int64).max(initial=0))


def _language(metadata: _Metadata) -> str:
    kernel, info = metadata.kernelspec or _Named(), metadata.language_info or _Named()
    return (kernel.language or info.name or "python").lower()


def _block(cell: _Cell, mark: str, language: str) -> str:
    """A cell's part of the script; empty for a blank one."""
    source = cell.source if cell.source is not None else cell.input or ""
    if not isinstance(source, str):
        source = "".join(source)
    source = source.replace("\r\n", "\n").replace("\r", "\n").rstrip().lstrip("\n")
    if not source:
        return ""
    if cell.cell_type == "code":
        if language in {"python", "ipython"} and ("%" in source or "!" in source):
            source = _commented(source, mark) if source.startswith("%%") else _MAGIC.sub(_without_effect, source)
        return f"{mark} %%\n{source}"
    kind = "raw" if cell.cell_type == "raw" else "markdown"
    return f"{mark} %% [{kind}]\n{_commented(source, mark)}"


def _without_effect(magic: re.Match[str]) -> str:
    indentation, start = magic.groups()
    start = start.replace("\n", f"\n{indentation}# ")
    return f"{indentation}pass  # {start}" if indentation else f"# {start}"  # a block may hold nothing else


def _commented(source: str, mark: str) -> str:
    return "\n".join(f"{mark} {line}".rstrip() for line in source.split("\n"))
