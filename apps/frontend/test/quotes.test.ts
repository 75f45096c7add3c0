import { expect, test } from "vitest";
import { applyTick, type Quote, seedQuote } from "../src/quotes";
import { parseServerMessage, type Market, type Tick } from "../src/types";

const tick = (price: number, time: number, change_24h = 1): Tick => ({ symbol: "BTC-USD", price, change_24h, time });
const market: Market = {
  symbol: "BTC-USD",
  name: "Bitcoin",
  price: 90,
  change_24h: -2,
  volume_24h: 5,
  decimals: 2,
};

test("the first price has no direction", () => {
  expect(applyTick(undefined, tick(100, 1))).toEqual({ price: 100, change24h: 1, time: 1, move: "none", moves: 0 });
});

test("every movement counts and has its direction", () => {
  const steps: Quote[] = [];
  let quote = applyTick(undefined, tick(100, 1));
  for (const next of [tick(101, 2), tick(102, 3), tick(99, 4)]) {
    quote = applyTick(quote, next);
    steps.push(quote);
  }
  expect(steps.map(({ move, moves }) => [move, moves])).toEqual([
    ["up", 1],
    ["up", 2],
    ["down", 3],
  ]);
});

test("an equal price is no movement, but its change and time count", () => {
  const quote = applyTick(undefined, tick(100, 1));
  expect(applyTick(quote, tick(100, 5, 1.5))).toEqual({ ...quote, change24h: 1.5, time: 5 });
});

test("late and repeated ticks leave the very same quote", () => {
  const quote = applyTick(undefined, tick(100, 10));
  expect(applyTick(quote, tick(50, 9))).toBe(quote);
  expect(applyTick(quote, tick(100, 10))).toBe(quote);
});

test("the market list seeds a quote, and never overrides a tick", () => {
  const seeded = seedQuote(undefined, market);
  expect(seeded).toMatchObject({ price: 90, time: 0 });
  const live = applyTick(seeded, tick(100, 1));
  expect(live.move).toBe("up");
  expect(seedQuote(live, market)).toBe(live);
});

test("messages of the contract are understood, everything else is refused", () => {
  expect(parseServerMessage(JSON.stringify({ type: "tick", ...tick(1, 2) }))).toEqual({ type: "tick", ...tick(1, 2) });
  expect(parseServerMessage(JSON.stringify({ type: "snapshot", ticks: [tick(1, 2), { symbol: 3 }] }))).toEqual({
    type: "snapshot",
    ticks: [tick(1, 2)],
  });
  for (const bad of ["", "{", "null", "[]", '{"type":"tick"}', '{"type":"snapshot"}', '{"type":"x","ticks":[]}']) {
    expect(parseServerMessage(bad)).toBeNull();
  }
  expect(parseServerMessage('{"type":"tick","symbol":"A","price":"1","change_24h":0,"time":0}')).toBeNull();
});
