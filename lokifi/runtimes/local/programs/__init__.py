"""Which binary runs a part, from where, is its version good enough — and how a missing one is fetched.

    answer = find(Need("postgres", (15,)), prefix, search_path(path_variable))
    if isinstance(answer, Unfit):
        (program,) = fetch([Need("postgres", (15,))], prefix, progress)

Nothing here needs root, installs anything into the system or starts a service.
"""

from lokifi.runtimes.local.programs.fetch import fetch
from lokifi.runtimes.local.programs.find import find, find_all, search_path
from lokifi.runtimes.local.programs.needs import Need, Program, Seen, Source, Unfit
from lokifi.runtimes.local.programs.summary import summary

__all__ = ["Need", "Program", "Seen", "Source", "Unfit", "fetch", "find", "find_all", "search_path", "summary"]
