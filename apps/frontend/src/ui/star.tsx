import { watchlist } from "../store";
import type { Market } from "../types";
import { StarIcon } from "./icons";

export function Star({ market, testid }: { market: Market; testid: string }) {
  const watched = watchlist.symbols.value.includes(market.symbol);
  return (
    <button
      type="button"
      class="star"
      aria-pressed={watched}
      aria-label={`${market.name} on the watchlist`}
      title={watched ? "Remove from the watchlist" : "Put on the watchlist"}
      disabled={watchlist.status.value !== "ready"}
      data-testid={testid}
      data-symbol={market.symbol}
      onClick={() => void watchlist.toggle(market.symbol)}
    >
      <StarIcon />
    </button>
  );
}
