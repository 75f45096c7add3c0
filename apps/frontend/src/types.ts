/** The shapes of the HTTP and WebSocket contract, and the guards for what arrives over the wire. */

export interface Market {
  symbol: string;
  name: string;
  price: number;
  change_24h: number;
  volume_24h: number;
  decimals: number;
}

export interface Candle {
  /** Start of the candle in unix seconds. */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export interface Tick {
  symbol: string;
  price: number;
  change_24h: number;
  /** Unix milliseconds. */
  time: number;
}

export type ServerMessage =
  | { type: "snapshot"; ticks: Tick[] }
  | ({ type: "tick" } & Tick);

export const INTERVALS = ["1m", "5m", "1h", "1d"] as const;
export type Interval = (typeof INTERVALS)[number];

export const INTERVAL_SECONDS: Record<Interval, number> = {
  "1m": 60,
  "5m": 300,
  "1h": 3600,
  "1d": 86_400,
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export function isTick(value: unknown): value is Tick {
  return (
    isRecord(value) &&
    typeof value["symbol"] === "string" &&
    Number.isFinite(value["price"]) &&
    Number.isFinite(value["change_24h"]) &&
    Number.isFinite(value["time"])
  );
}

/** The message a text frame holds, or null when it is none of the contract's. */
export function parseServerMessage(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  if (value["type"] === "snapshot" && Array.isArray(value["ticks"])) {
    return { type: "snapshot", ticks: value["ticks"].filter(isTick) };
  }
  if (value["type"] === "tick" && isTick(value)) {
    const { symbol, price, change_24h, time } = value;
    return { type: "tick", symbol, price, change_24h, time };
  }
  return null;
}
