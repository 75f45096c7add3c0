"""Who is asking: an anonymous visitor, known by a signed cookie."""

from __future__ import annotations

import hashlib
import hmac
import uuid

COOKIE = "visitor"
COOKIE_SECONDS = 365 * 24 * 3600


class Visitors:
    """Makes and checks cookies `<uuid hex>.<HMAC-SHA256 hex>` under a key derived from SECRET_KEY."""

    def __init__(self, secret_key: str) -> None:
        # A key of its own: a signature made for another purpose with the same secret is worth nothing here.
        self._key = hmac.new(secret_key.encode(), b"markets.visitor.v1", hashlib.sha256).digest()

    def new(self) -> uuid.UUID:
        """A fresh visitor."""
        return uuid.uuid4()

    def sign(self, visitor: uuid.UUID) -> str:
        """The cookie's value for `visitor`."""
        return f"{visitor.hex}.{self._signature(visitor.hex)}"

    def read(self, cookie: str | None) -> uuid.UUID | None:
        """The visitor a cookie proves, or None when it proves nothing: absent, malformed or forged."""
        if cookie is None or len(cookie) != 97 or not cookie.isascii():
            return None
        identity, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature, self._signature(identity)):
            return None
        return uuid.UUID(hex=identity)

    def _signature(self, identity: str) -> str:
        return hmac.new(self._key, identity.encode(), hashlib.sha256).hexdigest()
