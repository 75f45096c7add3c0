"""One file describes a web platform; lokifi runs it anywhere and proves what it promises."""

__version__ = "0.1.0"
