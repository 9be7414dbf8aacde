"""What the detector reads in notices and licences of many kinds, and that it gives up in time."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from filters.notices import notices, whole_text
from stages.licence_detection import (
    MAXIMUM_CHARACTERS,
    Detection,
    TimeOverError,
    detect,
    detector_version,
    limited,
    load,
)

SECONDS = 60  # far more than any of these takes, on any machine

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
APACHE = 'Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in\n'
APACHE += "compliance with the License."
GPL = """\
This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public
License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
version."""
EITHER = """\
Licensed under either of
- Apache License, Version 2.0, (LICENSE-APACHE or http://www.apache.org/licenses/LICENSE-2.0)
- MIT license (LICENSE-MIT or http://opensource.org/licenses/MIT)
at your option."""
# More of them than one rule has, in an order that no licence has: the slowest kind of text.
SLOW = "".join(f"gnu gpl {MIT} apache {GPL} {number}\n" for number in range(25))


@pytest.fixture(scope="module", autouse=True)
def _index() -> None:
    load()


def found(text: str) -> Detection:
    return detect(text, seconds=SECONDS)


def of_comment(text: str) -> Detection:
    """What is found in the only notice of a file that begins with a comment of these lines."""
    [notice] = notices("".join(f"// {line}\n" for line in text.splitlines()) + "\nint main() {}\n").found
    return found(notice.text)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Copyright (c) 2019 Jane Doe\n\n" + MIT, "MIT"),
        ("Copyright 2019 Jane Doe\n\n" + APACHE, "Apache-2.0"),
        (
            "Use of this source code is governed by a BSD-style\nlicense that can be found in the LICENSE file.",
            "BSD-3-Clause",
        ),
        (GPL, "GPL-2.0-or-later"),
        ("Licensed under the MIT license.", "MIT"),
        ("This work is in the public domain.", "LicenseRef-scancode-public-domain"),
        ("Dual licensed under the MIT and GPL licenses.", "GPL-1.0-or-later OR MIT"),
        (EITHER, "Apache-2.0 OR MIT"),
        (APACHE + "\n\n" + GPL, "Apache-2.0 AND GPL-2.0-or-later"),
    ],
)
def test_notices_grant_what_they_say(text: str, expression: str) -> None:
    answer = of_comment(text)
    assert (answer.expression, answer.granted) == (expression, expression)
    assert 0.9 <= answer.confidence <= 1
    assert answer.decided


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("License: MIT", "MIT"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("SPDX-License-Identifier: GPL-2.0-only OR MIT", "GPL-2.0-only OR MIT"),
        (
            "SPDX-License-Identifier: GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ),
        ("This module detects the GPL and prints its name.", "GPL-1.0-or-later"),
    ],
)
def test_a_name_a_tag_or_a_link_grants_nothing(text: str, expression: str) -> None:
    answer = found(text.lower())
    assert (answer.expression, answer.granted) == (expression, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "someone",
        "We warrant nothing about the weather; the permission of the neighbours was asked, and their rights were read.",
        "The licence of the driver was taken away, and the terms of the loan were modified by the bank.",
        "license " * 2_000,
        "x" * MAXIMUM_CHARACTERS,
        "\0\ud800\u2028",
    ],
)
def test_other_text_names_nothing(text: str) -> None:
    assert found(text) == Detection()


def test_whole_licences_are_known_by_their_text() -> None:
    [notice] = whole_text("The MIT License\n\nCopyright 2019 Jane Doe\n\n" + MIT).found
    assert found(notice.text) == Detection("MIT", "MIT", 1.0)


def test_a_licence_in_utf_16_that_was_read_as_latin_1_is_known() -> None:
    [notice] = whole_text(MIT.encode("utf-16").decode("latin-1")).found
    assert found(notice.text).granted == "MIT"


def test_a_licence_on_one_long_line_is_known() -> None:
    [notice] = notices("a=1;" * 2_000 + "/*! " + " ".join(MIT.split()) + " */" + "b();" * 2_000).found
    assert found(notice.text).granted == "MIT"


def test_an_edited_licence_is_known_by_comparison_less_surely() -> None:
    edited = MIT.replace("any person obtaining", "every single person who is obtaining").replace("merge, ", "")
    answer = found(edited.lower())
    assert "MIT" in answer.expression
    assert answer.confidence < 1


def test_what_is_explained_word_by_word_is_not_taken_for_a_text_like_it() -> None:
    """A comparison finds BSD and ISC in this, at a score of 0.58."""
    text = "this software is dual-licensed under the mit license or the apache license, version 2.0, at your option."
    assert found(text).expression == "Apache-2.0 AND MIT"


def test_beyond_the_limit_nothing_is_read() -> None:
    filler = "word " * (MAXIMUM_CHARACTERS // 5)
    assert found(filler[: -len(MIT)] + MIT.lower()).expression == "MIT"
    assert found(filler + MIT.lower()) == Detection()


# The alarm may ring inside a callback of the collector, which tells nobody but Python; it rings again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seconds", [1e-9, 0.001, 0.05])
def test_what_takes_too_long_is_left_undecided_and_the_next_text_is_read(seconds: float) -> None:
    started = time.process_time()
    assert detect(SLOW, seconds=seconds) == Detection(decided=False)
    assert time.process_time() - started < 2
    assert found(APACHE).expression == "Apache-2.0"


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


# The alarm may ring inside a callback of the collector, which tells nobody but Python; it rings again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("text", "seconds"), [(SLOW, 0.01), (APACHE, SECONDS), ("", SECONDS)])
def test_the_alarm_is_switched_off_and_its_handler_put_back(text: str, seconds: float) -> None:
    rang: list[int] = []
    before = signal.signal(signal.SIGVTALRM, lambda number, _frame: rang.append(number))
    try:
        handler = signal.getsignal(signal.SIGVTALRM)
        detect(text, seconds=seconds)
        assert signal.getsignal(signal.SIGVTALRM) is handler
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
        spin(0.15)
        assert rang == []
    finally:
        signal.signal(signal.SIGVTALRM, before)


def test_an_alarm_that_is_swallowed_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception raised in a destructor is printed and gone; the next one is not."""
    swallowed: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", swallowed.append)

    class Destroyed:
        def __del__(self) -> None:
            spin(0.3)

    def work() -> Detection:
        Destroyed()
        spin(5)
        return Detection()

    with pytest.raises(TimeOverError):
        limited(work, 0.05)
    assert swallowed


def test_outside_the_main_thread_it_says_so() -> None:
    caught: list[Exception] = []

    def run() -> None:
        try:
            detect(APACHE, seconds=SECONDS)
        except ValueError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def hostile() -> Iterator[str]:
    tag = "spdx-license-identifier: "
    yield tag + "(" * 3_000 + "mit" + ")" * 3_000
    yield tag + "(mit or " * 300 + "gpl-2.0-only" + ")" * 300
    yield tag + " and ".join(f"(mit or licenseref-{number})" for number in range(30))
    yield tag + "mit with with or and (" * 20
    yield "{{}}" * 1_000 + " license"
    yield "licensed under mit\0or\ud800gpl" * 100


@pytest.mark.parametrize("text", list(hostile()))
def test_hostile_text_gets_an_answer(text: str) -> None:
    assert isinstance(detect(text, seconds=5), Detection)


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    texts = [GPL, APACHE, MIT, "license: mit", GPL + APACHE]
    answers = [found(text) for text in texts]
    assert [found(text) for text in reversed(texts)] == answers[::-1]


def test_the_version_names_detector_and_method() -> None:
    name, number, method = detector_version().split("-")
    assert name == "scancode"
    assert number.split(".")[0].isdecimal()
    assert method.isdecimal()
