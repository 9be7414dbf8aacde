"""Profiles by name: every rule names a signal, every assignment a profile."""

from filters.profiles import ABOUT, ASSIGNED, PROFILES
from filters.profiles_code import CODE_PROFILES
from filters.profiles_pull_requests import PULL_REQUEST_PROFILES
from filters.profiles_text import TEXT_PROFILES
from filters.signals import modules


def test_no_name_stands_for_two_profiles() -> None:
    assert len(PROFILES) == len(CODE_PROFILES) + len(PULL_REQUEST_PROFILES) + len(TEXT_PROFILES)


def test_every_profile_is_described() -> None:
    assert list(ABOUT) == list(PROFILES)


def test_every_rule_names_a_signal() -> None:
    assert {signal for profile in PROFILES.values() for signal in profile} <= modules().keys()


def test_every_kind_has_a_profile_and_every_assignment_is_one() -> None:
    assert {"code", "text"} <= ASSIGNED.keys()
    assert {name for names in ASSIGNED.values() for name in names} <= PROFILES.keys()


def test_limits_are_in_order() -> None:
    for profile in PROFILES.values():
        for rule in profile.values():
            for language in ("", *rule.languages):
                limits = rule.limits(language)
                if limits.minimum is not None and limits.maximum is not None:
                    assert limits.minimum <= limits.maximum
