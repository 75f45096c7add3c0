"""Every command: where it is and what it does in a line. Its module is imported when it is called."""

from __future__ import annotations

COMPLETING = "_LOKIFI_COMPLETE"
"""The variable by which a shell asks for completions."""

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Run": {
        "up": ("lokifi.cli.up", "Make the platform run as the file says"),
        "down": ("lokifi.cli.down", "Stop everything, the data stays"),
        "restart": ("lokifi.cli.restart", "Stop and start parts"),
        "scale": ("lokifi.cli.scale", "Run more or fewer copies of a service"),
        "exec": ("lokifi.cli.exec", "Run a command in a part's surroundings"),
        "shell": ("lokifi.cli.shell", "Open a shell, or a store's own client"),
    },
    "Look": {
        "status": ("lokifi.cli.status", "Show every part with its health, ports and address"),
        "logs": ("lokifi.cli.logs", "Show what the parts wrote"),
        "events": ("lokifi.cli.events", "Show what happened, and when"),
        "open": ("lokifi.cli.open", "Open the platform in the browser"),
    },
    "Describe": {
        "check": ("lokifi.cli.check", "Say what is wrong with the file, all of it"),
        "explain": ("lokifi.cli.explain", "Show every value and where it comes from"),
        "plan": ("lokifi.cli.plan", "Show what 'up' would change and why; changes nothing"),
        "render": ("lokifi.cli.render", "Write the configuration files out to read"),
    },
    "Machine": {
        "doctor": ("lokifi.cli.doctor", "Say which programs are there and which are missing"),
        "setup": ("lokifi.cli.setup", "Get the missing programs, without root"),
        "completion": ("lokifi.cli.completion", "Print the completion script for a shell"),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


def overview() -> str:
    """The text of `lokifi --help`."""
    lines = ["Usage: lokifi COMMAND [OPTIONS]", "", "  One file describes a web platform; lokifi runs it."]
    for section, commands in SECTIONS.items():
        lines += ["", f"{section}:", *(f"  {name:<11} {summary}" for name, (_, summary) in commands.items())]
    lines += [
        "",
        "Options:",
        "  --no-color  No colours; the variable NO_COLOR says the same",
        "  --version   Show the version",
        "  --help      Show this; 'lokifi COMMAND --help' shows a command's options and examples",
        "",
        "Examples:",
        "  lokifi up            start the platform of the lokifi.yaml here, or in a folder above",
        "  lokifi plan          see first what that would change",
        "  lokifi logs -F       follow what its parts write",
        "",
    ]
    return "\n".join(lines)
