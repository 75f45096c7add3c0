import type { Market, Tick } from "./types";

/** The latest known price of one market. */
export interface Quote {
  price: number;
  change24h: number;
  /** Unix milliseconds of the tick; 0 when the price came with the market list, which any tick outdates. */
  time: number;
  move: "up" | "down" | "none";
  /** Counts the price's movements, so that a view can replay its flash for two rises in a row. */
  moves: number;
}

/** The quote after a tick. Returns the same object when the tick is late or changes nothing. */
export function applyTick(quote: Quote | undefined, tick: Tick): Quote {
  const { price, change_24h: change24h, time } = tick;
  if (!quote) return { price, change24h, time, move: "none", moves: 0 };
  // After a reconnect another replica may repeat older ticks; prices never go back in time.
  if (time < quote.time) return quote;
  if (price === quote.price) {
    return change24h === quote.change24h && time === quote.time ? quote : { ...quote, change24h, time };
  }
  return { price, change24h, time, move: price > quote.price ? "up" : "down", moves: quote.moves + 1 };
}

/** The quote a freshly loaded market list gives; a quote that came by tick stays, it is newer. */
export function seedQuote(quote: Quote | undefined, market: Market): Quote {
  if (quote && quote.time > 0) return quote;
  return applyTick(quote, { symbol: market.symbol, price: market.price, change_24h: market.change_24h, time: 0 });
}
