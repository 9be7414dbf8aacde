"""The programming language of a text that has no file name, by the content classifier magika.

It reads 1,024 characters at each end of a text, and is asked last: 120 texts a CPU second, where a name takes
microseconds. Taken at its word it agrees with linguist on 89 % of 14,010 files of The Stack v2; so only labels that
were seen to be right are taken, from a score on, and the language is then the one that `filters.programming_languages`
gives a file with the label's extension, which tells C from C++ and Objective-C by the marks of `.h`.

On those files it names 76 %, and 98 % of the names are right; most of the others name a format of XML. Ask it where
there is no path. Files with a path that linguist's table does not know are mostly data and test output: of 1,417 it
names 151, about one in five wrongly, for 12 seconds of CPU beside 0.2 for the names of all 15,427.

The classifier is loaded by the first text that needs it, in the process that asks, since a session of onnxruntime does
not live through a fork: 0.2 seconds of CPU and about 50 MB. It runs on one thread.
"""

from functools import cache
from typing import TYPE_CHECKING

from filters.programming_languages import programming_language
from filters.text_views import utf8_bytes

if TYPE_CHECKING:
    from magika import Magika

MINIMUM_SCORE = 0.9

_SAME_NAME = "cmake cs css dart go gradle html ipynb java php proto r rst scala svg swift"

# Left out of what magika can say: data without a language (pem, csv, txt), and labels that were wrong more than one
# time in ten or seen too seldom (asm, batch, coffeescript, erb, handlebars, ini, lisp, sql, twig, vba and others).
_EXTENSIONS = {
    **dict.fromkeys(("c", "cpp", "objectivec"), ".h"),
    **dict.fromkeys(("csproj", "rdf", "vcxproj", "xml"), ".xml"),
    **dict.fromkeys(("gemfile", "gemspec", "ruby"), ".rb"),
    **dict.fromkeys(("json", "jsonl"), ".json"),
    **{name: f".{name}" for name in _SAME_NAME.split()},
    "clojure": ".clj",
    "elixir": ".ex",
    "erlang": ".erl",
    "fortran": ".f90",
    "haskell": ".hs",
    "javascript": ".js",
    "julia": ".jl",
    "kotlin": ".kt",
    "lua": ".lua",
    "makefile": ".mk",
    "markdown": ".md",
    "ocaml": ".ml",
    "perl": ".pl",
    "powershell": ".ps1",
    "python": ".py",
    "rust": ".rs",
    "shell": ".sh",
    "solidity": ".sol",
    "toml": ".toml",
    "typescript": ".ts",
    "yaml": ".yaml",
    "zig": ".zig",
}


def content_language(text: str) -> str:
    """Linguist's name of the language of a text without a file name.

    A modeline, a `#!` line and an XML declaration come first; they cost nothing.

    Returns:
        "" where the classifier does not tell, or not surely. The same on every call; a score within the last bits of
        the minimum may fall to the other side on another processor.
    """
    said = programming_language("", text)
    if said:
        return said
    prediction = _classifier().identify_bytes(utf8_bytes(text)).prediction
    extension = _EXTENSIONS.get(str(prediction.dl.label), "")
    if not extension or prediction.score < MINIMUM_SCORE:
        return ""
    return programming_language(extension, text)


@cache
def _classifier() -> "Magika":
    """The classifier with its model, which is a part of the package; nothing is downloaded."""
    # Loaded late, since both imports cost 0.2 seconds that a run with file names does not need.
    import onnxruntime  # noqa: PLC0415
    from magika import Magika  # noqa: PLC0415

    class OnOneThread(Magika):
        def _init_onnx_session(self) -> onnxruntime.InferenceSession:
            onnxruntime.disable_telemetry_events()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            return onnxruntime.InferenceSession(self._model_path, options, providers=["CPUExecutionProvider"])

    return OnOneThread()
