import { markets, marketsError } from "../store";
import type { Market } from "../types";
import { Change, Price, Sparkline } from "./figures";
import { MarketLink } from "./market-link";
import { Star } from "./star";

const SKELETON_ROWS = Array.from({ length: 12 }, (_, index) => index);
const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

/** Arrow keys walk from market to market; Tab still reaches every control. */
function walk(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const list = event.currentTarget;
  if (!step || !(list instanceof HTMLElement) || !(event.target instanceof HTMLElement)) return;
  const links = [...list.querySelectorAll<HTMLElement>("a.row")];
  const here = event.target.closest("li")?.querySelector<HTMLElement>("a.row");
  const next = here ? links[links.indexOf(here) + step] : undefined;
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Row({ market }: { market: Market }) {
  return (
    <li class="market" data-testid="market-row" data-symbol={market.symbol}>
      <Star market={market} testid="star" />
      <MarketLink market={market} class="row" testid="market-link">
        <span class="names">
          <span class="name" data-testid="market-name">
            {market.name}
          </span>
          <span class="symbol">{market.symbol}</span>
        </span>
        <Sparkline market={market} />
        <span class="numbers">
          <Price market={market} testid="price" />
          <Change market={market} testid="change" />
        </span>
      </MarketLink>
    </li>
  );
}

function Body() {
  const list = markets.value;
  if (list && list.length === 0) {
    return (
      <p class="empty" data-testid="markets-empty">
        There are no markets yet.
      </p>
    );
  }
  if (list) {
    return (
      <ul class="markets" data-testid="market-list" onKeyDown={walk}>
        {list.map((market) => (
          <Row key={market.symbol} market={market} />
        ))}
      </ul>
    );
  }
  return (
    <ul class={marketsError.value ? "markets still" : "markets"} aria-hidden="true" data-testid="markets-skeleton">
      {SKELETON_ROWS.map((index) => (
        <li key={index} class="market">
          <span class="bone round" />
          <span class="row">
            <span class="names">
              <span class="bone wide" />
              <span class="bone narrow" />
            </span>
            <span class="numbers">
              <span class="bone wide" />
              <span class="bone narrow" />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function MarketList() {
  return (
    <section class="panel list-panel" aria-labelledby="markets-title" aria-busy={!markets.value && !marketsError.value}>
      <div class="panel-head">
        <h2 id="markets-title" tabIndex={-1}>
          Markets
        </h2>
        <span class="hint">Price · 24 h</span>
      </div>
      <Body />
    </section>
  );
}
