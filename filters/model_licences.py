"""Licences of models that are often used to rewrite code, by hub id: a family need not be under one licence.

Source: the model cards of the Qwen2.5-Coder family, whose report is arXiv 2409.12186. A licence that no SPDX id is
given for has a `LicenseRef-` name.
"""

_APACHE = ("0.5B", "1.5B", "7B", "14B", "32B")
_KNOWN = {
    **{f"qwen/qwen2.5-coder-{size.lower()}": "Apache-2.0" for size in _APACHE},
    "qwen/qwen2.5-coder-3b": "LicenseRef-Qwen-Research",
}
_VARIANTS = ("-instruct", "-base")
_FORMS = ("-gguf", "-awq", "-gptq-int4", "-gptq-int8")


def known_licence(model: str) -> str | None:
    """The licence of a model by its hub id, in any of its published forms; None for one that is not known here.

    A name without an owner, as servers give it to what they serve, is taken for that of the family itself.
    """
    name = model.lower()
    for endings in (_FORMS, _VARIANTS):
        for ending in endings:
            name = name.removesuffix(ending)
    return _KNOWN.get(name if "/" in name else f"qwen/{name}")
