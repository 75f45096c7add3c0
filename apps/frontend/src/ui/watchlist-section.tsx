import { markets, watchlist } from "../store";
import type { Market } from "../types";
import { Change, Price, Sparkline } from "./figures";
import { StarIcon } from "./icons";
import { MarketLink } from "./market-link";
import { Star } from "./star";

function Item({ market }: { market: Market }) {
  return (
    <li class="watched" data-testid="watchlist-item" data-symbol={market.symbol}>
      <MarketLink market={market} class="card" testid="watchlist-link">
        <span class="names">
          <span class="name">{market.name}</span>
          <span class="symbol">{market.symbol}</span>
        </span>
        <Sparkline market={market} />
        <span class="numbers">
          <Price market={market} testid="watchlist-price" />
          <Change market={market} testid="watchlist-change" />
        </span>
      </MarketLink>
      <Star market={market} testid="watchlist-star" />
    </li>
  );
}

function Body() {
  const status = watchlist.status.value;
  const bySymbol = new Map(markets.value?.map((market) => [market.symbol, market]));
  const items = watchlist.symbols.value.flatMap((symbol) => bySymbol.get(symbol) ?? []);
  if (status === "error") {
    return (
      <div class="empty" data-testid="watchlist-error">
        <p>Your watchlist could not be loaded.</p>
        <button type="button" class="button" onClick={() => void watchlist.load()}>
          Try again
        </button>
      </div>
    );
  }
  if (status === "loading" || !markets.value) {
    return (
      <div class="watchlist" aria-hidden="true">
        <span class="bone card-bone" />
        <span class="bone card-bone" />
      </div>
    );
  }
  if (items.length === 0) {
    return (
      <p class="empty" data-testid="watchlist-empty">
        <StarIcon /> Star a market and it stays here for your next visit.
      </p>
    );
  }
  return (
    <ul class="watchlist" data-testid="watchlist">
      {items.map((market) => (
        <Item key={market.symbol} market={market} />
      ))}
    </ul>
  );
}

export function WatchlistSection() {
  return (
    <section class="panel watch-panel" aria-labelledby="watchlist-title">
      <div class="panel-head">
        <h2 id="watchlist-title">Watchlist</h2>
        {watchlist.saveFailed.value && (
          <span class="problem" role="alert" data-testid="watchlist-save-failed">
            The last change was not saved. Please try again.
          </span>
        )}
      </div>
      <Body />
    </section>
  );
}
