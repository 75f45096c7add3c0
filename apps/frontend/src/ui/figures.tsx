import { formatChange, formatPrice, trendOf } from "../format";
import { polyline, sparklineOf } from "../sparklines";
import { quoteOf } from "../store";
import type { Market } from "../types";

interface FigureProps {
  market: Market;
  testid: string;
}

export function Price({ market, testid }: FigureProps) {
  const quote = quoteOf(market.symbol).value;
  const moves = quote?.moves ?? 0;
  return (
    <span class="price" data-testid={testid} data-symbol={market.symbol}>
      {/* A new key makes a new element, which plays the flash from its beginning. */}
      <span key={moves} class={`flash ${quote?.move ?? "none"}`}>
        {formatPrice(quote?.price ?? market.price, market.decimals)}
      </span>
    </span>
  );
}

const ARROWS = { up: "▲", down: "▼", flat: "" } as const;

export function Change({ market, testid }: FigureProps) {
  const percent = quoteOf(market.symbol).value?.change24h ?? market.change_24h;
  const trend = trendOf(percent);
  return (
    <span class={`change ${trend}`} data-testid={testid} data-trend={trend}>
      <span class="arrow" aria-hidden="true">
        {ARROWS[trend]}
      </span>
      {formatChange(percent)}
    </span>
  );
}

const WIDTH = 72;
const HEIGHT = 28;

/** The last day as a line that ends at the live price. */
export function Sparkline({ market }: { market: Market }) {
  const closes = sparklineOf(market.symbol).value;
  const quote = quoteOf(market.symbol).value;
  const values = quote && closes.length > 0 ? [...closes.slice(0, -1), quote.price] : closes;
  const trend = trendOf(((values.at(-1) ?? 0) / (values[0] ?? 0) - 1) * 100);
  return (
    <svg class={`sparkline ${trend}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      {values.length > 1 && <polyline points={polyline(values, WIDTH, HEIGHT)} />}
    </svg>
  );
}
