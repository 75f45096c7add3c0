"""What is, as a runtime saw it; the counterpart of the Stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ObservedPart:
    """A part that runs or should: `digest` is of the specification it was started with."""

    name: str
    group: str
    digest: str
    config: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation, from which one plan is made.

    `inputs` holds, for each job, the fingerprint of its input files on the disk; `done` the fingerprint it last
    succeeded with; `files` the fingerprint of each rendered artefact as it stands on the disk.
    """

    parts: Mapping[str, ObservedPart] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    done: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
