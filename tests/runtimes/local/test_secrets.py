"""Secrets: made once, readable by their owner alone, written in the form that their place needs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokifi.kit.errors import LokifiError, Refused
from lokifi.plan.stack import SecretRef
from lokifi.runtimes.local.secrets import Vault, safe_text, scram_verifier, written
from tests.runtimes.local.others import as_nobody


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_they_are_made_once_with_256_random_bits(tmp_path: Path, umask: None) -> None:
    vault = Vault(tmp_path, {})
    sources = {"A": "generated", "B": "generated", "C": "env:C"}
    assert vault.make(sources) == ["A", "B"]
    values = vault.value("A"), vault.value("B")
    assert vault.make(sources) == []
    assert (vault.value("A"), vault.value("B")) == values
    assert len(set(values)) == 2 and all(len(base64.urlsafe_b64decode(value + "=")) == 32 for value in values)
    assert {path.name: path.stat().st_mode & 0o7777 for path in tmp_path.iterdir()} == {"A": 0o600, "B": 0o600}


def test_what_the_user_supplied_comes_first(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("stored")
    vault = Vault(tmp_path, {"A": "given"})
    assert vault.value("A") == "given"
    assert vault.missing([("x", SecretRef("A")), (SecretRef("B"), SecretRef("C", "url"))]) == {"B", "C"}


@pytest.mark.parametrize(
    ("content", "sentence", "hint"),
    [
        (b"", "the secret A is blank", "write its value into the file, or remove the file"),
        (b" \n\t\n", "the secret A is blank", "write its value into the file, or remove the file"),
        (b"hush\xff", "the secret A cannot be read", "'lokifi up' makes missing ones"),
        (b"hush\0", "the secret A holds a NUL character", "write it as text"),
        (None, "the secret A cannot be read", "'lokifi up' makes missing ones"),
    ],
)
def test_a_damaged_one_is_refused_and_not_shown(tmp_path: Path, content: bytes | None, sentence: str, hint: str) -> None:
    if content is not None:
        (tmp_path / "A").write_bytes(content)
    with pytest.raises(Refused) as caught:
        Vault(tmp_path, {}).join(("x=", SecretRef("A")))
    assert (caught.value.sentence, caught.value.hint, caught.value.place) == (sentence, hint, str(tmp_path / "A"))
    assert "hush" not in str(caught.value)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("hush")
    (tmp_path / "A").symlink_to(tmp_path / "theirs")
    with pytest.raises(Refused, match="the secret A is a symbolic link") as caught:
        Vault(tmp_path, {}).value("A")
    assert "hush" not in str(caught.value)


def test_one_that_this_user_may_not_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("hush")
    (tmp_path / "A").chmod(0o000)
    folder = os.open(tmp_path, os.O_RDONLY)  # nobody cannot walk down to pytest's folder, but may inherit the door
    tmp_path.chmod(0o755)

    def check() -> str:
        os.fchdir(folder)
        try:
            return Vault(Path(), {}).value("A")
        except LokifiError as error:
            return str(error)

    assert as_nobody(check) == "A: the secret A cannot be read — 'lokifi up' makes missing ones"
    os.close(folder)


def test_they_are_joined_into_text_and_hidden_from_people(tmp_path: Path) -> None:
    vault = Vault(tmp_path, {"A": "p@ss/w:d"})
    words = ("postgres://me:", SecretRef("A", "url"), "@host")
    assert vault.join(words) == "postgres://me:p%40ss%2Fw%3Ad@host"
    assert safe_text(words) == "postgres://me:<secret A>@host"


@given(st.text(min_size=1))
def test_a_url_gives_any_password_back(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    url = urlsplit(f"redis://me:{written(value, SecretRef('A', 'url'))}@host:1/0")
    assert url.hostname == "host" and url.password is not None
    assert unquote(url.password) == value


def test_the_digest_of_a_secret() -> None:
    """FIPS 180-4's example "abc"."""
    assert written("abc", SecretRef("A", "sha256")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_verifier_accepts_the_exchange_of_rfc_7677() -> None:
    """Its §3: user "user", password "pencil"; the server proves the client's proof, and its own signature comes out."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    kind, iterations, keys = scram_verifier("pencil", salt).split("$", 2)
    count, _, salted = iterations.partition(":")
    stored, server = (base64.b64decode(text) for text in keys.split(":"))
    assert (kind, count, base64.b64decode(salted)) == ("SCRAM-SHA-256", "4096", salt)
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}".encode()
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, message, "sha256")
    client = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    assert hashlib.sha256(client).digest() == stored
    assert hmac.digest(server, message, "sha256") == base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_a_verifier_is_salted_and_does_not_hold_the_password() -> None:
    first, second = (written("pencil", SecretRef("A", "scram")) for _ in range(2))
    assert first != second and "pencil" not in first + second
