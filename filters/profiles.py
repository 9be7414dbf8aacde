"""Profiles by name, and which documents they judge where a recipe does not say otherwise."""

from collections.abc import Mapping

from filters.profiles_code import CODE_PROFILES
from filters.profiles_pull_requests import PULL_REQUEST_PROFILES
from filters.profiles_text import TEXT_PROFILES
from filters.rules import Profile

PROFILES: Mapping[str, Profile] = {**CODE_PROFILES, **PULL_REQUEST_PROFILES, **TEXT_PROFILES}

ABOUT: Mapping[str, str] = {
    "starcoder2-code": "StarCoder2, arXiv 2402.19173: its table with its exempt languages",
    "stack-v1-code": "SantaCoder and StarCoder, arXiv 2301.03988 and 2305.06161: what The Stack v1 went through",
    "opencoder-code": "OpenCoder, arXiv 2411.04905: code in general and the rules of single languages, for programs",
    "opencoder-data": "OpenCoder, arXiv 2411.04905: data files",
    "starcoder2-pull-requests": "StarCoder2, arXiv 2402.19173: pull requests and commits",
    "gopher-text": "Gopher, arXiv 2112.11446: quality and repetition, made for English web pages",
    "c4-text": "C4, arXiv 1910.10683, without the rules on curly brackets and javascript",
    "fineweb-text": "FineWeb, arXiv 2406.17557: its own rules, to be used on top of gopher-text",
    "dolma-text": "Dolma 1.5 and OLMo 2, arXiv 2402.00159 and 2501.00656",
    "dialogue": "tuned on samples of the Pile: chat, subtitles, comments, mail",
    "q-and-a": "tuned on samples of the Pile: questions and answers with code in them",
    "math": "tuned on samples of the Pile: exercises and TeX",
    "books": "tuned on samples of the Pile: Gopher's limits for whole books in English",
    "prose": "tuned on samples of the Pile: mild limits for what was chosen by hand, in any language with spaces",
}
"""What each profile is, in a line."""

# By subset, language or kind. Subsets are those of the Pile, languages those of `stages.pull_requests`; docs/quality.md
# has the pass rates that chose them.
ASSIGNED: Mapping[str, list[str]] = {
    "code": ["starcoder2-code"],
    "Pull Request": ["starcoder2-pull-requests"],
    "Commit": ["starcoder2-pull-requests"],
    "text": ["prose"],
    "Pile-CC": ["gopher-text"],
    "OpenWebText2": ["gopher-text"],
    "StackExchange": ["q-and-a"],
    "DM Mathematics": ["math"],
    "ArXiv": ["math"],
    **{
        subset: ["dialogue"]
        for subset in ("HackerNews", "Ubuntu IRC", "OpenSubtitles", "YoutubeSubtitles", "Enron Emails")
    },
    **{subset: ["books"] for subset in ("Gutenberg (PG-19)", "Books3", "BookCorpus2")},
}
