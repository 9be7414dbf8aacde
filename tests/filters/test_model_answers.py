import re

from hypothesis import given, settings
from hypothesis import strategies as st

from filters.model_answers import CodeBlock, code_of, fence_for


def test_one_block_is_taken_whole() -> None:
    assert code_of("```python\nx = 1\n```\n") == CodeBlock("x = 1\n", "python", True, 1, "")


def test_an_answer_without_a_fence_has_no_block() -> None:
    assert code_of("x = 1\n") is code_of("") is code_of("`x` and ```x``` in a line") is None


def test_what_stands_outside_is_told() -> None:
    block = code_of("Here is the code:\n\n```\nx\n```\nI renamed it.\n")
    assert block is not None
    assert block.outside == "Here is the code:\n\nI renamed it."


def test_blocks_are_counted_and_the_first_is_given() -> None:
    block = code_of("```c\na;\n```\n```c\nb;\n```")
    assert block == CodeBlock("a;\n", "c", True, 2, "")


def test_a_block_that_nothing_closes_is_told() -> None:
    assert code_of("```go\nfunc main() {") == CodeBlock("func main() {", "go", False, 1, "")
    assert code_of("````go\nx\n```\n") == CodeBlock("x\n```\n", "go", False, 1, "")


def test_shorter_fences_and_other_marks_are_content() -> None:
    assert code_of("````\n```\nx\n```\n~~~\n````") == CodeBlock("```\nx\n```\n~~~\n", "", True, 1, "")


def test_a_line_with_an_info_string_closes_nothing() -> None:
    block = code_of("```python\n```text\ny\n```")
    assert block is not None
    assert block.code == "```text\ny\n"


def test_labels_are_the_first_word_whatever_is_around_it() -> None:
    for info in ("Python", " python ", "{.python .numberLines}", "python:src/a.py", "python title=a", "python\r"):
        block = code_of(f"```{info}\nx\n```")
        assert block is not None
        assert block.label == "python"


@settings(max_examples=100)
@given(st.text(alphabet="`~ab \n", max_size=60))
def test_a_text_in_the_fence_for_it_comes_back(text: str) -> None:
    fence = fence_for(text)
    assert code_of(f"{fence}x\n{text}\n{fence}\n") == CodeBlock(f"{text}\n", "x", True, 1, "")
    assert re.fullmatch("`{3,}", fence)


@settings(max_examples=100)
@given(st.text(alphabet="`~ab \n", max_size=60))
def test_any_answer_is_read(answer: str) -> None:
    block = code_of(answer)
    assert block is None or (block.num_blocks >= 1 and block.code in answer)
