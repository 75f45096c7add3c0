import { type Signal, signal } from "@preact/signals";
import { api } from "./api";
import { orderCandles } from "./candles";

const HOURS = 24;
const lines = new Map<string, Signal<readonly number[]>>();
let loading = false;

/** The hourly closing prices of the last day, oldest first; empty until they are known. */
export function sparklineOf(symbol: string): Signal<readonly number[]> {
  let line = lines.get(symbol);
  if (!line) {
    line = signal<readonly number[]>([]);
    lines.set(symbol, line);
  }
  return line;
}

/**
 * Loads the lines one after the other: they are decoration and must not compete with what the visitor waits for.
 * The first failure ends the round; the rows do without.
 */
export async function loadSparklines(symbols: readonly string[]): Promise<void> {
  if (loading) return;
  loading = true;
  try {
    for (const symbol of symbols) {
      const line = sparklineOf(symbol);
      if (line.peek().length > 0) continue;
      const candles = orderCandles(await api.candles(symbol, "1h", HOURS));
      line.value = candles.map((candle) => candle.close);
    }
  } catch {
    // The next revival of the stream tries the missing ones again.
  } finally {
    loading = false;
  }
}

/** The points of an SVG polyline that fits `values` into a box, with a pixel of room for the stroke. */
export function polyline(values: readonly number[], width: number, height: number): string {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  const step = width / Math.max(values.length - 1, 1);
  return values
    .map((value, index) => {
      const share = range > 0 ? (value - low) / range : 0.5;
      return `${(index * step).toFixed(1)},${(1 + (1 - share) * (height - 2)).toFixed(1)}`;
    })
    .join(" ");
}
