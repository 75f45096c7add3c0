import { expect, test } from "vitest";
import { backoffDelay, BASE_MS, CAP_MS, reconnectDelay, SERVICE_RESTART, SETTLED_MS } from "../src/backoff";

const ALMOST_ONE = 1 - Number.EPSILON;

test("the ceiling doubles from the base up to the cap", () => {
  const ceilings = [0, 1, 2, 3, 4, 5, 6].map((attempt) => backoffDelay(attempt, ALMOST_ONE));
  expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, CAP_MS, CAP_MS]);
  expect(backoffDelay(5000, ALMOST_ONE)).toBe(CAP_MS);
});

test("the jitter is full: it reaches from nothing to the ceiling", () => {
  expect(backoffDelay(3, 0)).toBe(0);
  expect(backoffDelay(3, 0.5)).toBe((BASE_MS * 8) / 2);
});

test("an announced restart reconnects at once", () => {
  expect(reconnectDelay({ code: SERVICE_RESTART, livedMs: SETTLED_MS }, 0, 0.9)).toBe(0);
});

test("a server in a restart loop is not hammered", () => {
  expect(reconnectDelay({ code: SERVICE_RESTART, livedMs: SETTLED_MS - 1 }, 2, 0.5)).toBe(1000);
  expect(reconnectDelay({ code: SERVICE_RESTART, livedMs: 0 }, 0, 0.5)).toBe(250);
});

test("any other close waits", () => {
  expect(reconnectDelay({ code: 1006, livedMs: 60_000 }, 0, 0.5)).toBe(250);
});
