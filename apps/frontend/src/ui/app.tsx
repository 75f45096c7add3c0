import { useSignalEffect } from "@preact/signals";
import { markets, revivals, selected } from "../store";
import { loadSparklines } from "../sparklines";
import { Banner } from "./banner";
import { ChartPanel } from "./chart-panel";
import { Connection } from "./connection";
import { BrandMark } from "./icons";
import { MarketList } from "./market-list";
import { WatchlistSection } from "./watchlist-section";

/** Moves the focus without touching the hash, which names the chosen market. */
function skipToMarkets(event: Event): void {
  event.preventDefault();
  document.getElementById("markets-title")?.focus();
}

export function App() {
  useSignalEffect(() => {
    const market = selected.value;
    document.title = market ? `${market.name} ${market.symbol} · Lokifi Markets` : "Lokifi Markets";
  });
  useSignalEffect(() => {
    const list = markets.value;
    if (list && revivals.value > 0) void loadSparklines(list.map((market) => market.symbol));
  });
  return (
    <>
      <a class="skip" href="#markets-title" onClick={skipToMarkets}>
        Skip to the list of markets
      </a>
      <header class="top">
        <BrandMark />
        <h1>
          Lokifi <span>Markets</span>
        </h1>
        <Connection />
      </header>
      <Banner />
      <main class="layout">
        <ChartPanel />
        <WatchlistSection />
        <MarketList />
      </main>
      <footer class="foot">
        <p>Chart times are UTC.</p>
        <p>
          TradingView Lightweight Charts™, copyright © TradingView, Inc.{" "}
          <a href="https://www.tradingview.com/" rel="noopener noreferrer" target="_blank">
            tradingview.com
          </a>
        </p>
      </footer>
    </>
  );
}
