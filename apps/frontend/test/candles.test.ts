import { expect, test } from "vitest";
import { candleStart, foldPrice, orderCandles } from "../src/candles";
import type { Candle } from "../src/types";

const candle = (time: number, close = 10): Candle => ({ time, open: 10, high: 12, low: 9, close, volume: 7 });
const MINUTE = 1_700_000_040; // a whole minute in unix seconds

test("candles begin at whole intervals in UTC", () => {
  const moment = Date.UTC(2026, 2, 5, 13, 47, 59, 999);
  expect(candleStart(moment, "1m")).toBe(Date.UTC(2026, 2, 5, 13, 47) / 1000);
  expect(candleStart(moment, "5m")).toBe(Date.UTC(2026, 2, 5, 13, 45) / 1000);
  expect(candleStart(moment, "1h")).toBe(Date.UTC(2026, 2, 5, 13) / 1000);
  expect(candleStart(moment, "1d")).toBe(Date.UTC(2026, 2, 5) / 1000);
});

test("a price inside stretches the candle, and leaves the old object alone", () => {
  const last = candle(MINUTE);
  expect(foldPrice(last, 11, MINUTE * 1000 + 59_999, "1m")).toEqual({ ...last, close: 11 });
  expect(foldPrice(last, 13, MINUTE * 1000, "1m")).toEqual({ ...last, high: 13, close: 13 });
  expect(foldPrice(last, 8, MINUTE * 1000, "1m")).toEqual({ ...last, low: 8, close: 8 });
  expect(last).toEqual(candle(MINUTE));
});

test("a price after the end opens the next candle, even over a gap", () => {
  const flat = { open: 11, high: 11, low: 11, close: 11, volume: 0 };
  expect(foldPrice(candle(MINUTE), 11, (MINUTE + 60) * 1000, "1m")).toEqual({ time: MINUTE + 60, ...flat });
  expect(foldPrice(candle(MINUTE), 11, (MINUTE + 601) * 1000, "1m")).toEqual({ time: MINUTE + 600, ...flat });
  expect(foldPrice(undefined, 11, MINUTE * 1000 + 1, "1m")).toEqual({ time: MINUTE, ...flat });
});

test("a price of the past changes nothing", () => {
  expect(foldPrice(candle(MINUTE), 11, MINUTE * 1000 - 1, "1m")).toBeNull();
});

test("candles are put in order, each time once", () => {
  expect(orderCandles([candle(120), candle(60, 1), candle(60, 2)])).toEqual([candle(60, 2), candle(120)]);
});
