"""Identities: all that decides a unit's outputs; its fingerprint, and the short digests by which `plan` names a change.

The fingerprint alone decides what is done. The origin stands beside it in the record, a few hundred bytes, because a
fingerprint says that something changed and not what.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from manifests.record import Origin

_DIGITS = 8
_NOT_WRITTEN_BY_STEPS = ("shards", "source", "earlier_shard")


class Identity(NamedTuple):
    """What a unit's outputs follow from.

    Attributes:
        settings: what of recipe and plan the step depends on.
        read: digests of what it reads, by table; input shards, settings of their source, shards of earlier releases.
    """

    software: Mapping[str, str]
    step: str
    version: int
    settings: object
    unit: int
    read: Mapping[str, object]

    def fingerprint(self) -> str:
        """sha256 in hex over all of it."""
        return sha256(json.dumps(self, sort_keys=True).encode()).hexdigest()

    def origin(self) -> Origin:
        """Its parts, told apart."""
        named = dict(self.settings) if isinstance(self.settings, dict) else {self.step: self.settings}
        named |= {name: self.read[name] for name in ("source", "earlier_shard") if name in self.read}
        written = {name: digest for name, digest in self.read.items() if name not in _NOT_WRITTEN_BY_STEPS}
        shards = self.read.get("shards", [])
        assert isinstance(shards, list)  # noqa: S101 - as `unit_identity` makes it
        return Origin(
            software=short_digest(self.software),
            version=self.version,
            settings={name: short_digest(value) for name, value in sorted(named.items())},
            shards={name: short_digest(identity) for name, identity in shards},
            written=short_digest(written),
        )


def short_digest(value: object) -> str:
    """32 bits of a sha256 in hex: enough to tell two values of one name apart; nothing is decided by it."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:_DIGITS]
