import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CandleFeed, type LoadCandles } from "../src/candle-feed";
import type { Candle } from "../src/types";

const flat = (time: number, price: number, volume = 1): Candle => ({
  time,
  open: price,
  high: price,
  low: price,
  close: price,
  volume,
});

interface Call {
  symbol: string;
  signal: AbortSignal;
  resolve: (candles: Candle[]) => void;
  reject: (error: Error) => void;
}

let calls: Call[];
let feed: CandleFeed;

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  const load: LoadCandles = (symbol, _interval, _limit, signal) =>
    new Promise((resolve, reject) => calls.push({ symbol, signal, resolve, reject }));
  feed = new CandleFeed(load);
});

afterEach(() => {
  vi.useRealTimers();
});

async function answer(index: number, candles: Candle[]): Promise<void> {
  calls[index]?.resolve(candles);
  await vi.advanceTimersByTimeAsync(0);
}

test("loads, then grows with the ticks", async () => {
  feed.show("BTC-USD", "1m");
  feed.fold(5, 60_000);
  expect(feed.phase.value).toBe("loading");
  await answer(0, [flat(0, 1), flat(60, 2)]);
  expect(feed.phase.value).toBe("ready");
  feed.fold(3, 61_000);
  expect(feed.last.value).toMatchObject({ time: 60, open: 2, high: 3, close: 3 });
});

test("the answer for a market that is no longer shown is dropped", async () => {
  feed.show("BTC-USD", "1m");
  feed.show("ETH-USD", "1m");
  expect(calls[0]?.signal.aborted).toBe(true);
  await answer(1, [flat(60, 9)]);
  await answer(0, [flat(60, 1)]);
  expect(feed.candles).toEqual([flat(60, 9)]);
});

test("an empty market is drawn by its first price", async () => {
  feed.show("BTC-USD", "1m");
  await answer(0, []);
  expect(feed.phase.value).toBe("empty");
  feed.fold(7, 60_500);
  expect(feed.phase.value).toBe("ready");
  expect(feed.candles).toEqual([flat(60, 7, 0)]);
});

test("a closed candle is fetched again for its volume, and a late answer loses no candle", async () => {
  feed.show("BTC-USD", "1m");
  await answer(0, [flat(0, 1), flat(60, 2)]);
  feed.fold(3, 120_000);
  expect(feed.last.value).toEqual(flat(120, 3, 0));
  await vi.advanceTimersByTimeAsync(6_000);
  expect(calls).toHaveLength(2);
  expect(feed.phase.value).toBe("ready");
  await answer(1, [flat(0, 1), flat(60, 2, 50)]);
  expect(feed.candles).toEqual([flat(0, 1), flat(60, 2, 50), flat(120, 3, 0)]);
});

test("a failed first load can be repeated, a failed refresh keeps what is shown", async () => {
  feed.show("BTC-USD", "1m");
  calls[0]?.reject(new Error("unreachable"));
  await vi.advanceTimersByTimeAsync(0);
  expect(feed.phase.value).toBe("error");
  void feed.reload();
  expect(feed.phase.value).toBe("loading");
  await answer(1, [flat(60, 2)]);
  void feed.reload();
  calls[2]?.reject(new Error("unreachable"));
  await vi.advanceTimersByTimeAsync(0);
  expect(feed.phase.value).toBe("ready");
  expect(feed.candles).toEqual([flat(60, 2)]);
});
