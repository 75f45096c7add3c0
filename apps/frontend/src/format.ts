/** Numbers as people read them. The locale is fixed so that every visitor, and every test, sees the same digits. */

const LOCALE = "en-US";
const MINUS = "\u2212"; // as wide as the plus sign, so signed columns line up
const priceFormats = new Map<number, Intl.NumberFormat>();
const compact = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 2 });

/** A price with exactly `decimals` places: 64123.5 with 2 is "64,123.50". */
export function formatPrice(price: number, decimals: number): string {
  if (!Number.isFinite(price)) return "–";
  const places = Math.min(Math.max(Math.trunc(decimals), 0), 12);
  let format = priceFormats.get(places);
  if (!format) {
    format = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: places, maximumFractionDigits: places });
    priceFormats.set(places, format);
  }
  return format.format(price).replace("-", MINUS);
}

/** A change in percent with its sign: 1.234 is "+1.23%"; what rounds to zero carries no sign. */
export function formatChange(percent: number): string {
  if (!Number.isFinite(percent)) return "–";
  const digits = Math.abs(percent).toFixed(2);
  if (Number(digits) === 0) return "0.00%";
  return `${percent > 0 ? "+" : MINUS}${digits}%`;
}

/** A large amount in short: 123456 is "123.46K". */
export function formatVolume(volume: number): string {
  return Number.isFinite(volume) ? compact.format(volume) : "–";
}

export type Trend = "up" | "down" | "flat";

/** The direction of a change as it is displayed: what rounds to 0.00 % is flat. */
export function trendOf(percent: number): Trend {
  if (!(Math.abs(percent) >= 0.005)) return "flat";
  return percent > 0 ? "up" : "down";
}
