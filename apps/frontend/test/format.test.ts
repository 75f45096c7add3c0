import { describe, expect, test } from "vitest";
import { formatChange, formatPrice, formatVolume, trendOf } from "../src/format";

describe("prices", () => {
  test.each([
    [64123.5, 2, "64,123.50"],
    [0.12345, 5, "0.12345"],
    [0.5, 4, "0.5000"],
    [1234567, 0, "1,234,567"],
    [-3.1, 2, "\u22123.10"],
  ])("%d with %d decimals is %s", (price, decimals, text) => {
    expect(formatPrice(price, decimals)).toBe(text);
  });

  test("what is no number is a dash, and odd decimals do not throw", () => {
    expect(formatPrice(Number.NaN, 2)).toBe("–");
    expect(formatPrice(1.5, -3)).toBe("2");
    expect(formatPrice(1.5, 400)).toBe("1.500000000000");
  });
});

describe("changes", () => {
  test.each([
    [1.234, "+1.23%", "up"],
    [-0.5, "\u22120.50%", "down"],
    [0, "0.00%", "flat"],
    [0.004, "0.00%", "flat"],
    [-0.004, "0.00%", "flat"],
    [Number.NaN, "–", "flat"],
  ])("%d reads %s and is %s", (percent, text, trend) => {
    expect(formatChange(percent)).toBe(text);
    expect(trendOf(percent)).toBe(trend);
  });
});

test("volumes are short", () => {
  expect(formatVolume(123456)).toBe("123.46K");
  expect(formatVolume(586_360_000)).toBe("586.36M");
  expect(formatVolume(Number.POSITIVE_INFINITY)).toBe("–");
});
