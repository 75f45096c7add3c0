"""Markets, candles and watchlists."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# symbol, name, decimals, price to begin with, daily volatility, usual volume of a day
MARKETS = [
    ("BTC-USD", "Bitcoin", 2, 64120.0, 0.024, 21_000.0),
    ("ETH-USD", "Ethereum", 2, 3180.0, 0.031, 310_000.0),
    ("SOL-USD", "Solana", 2, 148.5, 0.042, 4_900_000.0),
    ("XRP-USD", "XRP", 4, 0.6214, 0.036, 980_000_000.0),
    ("ADA-USD", "Cardano", 4, 0.4582, 0.039, 610_000_000.0),
    ("DOGE-USD", "Dogecoin", 5, 0.12842, 0.048, 4_200_000_000.0),
    ("AVAX-USD", "Avalanche", 2, 34.72, 0.044, 8_100_000.0),
    ("DOT-USD", "Polkadot", 3, 6.284, 0.040, 21_000_000.0),
    ("LINK-USD", "Chainlink", 3, 14.356, 0.041, 19_000_000.0),
    ("LTC-USD", "Litecoin", 2, 83.9, 0.033, 4_300_000.0),
    ("UNI-USD", "Uniswap", 3, 9.471, 0.045, 11_000_000.0),
    ("ATOM-USD", "Cosmos", 3, 8.128, 0.043, 14_000_000.0),
]


def upgrade() -> None:
    """Make the tables and the twelve markets."""
    op.execute("""
        CREATE TABLE markets (
            symbol text PRIMARY KEY,
            position smallint NOT NULL UNIQUE,
            name text NOT NULL,
            decimals smallint NOT NULL CHECK (decimals BETWEEN 0 AND 8),
            base_price double precision NOT NULL CHECK (base_price > 0),
            volatility double precision NOT NULL CHECK (volatility > 0),
            base_volume double precision NOT NULL CHECK (base_volume > 0),
            price double precision NOT NULL CHECK (price > 0),
            change_24h double precision NOT NULL DEFAULT 0,
            volume_24h double precision NOT NULL DEFAULT 0,
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE candles (
            symbol text NOT NULL REFERENCES markets,
            interval text NOT NULL CHECK (interval IN ('1m', '5m', '1h', '1d')),
            opened_at timestamptz NOT NULL,
            open double precision NOT NULL,
            high double precision NOT NULL,
            low double precision NOT NULL,
            close double precision NOT NULL,
            volume double precision NOT NULL,
            PRIMARY KEY (symbol, interval, opened_at)
        )
    """)
    op.execute("""
        CREATE TABLE watchlist (
            visitor uuid NOT NULL,
            symbol text NOT NULL REFERENCES markets,
            added_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (visitor, symbol)
        )
    """)
    values = ", ".join(
        f"({position}, '{symbol}', '{name}', {decimals}, {price}, {volatility}, {volume}, {price})"
        for position, (symbol, name, decimals, price, volatility, volume) in enumerate(MARKETS)
    )
    op.execute(
        "INSERT INTO markets (position, symbol, name, decimals, base_price, volatility, base_volume, price) "  # noqa: S608
        f"VALUES {values}"
    )


def downgrade() -> None:
    """Going back is restoring a backup: dropping tables would drop what people saved."""
    raise RuntimeError("cannot be taken back: restore a backup")
