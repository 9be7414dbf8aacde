"""The command `corpusmill explain`: one document, as a run or a release knows it."""

from typing import Annotated

import typer


def explain(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The work folder of a run, or a release.")],
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A document id, a git blob id, a sha256, a SWHID, a URL, REPOSITORY or REPOSITORY:PATH; in a work "
            "folder also the first 8 or more digits of an id, SHARD:ROW or SHARD:ROW:PART.",
        ),
    ],
) -> None:
    """Tell the life of one document and the reason for its end.

    Of a work folder: where it came from, what was measured, what was decided and why, and where it lies in the
    release. Of a release: where it is from, its licence and the evidence for that, its hashes, and the sequences that
    hold its tokens. Several documents of one name are listed. `show` prints ids and rows.
    """
    from manifests.release import MANIFEST
    from manifests.storage import Storage

    storage = Storage(folder)
    if storage.exists(MANIFEST):
        from pipeline.explain_release import print_released

        print_released(storage, identifier)
        return
    from pipeline.inspect_documents import print_life
    from pipeline.runner import reopen_mill

    print_life(reopen_mill(folder), identifier)
