import numpy as np

from stages.rendering import render_file


def test_a_file_is_its_tokens_and_the_end_of_document() -> None:
    rendered = render_file(np.array([5, 6, 7], dtype=np.int32), end_of_document_id=9)
    assert rendered.tolist() == [5, 6, 7, 9]
    assert rendered.dtype == np.int32


def test_an_empty_document_is_the_end_of_document_alone() -> None:
    assert render_file(np.zeros(0, dtype=np.int32), end_of_document_id=9).tolist() == [9]


def test_the_given_tokens_are_left_alone() -> None:
    tokens = np.array([5, 6], dtype=np.int32)
    render_file(tokens, end_of_document_id=9)[0] = 0
    assert tokens.tolist() == [5, 6]
