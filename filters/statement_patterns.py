r"""What each kind of statement looks like, by language: regular expressions on lines of code.

They see what `source_comments.code_lines` gives: no comments, no blank lines, an LF after every line, `_` for what
strings hold. A pattern runs to the end of a line, so it counts a line once, and hyperscan runs all of a language's in
one pass without backtracking. They are shapes, not grammars: a declaration over several lines is found by its first.

A pattern whose name starts with "-" takes lines back: what looks like `type name(` but starts with `return`.

Source: the statements that OpenCoder's filter code counts (arXiv 2411.04905; opc_data_filtering), written anew. Named
deviations: strings and comments never count; words count as words (`passed` is no `pass`); a return is simple where it
returns nothing or one name, number or string, in all languages; calls after a keyword are no functions; in Python a
simple variable is one assigned or annotated by one name or literal, in a class or not.
"""

from collections.abc import Mapping

_BLANK = r"^[ \t]*"
_REST = r"[^\n]*\n"
_WORD = r"(?:(?:[A-Za-z_][\w.:<>\[\],?~&]*|<[\w ,?&.]+>)[ \t*&]+)"
_TYPES = _WORD + "+"
_KEYWORDS = r"(?:return|else|new|delete|throw|case|goto|await|yield|in|typedef|using|package|import|assert)"
_FUNCTION = _TYPES + r"[\w:~]+[ \t]*\(" + _REST
_VARIABLE = _TYPES + r"\w+(?:\[\w*\])*[ \t]*[=;]" + _REST
_VALUE = r"(?:\"[^\"\n]*\"|'[^'\n]*'|-?[\w.]+|\[\]|\{\}|\(\))"
_SIMPLE_RETURN = _BLANK + rf"return(?:[ \t]+{_VALUE})?[ \t]*;?\n"

_TYPED: Mapping[str, str] = {
    "function": _BLANK + _FUNCTION,
    "-function": _BLANK + _KEYWORDS + r"[ \t*&]+" + _WORD + r"*[\w:~]+[ \t]*\(" + _REST,
    "variable": _BLANK + _VARIABLE,
    "-variable": _BLANK + _KEYWORDS + r"[ \t*&]+" + _WORD + r"*\w+(?:\[\w*\])*[ \t]*[=;]" + _REST,
    "simple_variable": _BLANK + _TYPES + r"\w+[ \t]*;\n",
    "-simple_variable": _BLANK + _KEYWORDS + r"[ \t]+" + _WORD + r"*\w+[ \t]*;\n",
    "simple_return": _SIMPLE_RETURN,
    "class": _BLANK + r"(?:\w+[ \t]+)*(?:class|interface|enum|record)[ \t]+\w[^\n;=(]*\n",
}
_C = {
    **_TYPED,
    "import": _BLANK + r"#[ \t]*(?:include|import)\b" + _REST,
    "preprocessor": _BLANK
    + r"#[ \t]*(?:include|define|if|ifdef|ifndef|else|elif|endif|error|pragma|warning|undef|line)\b"
    + _REST,
    "main": r"\bmain[ \t]*\([^)]*\)[ \t\n]*\{",
    "print": r"^[^\n]*(?:printf|\bputs)[ \t]*\(" + _REST,
}

PATTERNS: Mapping[str, Mapping[str, str]] = {
    "Python": {
        "function": _BLANK + r"(?:async[ \t]+)?def[ \t]" + _REST,
        "one_line_function": r"^(?:[ \t]*(?:async[ \t]+)?def[ \t][^\n]*:|[ \t]*\)[^\n]*:)[ \t]*\n?[ \t]*return\b"
        + _REST,
        "import": _BLANK + r"(?:import|from)[ \t]" + _REST,
        "class": _BLANK + r"class[ \t]" + _REST,
        "pass": r"^(?:[ \t]*|[^\n]*:[ \t]*)pass;?\n",
        "print": r"^[^\n]*\bprint\b" + _REST,
        "variable": _BLANK + r"\w[\w.,\[\]* \t]*(?::[^=\n]+)?[-+*/%|&^@]?=[^=\n]" + _REST,
        "simple_variable": _BLANK + rf"\w+[ \t]*(?::[^=\n]+|(?::[^=\n]+)?=[ \t]*{_VALUE})\n",
        "-simple_variable": _BLANK + r"(?:else|try|finally|lambda)[ \t]*:[^=\n]+\n",
        "simple_return": _SIMPLE_RETURN,
    },
    "C": _C,
    "C++": {**_C, "print": r"^[^\n]*(?:printf[ \t]*\(|\bcout\b|\bputs[ \t]*\()" + _REST},
    "Java": {
        **_TYPED,
        "import": _BLANK + r"import[ \t]" + _REST,
        "print": r"^[^\n]*\bSystem\.out\.print" + _REST,
    },
    "C#": {
        **_TYPED,
        "import": _BLANK + r"(?:global[ \t]+)?using[ \t]+[\w.]+[ \t]*[;=]" + _REST,
        "print": r"^[^\n]*\bConsole\.Write" + _REST,
    },
    "Go": {
        "function": r"^func\b" + _REST,
        "import": r"^(?:import[ \t][^\n]*|[ \t]+(?:[\w.]+[ \t]+)?\"[^\"\n]*\")\n",
        "class": r"^type[ \t]+\w+[^\n]*\b(?:struct|interface)[ \t]*\{" + _REST,
        "print": r"^[^\n]*\b(?:fmt\.Print|println?[ \t]*\()" + _REST,
        "variable": r"^(?:[ \t]*(?:var|const)\b|[^\n]*:=)" + _REST,
        "simple_variable": _BLANK + r"var[ \t]+\w+[ \t]+[\w.*\[\]]+\n",
        "simple_return": _SIMPLE_RETURN,
    },
    "JavaScript": {
        "function": _BLANK
        + r"(?:(?:export[ \t]+)?(?:default[ \t]+)?(?:async[ \t]+)?function\b"
        + r"|[\w$.' \t]+[=:][ \t]*(?:async[ \t]+)?(?:function\b|\([^()\n]*\)[ \t]*=>|\w+[ \t]*=>)"
        + r"|(?:(?:static|async|get|set)[ \t]+)*[\w$]+[ \t]*\([^()\n]*\)[ \t]*\{)"
        + _REST,
        "-function": _BLANK + r"(?:if|for|while|switch|catch|with|function)[ \t]*\([^()\n]*\)[ \t]*\{" + _REST,
        "import": r"^(?:[ \t]*import\b|[^\n]*\brequire[ \t]*\()" + _REST,
        "class": r"^[^\n]*\bclass[ \t]+[\w$]" + _REST,
        "print": r"^[^\n]*\bconsole\.log\b" + _REST,
        "variable": r"^(?:[^\n]*\b(?:var|let|const)[ \t]|[ \t]*module\.exports\.\w)" + _REST,
        "simple_variable": _BLANK + rf"(?:var|let|const)[ \t]+[\w$]+[ \t]*(?:=[ \t]*{_VALUE})?[ \t]*[;,]?\n",
        "simple_return": _SIMPLE_RETURN,
    },
}
"""By linguist's name of the language, then by the kind of statement."""

ASSERTION = r"^[^\n]*assert" + _REST
"""An assertion in any language; case does not matter."""
