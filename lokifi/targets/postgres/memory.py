"""How PostgreSQL's settings share the memory that the file plans for it."""

from __future__ import annotations

from dataclasses import dataclass

from lokifi.model.grammar import bytes_of

BLOCK = 8
"""kB of a buffer (`block_size` of every packaged PostgreSQL)."""
MOST_BLOCKS = 2**30 - 1
"""The largest `shared_buffers` (guc_tables.c: INT_MAX / 2 blocks)."""
LEAST_BUFFERS = 128
"""kB; the smallest `shared_buffers` (16 blocks)."""
LEAST_WORK = 4096
MOST_WORK = 1024 * 1024
LEAST_MAINTENANCE = 4096
MOST_MAINTENANCE = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Four settings in kB, whole blocks where PostgreSQL counts blocks."""

    shared_buffers: int
    effective_cache_size: int
    work_mem: int
    maintenance_work_mem: int


def shares(memory: str, connections: int) -> tuple[Memory, str]:
    """The shares of `memory` (a size) with that many connections, and a sentence when they could not be kept.

    `shared_buffers`: a quarter (PostgreSQL 18, §19.4.1: "a reasonable starting value … is 25% of the memory").
    `effective_cache_size`: three quarters, the buffers and what the system caches of the files (§19.7.2: "consider
    both"). `work_mem`: a quarter over all connections, at least the default of 4 MB (§19.4.1: a session may use it
    several times). `maintenance_work_mem`: a sixteenth, as few sessions use it at once (§19.4.1), at most 2 GB: more
    brings a vacuum little, and up to 17 it cannot use more than 1 GB.
    """
    total = bytes_of(memory) // 1024
    buffers = _between(total // 4 // BLOCK * BLOCK, LEAST_BUFFERS, MOST_BLOCKS * BLOCK)
    cache = _between(total * 3 // 4 // BLOCK * BLOCK, buffers, (2 * MOST_BLOCKS + 1) * BLOCK)
    found = Memory(
        shared_buffers=buffers,
        effective_cache_size=cache,
        work_mem=_between(total // 4 // connections, LEAST_WORK, MOST_WORK),
        maintenance_work_mem=_between(total // 16, LEAST_MAINTENANCE, MOST_MAINTENANCE),
    )
    wanted = total // 4 // BLOCK * BLOCK
    return found, f"shared_buffers cannot be {wanted} kB; {buffers} kB is set" if wanted != buffers else ""


def _between(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
