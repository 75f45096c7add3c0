import { type Candle, INTERVAL_SECONDS, type Interval } from "./types";

/** Start of the candle, in unix seconds, that a moment in unix milliseconds belongs to (candles begin in UTC). */
export function candleStart(timeMs: number, interval: Interval): number {
  const step = INTERVAL_SECONDS[interval];
  return Math.floor(timeMs / 1000 / step) * step;
}

/**
 * The last candle after a price: the same candle stretched, or a new one when its interval has ended.
 * Returns null when the price belongs to an earlier candle, which the server has closed already.
 * A new candle's volume is 0: ticks carry none.
 */
export function foldPrice(last: Candle | undefined, price: number, timeMs: number, interval: Interval): Candle | null {
  const time = candleStart(timeMs, interval);
  if (last && time < last.time) return null;
  if (!last || time > last.time) return { time, open: price, high: price, low: price, close: price, volume: 0 };
  return { ...last, high: Math.max(last.high, price), low: Math.min(last.low, price), close: price };
}

/** Candles fit for a chart: strictly ascending in time; of two with the same time the later in the list wins. */
export function orderCandles(candles: readonly Candle[]): Candle[] {
  const byTime = new Map(candles.map((candle) => [candle.time, candle]));
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}
