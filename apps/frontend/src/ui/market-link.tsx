import type { ComponentChildren } from "preact";
import { selected } from "../store";
import type { Market } from "../types";

/** On a narrow screen the chart is above the list: show the visitor what the choice did. */
function showChart(): void {
  const panel = document.getElementById("chart-panel");
  if (!panel || panel.getBoundingClientRect().top >= 0) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  panel.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

interface MarketLinkProps {
  market: Market;
  class: string;
  testid: string;
  children: ComponentChildren;
}

/** A link that chooses a market: the hash is the state, so back, reload and bookmarks work. */
export function MarketLink({ market, class: className, testid, children }: MarketLinkProps) {
  const current = selected.value?.symbol === market.symbol;
  return (
    <a
      class={className}
      href={`#${encodeURIComponent(market.symbol)}`}
      aria-current={current ? "true" : undefined}
      data-testid={testid}
      data-symbol={market.symbol}
      onClick={showChart}
    >
      {children}
    </a>
  );
}
