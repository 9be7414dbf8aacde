"""Demo plants: rows with something to find, made of real ones and written down.

Real packages hold no live keys, hardly an address and no broken row, so the demo's report would have nothing to show.
Every plant is visibly fake and put together at run time, so that no scanner trips over this file. A row with a planted
secret takes the place of its host (a copy would go as a near-duplicate before anyone looked at the secret); a near-copy
stands beside its host. Hosts are permissive Python files, or texts, of middling length.
"""

import re
from collections.abc import Sequence
from hashlib import sha1

import msgspec

from pipeline.demo_code import StackRow, replace_content
from pipeline.demo_shards import Line
from pipeline.demo_text import DESCRIPTIONS, DemoText

NUM_NEAR_COPIES = 20
NUM_CHANGED_LINES = 3

_MINIMUM_HOST_SIZE = 4_000  # bytes of code, characters of text
_MAXIMUM_HOST_SIZE = 20_000
_MAXIMUM_BYTES_A_DEFINITION = 1_500  # a host is code, no table, or a filter would drop it with its plant
_DOMAIN = "mail.corpusmill-demo.dev"  # not one of the reserved example domains, which a detector may pass over
_AWS_KEY = "".join(("AKIA", "FAKE", "DEMO7Q2Z5X9W"))
_GITHUB_TOKEN = "".join(("gh", "p_", "FAKEdemo7Qz2", "Xw9LkFAKEdem", "o4Vn8RtFAKE5"))
_PEM_LINES = ("FAKEdemo" * 8, "Qz7xFAKE" * 8, "notAkeyFAKE" * 5)
_PRIVATE_KEY = "\n".join(("-----BEGIN RSA " + "PRIVATE KEY-----", *_PEM_LINES, "-----END RSA " + "PRIVATE KEY-----"))

_BETWEEN_DEFINITIONS = re.compile(r"\n\n\n(?=def |class |@)")
_BETWEEN_PARAGRAPHS = re.compile(r"\n\n")

_IN_CODE = {
    "aws_access_key": f'AWS_ACCESS_KEY_ID = "{_AWS_KEY}"',
    "email": f'MAINTAINER = "Jane Doe <jane.doe@{_DOMAIN}>"',
    "github_token": f'GITHUB_TOKEN = "{_GITHUB_TOKEN}"',
    "ip_address": 'BACKEND_HOSTS = ["203.0.112.17", "203.0.112.41"]',
    "private_key": f'DEPLOY_KEY = """{_PRIVATE_KEY}\n"""',
    "url_password": 'DATABASE_URL = "postgresql://demo:' + f'FAKEdemoQ7z2@db.{_DOMAIN}/demo"',
}
_IN_TEXT = {
    "aws_access_key": f"The upload then runs with the access key {_AWS_KEY} of the old account.",
    "control_token": "Two documents are joined by <|endoftext|> before they are packed.",
    "email": f"Questions go to Jane Doe, jane.doe@{_DOMAIN}, or to john.roe@{_DOMAIN}.",
    "ip_address": "The mirror answers at 203.0.112.23; its backup is 203.0.112.24.",
    "phone_number": "The office can be reached at +49 30 " + "5557 0142 on weekdays.",
    "private_key": f"The key that the tutorial uses:\n\n{_PRIVATE_KEY}",
}


def plant_code(rows: Sequence[StackRow]) -> list[Line]:
    """All rows as lines: secrets planted in some, near-copies of some others, and one broken line."""
    hosts = sorted((row for row in rows if _is_host(row)), key=lambda row: _order(row.key))
    kinds = {row.key: kind for row, kind in zip(hosts, _IN_CODE, strict=False)}
    copied = hosts[len(kinds) : len(kinds) + NUM_NEAR_COPIES]
    lines = []
    for row in rows:
        kind = kinds.get(row.key, "")
        lines.append(_code_line(_with_secret(row, kind), kind, row.key) if kind else _code_line(row))
    lines.extend(_code_line(near_copy(row), "near_copy", row.key) for row in copied)
    for row in hosts[-1:]:
        data = _code_line(row).data
        lines.append(Line("planted/broken:json", data[: len(data) // 2], 0, "broken_json", row.key))
    return lines


def plant_text(texts: Sequence[DemoText]) -> list[Line]:
    """All texts as lines: secrets and a control token planted in some, and two broken lines."""
    hosts = sorted((text for text in texts if _is_middling(len(text.text))), key=lambda text: _order(text.key))
    kinds = {text.key: kind for text, kind in zip(hosts, _IN_TEXT, strict=False)}
    lines = []
    for text in texts:
        kind = kinds.get(text.key, "")
        content = _in_the_middle(text.text, _IN_TEXT[kind], _BETWEEN_PARAGRAPHS) if kind else text.text
        data = _json({"text": content, "meta": {"pile_set_name": text.subset}})
        lines.append(Line(text.key, data, len(content.encode()), kind, text.key if kind else ""))
    meta = {"pile_set_name": DESCRIPTIONS}
    lines.append(Line("planted/broken:no text", _json({"meta": meta}), 0, "missing_text"))
    lines.append(Line("planted/broken:number", _json({"text": 17, "meta": meta}), 0, "wrong_type"))
    return lines


def near_copy(row: StackRow) -> StackRow:
    """A copy in which some empty lines became comments; it says so, and lies in `planted/near-copies`."""
    lines = row.content.split("\n")
    empty = [number for number, line in enumerate(lines) if not line.strip()]
    step = max(1, len(empty) // NUM_CHANGED_LINES)
    for number in empty[step // 2 :: step][:NUM_CHANGED_LINES]:
        lines[number] = f"# planted near-copy of {row.key}: line {number + 1} is not the original's"
    path = f"/{row.repo_name}{row.path}"
    return replace_content(row, repo_name="planted/near-copies", path=path, content="\n".join(lines))


def _with_secret(row: StackRow, kind: str) -> StackRow:
    planted = f"\n# Planted by corpusmill's demo: nothing here is real.\n{_IN_CODE[kind]}"
    content = _in_the_middle(row.content, planted, _BETWEEN_DEFINITIONS)
    return replace_content(row, repo_name="planted/secrets", path=f"/{row.repo_name}{row.path}", content=content)


def _in_the_middle(text: str, planted: str, gap: re.Pattern[str]) -> str:
    """The text with one more paragraph in the first gap after the middle, else at the end."""
    found = gap.search(text, len(text) // 2)
    position = found.start() if found else len(text)
    return f"{text[:position]}\n\n{planted}{text[position:]}"


def _is_host(row: StackRow) -> bool:
    return (
        row.extension == "py"
        and row.license_type == "permissive"
        and not row.is_vendor
        and "test" not in row.path.lower()
        and _MAXIMUM_BYTES_A_DEFINITION * row.content.count("def ") >= row.length_bytes
        and _is_middling(row.length_bytes)
    )


def _is_middling(size: int) -> bool:
    return _MINIMUM_HOST_SIZE <= size <= _MAXIMUM_HOST_SIZE


def _code_line(row: StackRow, kind: str = "", host: str = "") -> Line:
    return Line(row.key, _json(row), row.length_bytes, kind, host)


def _order(key: str) -> bytes:
    # not the order of the shards: hosts would all lie in the first rows
    return sha1(f"host of {key}".encode(), usedforsecurity=False).digest()


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
