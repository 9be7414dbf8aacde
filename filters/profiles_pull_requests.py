"""Profiles for pull requests and commits, whose languages are called so."""

from collections.abc import Mapping

from filters.rules import Limits, Profile, Rule

# StarCoder2, arXiv 2402.19173, section 3.4 and the code of bigcode-project. Left out: what git does not know (reviews,
# approval, how long a pull request was open), natural languages of Markdown, sampling by repository. Its limits of 1 M
# characters and 100,000 lines a file are wider than that on the whole. A rule without any limit stands where it drops
# nine in ten by chance; the share of data does, too, and is a limit here.
_STARCODER2: Profile = {
    "pull_request_title_characters": Rule(minimum=10),
    "is_dependency_or_release_title": Rule(maximum=0),
    "pull_request_description_characters": Rule(languages={"Pull Request": Limits(minimum=20)}),
    "is_bot_pull_request": Rule(maximum=0),
    "num_hunks": Rule(minimum=1),
    "num_characters": Rule(maximum=100_000),
    "base_longest_line_characters": Rule(maximum=1_000),
    "base_mean_line_characters": Rule(maximum=100),
    "base_alphanumeric_fraction": Rule(minimum=0.25),
    "base_hexadecimal_fraction": Rule(maximum=0.25),
    "data_file_fraction": Rule(maximum=0.5),
    "num_lock_files": Rule(),
}

PULL_REQUEST_PROFILES: Mapping[str, Profile] = {"starcoder2-pull-requests": _STARCODER2}
"""By the name that a recipe uses."""
