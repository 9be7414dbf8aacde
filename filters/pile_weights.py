"""The published mixture of the Pile: weight and epochs of its 22 subsets.

The Pile as it was distributed holds its epochs as copies of documents, which deduplication removes: a mixture gives
them back. Weights are shares of the bytes of the whole Pile; a mixture of some of its subsets takes their ratios.

Source: The Pile, arXiv 2101.00027, table 1 (columns "Weight" and "Epochs").
"""

from typing import NamedTuple


class PublishedWeight(NamedTuple):
    """Share of the Pile's bytes, 0..1, and how often a document of the subset is in it."""

    weight: float
    epochs: float


PILE_WEIGHTS = {
    "Pile-CC": PublishedWeight(0.1811, 1.0),
    "PubMed Central": PublishedWeight(0.1440, 2.0),
    "Books3": PublishedWeight(0.1207, 1.5),
    "OpenWebText2": PublishedWeight(0.1001, 2.0),
    "ArXiv": PublishedWeight(0.0896, 2.0),
    "Github": PublishedWeight(0.0759, 1.0),
    "FreeLaw": PublishedWeight(0.0612, 1.5),
    "StackExchange": PublishedWeight(0.0513, 2.0),
    "USPTO Backgrounds": PublishedWeight(0.0365, 2.0),
    "PubMed Abstracts": PublishedWeight(0.0307, 2.0),
    "Gutenberg (PG-19)": PublishedWeight(0.0217, 2.5),
    "OpenSubtitles": PublishedWeight(0.0155, 1.5),
    "Wikipedia (en)": PublishedWeight(0.0153, 3.0),
    "DM Mathematics": PublishedWeight(0.0124, 2.0),
    "Ubuntu IRC": PublishedWeight(0.0088, 2.0),
    "BookCorpus2": PublishedWeight(0.0075, 1.5),
    "EuroParl": PublishedWeight(0.0073, 2.0),
    "HackerNews": PublishedWeight(0.0062, 2.0),
    "YoutubeSubtitles": PublishedWeight(0.0060, 2.0),
    "PhilPapers": PublishedWeight(0.0038, 2.0),
    "NIH ExPorter": PublishedWeight(0.0030, 2.0),
    "Enron Emails": PublishedWeight(0.0014, 2.0),
}
