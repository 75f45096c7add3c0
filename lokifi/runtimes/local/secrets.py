"""Secrets of one environment: a file each, 0600 from its creation; made at the first `up`, joined into text here only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lokifi.kit.errors import Refused
from lokifi.kit.files import write_atomic
from lokifi.plan.stack import SecretRef, Words

SCRAM_ITERATIONS = 4096  # PostgreSQL's default, scram_iterations


@dataclass(frozen=True)
class Vault:
    """The secrets in `folder`, and those that the user supplied by the file's `env:` and `file:`."""

    folder: Path
    given: Mapping[str, str]

    def make(self, sources: Mapping[str, str]) -> list[str]:
        """Create each generated secret that is not there yet (256 random bits); returns their names."""
        made = []
        for name, source in sources.items():
            if source == "generated" and not (self.folder / name).exists():
                write_atomic(self.folder / name, secrets.token_urlsafe(32), 0o600)
                made.append(name)
        return made

    def missing(self, words: Iterable[Words]) -> set[str]:
        """The secrets that `words` name and that do not exist yet."""
        names = {word.name for text in words for word in text if isinstance(word, SecretRef)}
        return {name for name in names if name not in self.given and not (self.folder / name).exists()}

    def value(self, name: str) -> str:
        """A secret's value. Raises `Refused` when it is blank or unreadable; the error never holds it."""
        if name in self.given:
            return self.given[name]
        path = self.folder / name
        try:
            if path.is_symlink():
                raise Refused(
                    f"the secret {name} is a symbolic link", hint="write the value into the file itself", place=str(path)
                )
            value = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(
                f"the secret {name} cannot be read", hint="'lokifi up' makes missing ones", place=str(path)
            ) from error
        if "\0" in value:
            raise Refused(f"the secret {name} holds a NUL character", hint="write it as text", place=str(path))
        if not value:
            raise Refused(
                f"the secret {name} is blank", hint="write its value into the file, or remove the file", place=str(path)
            )
        return value

    def join(self, words: Words) -> str:
        """The text with its secrets in place: for one environment or a 0600 file, nothing else."""
        return "".join(word if isinstance(word, str) else written(self.value(word.name), word) for word in words)


def written(value: str, reference: SecretRef) -> str:
    """A secret in the form that its place needs."""
    match reference.form:
        case "plain":
            return value
        case "url":
            return quote(value, safe="")
        case "sha256":
            return hashlib.sha256(value.encode()).hexdigest()
        case "scram":
            return scram_verifier(value, secrets.token_bytes(16))


def scram_verifier(password: str, salt: bytes) -> str:
    """PostgreSQL's form of a SCRAM-SHA-256 verifier (RFC 5802 §3, RFC 5803, RFC 7677): it proves the password, and
    does not give it away."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(raw).decode() for raw in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{texts[0]}${texts[1]}:{texts[2]}"


def safe_text(words: Words) -> str:
    """The text as a person may see it: names in the place of secrets."""
    return "".join(word if isinstance(word, str) else f"<secret {word.name}>" for word in words)
