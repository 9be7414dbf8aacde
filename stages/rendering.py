"""Rendering: from a document's text ids to the ids that a model trains on. Pure templates over arrays.

A template adds control tokens by id and nothing else, so no text can imitate one. There is one so far, the file; a
template for fill-in-the-middle or for a whole repository would stand beside it and take ids the same way. Costs one
copy of the ids.
"""

import numpy as np
import numpy.typing as npt


def render_file(document_tokens: npt.NDArray[np.int32], *, end_of_document_id: int) -> npt.NDArray[np.int32]:
    """One file or text: its tokens, then the end-of-document token, which the model is trained to predict.

    Returns:
        int32, shape (num_tokens + 1,); the end-of-document token alone for an empty document.
    """
    rendered = np.empty(len(document_tokens) + 1, dtype=np.int32)
    rendered[:-1] = document_tokens
    rendered[-1] = end_of_document_id
    return rendered
