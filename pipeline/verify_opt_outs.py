"""Whether a release holds what an opt-out registry asks to leave out: `verify --opt-out`.

The search is the one of `corpusmill optout check`: documents that a request names, copies of their content, near copies
where the release has them removed, and whatever is like something that was taken out before. Findings name documents
by id and no request: a registry is not published.
"""

from manifests.opt_out_registry import Registry
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.inspect_run import counted
from pipeline.released_files import ReleasedFiles
from pipeline.removal_asked import asked_of
from pipeline.removal_search import search


def check_opt_outs(release: Storage, manifest: Manifest, registry: str, findings: Findings) -> str:
    """Take down which shards hold something that should not be there; all files must be sound by then.

    Args:
        registry: its folder.

    Returns:
        What was looked for, in words.

    Raises:
        RecipeError: there is no such registry.
        IntegrityError: the registry is damaged.
    """
    if manifest.packed_from is not None:
        return "opt-outs: not looked for, for a second packed set has no table of documents; verify its release"
    asked = asked_of(Registry(registry), manifest, near_copies="")
    files = ReleasedFiles(release, manifest)
    found = search(files, asked.wanted)
    paths = files.folder("documents")
    for shard, matches in sorted(found.matches.items()):
        ways = [match.how for match in matches.values()]
        said = ", ".join(f"{ways.count(how)} {how.replace('_', ' ')}" for how in dict.fromkeys(sorted(ways)))
        findings.add(
            f"{paths[shard]}: expected nothing that the registry asks to leave out, got "
            f"{counted(len(ways), 'document')} ({said}), such as {min(matches)}"
        )
    account = asked.account
    what = f"{counted(account.requests, 'request')} as of {account.as_of or 'no date'}"
    return f"opt-outs: nothing of {what} and {counted(account.suppressed, 'suppressed content')} is in it"
