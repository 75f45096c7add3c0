"""A file that is right, in one line."""

from __future__ import annotations

from lokifi.model.load import Project
from lokifi.report.safe import safe
from lokifi.report.times import counted


def line(project: Project) -> str:
    """What the file holds: `lokifi.yaml is right: 3 services, 2 stores, environments development`."""
    stores = counted(len(_stores(project)), "store")
    services = counted(len(project.platform.services), "service")
    return f"{safe(project.file.name)} is right: {services}, {stores}, environments {', '.join(project.environments)}"


def as_json(project: Project) -> dict[str, object]:
    """The same as names."""
    return {
        "file": project.file.name,
        "platform": project.platform.platform,
        "services": list(project.platform.services),
        "stores": _stores(project),
        "environments": list(project.environments),
        "problems": [],
    }


def _stores(project: Project) -> list[str]:
    return [name for name, store in project.platform.stores if store is not None]
