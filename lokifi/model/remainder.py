"""What is left of a file without its wrong pieces, so that references and folders are checked in the same go."""

from __future__ import annotations

from pydantic import ValidationError

from lokifi.kit.yaml import Listing, Mapping, Node, Scalar, merge, plain
from lokifi.model.platform import Platform
from lokifi.model.problems import Path, places

SECTIONS = ("services", "stores", "secrets")
ROUNDS = 3
"""Taking a piece out can make its surroundings wrong, these again theirs; deeper than a service it does not go."""


def remainder(nodes: Node, error: ValidationError) -> tuple[Platform, frozenset[str]] | None:
    """The platform without what `error` is about, and the names (of services, stores, secrets) that lost something.

    None when nothing sensible is left.
    """
    touched: set[str] = set()
    for _ in range(ROUNDS):
        for path in places(error, nodes):
            if not path or (path[0] in SECTIONS and len(path) == 1):
                return None
            touched.add(str(path[-1] if len(path) == 1 else path[1]))
            nodes = _without(nodes, path)
        nodes = merge(Mapping({"platform": Scalar("unnamed", nodes.mark)}, {"platform": nodes.mark}, nodes.mark), nodes)
        try:
            return Platform.model_validate(plain(nodes)), frozenset(touched)
        except ValidationError as again:
            error = again
    return None


def _without(node: Node, path: Path) -> Node:
    step, rest = path[0], path[1:]
    if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
        items, keys = dict(node.items), dict(node.keys)
        if rest:
            items[step] = _without(node.items[step], rest)
        else:
            del items[step], keys[step]
        return Mapping(items, keys, node.mark)
    if isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
        # An item keeps its place, so that the ones behind it keep their numbers: the whole list goes.
        return Listing((), node.mark)
    return node
