import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api } from "../api";
import { CandleFeed } from "../candle-feed";
import type { MarketChart } from "../chart";
import { formatPrice, formatVolume } from "../format";
import { interval, markets, marketsError, quoteOf, revivals, selected } from "../store";
import { type Candle, type Interval, INTERVALS, type Market } from "../types";
import { Change, Price } from "./figures";

const SPOKEN: Record<Interval, string> = { "1m": "1 minute", "5m": "5 minutes", "1h": "1 hour", "1d": "1 day" };

const feed = new CandleFeed(api.candles);

function IntervalSwitch() {
  return (
    <div class="intervals" role="group" aria-label="Candle interval">
      {INTERVALS.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={interval.value === name}
          title={SPOKEN[name]}
          data-testid={`interval-${name}`}
          onClick={() => {
            interval.value = name;
          }}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function Legend({ candle, decimals }: { candle: Candle | undefined; decimals: number }) {
  const price = (value: number | undefined) => (value === undefined ? "–" : formatPrice(value, decimals));
  const trend = candle && candle.close < candle.open ? "down" : "up";
  return (
    <dl class={`legend ${trend}`} data-testid="legend">
      {(["open", "high", "low", "close"] as const).map((field) => (
        <div key={field}>
          <dt>{field}</dt>
          <dd data-testid={`legend-${field}`}>{price(candle?.[field])}</dd>
        </div>
      ))}
      <div>
        <dt>volume</dt>
        <dd data-testid="legend-volume">{candle ? formatVolume(candle.volume) : "–"}</dd>
      </div>
    </dl>
  );
}

function Title({ market }: { market: Market | null }) {
  if (!market) {
    const waiting = !markets.value && !marketsError.value;
    return (
      <div class="chart-title">
        <h2 id="chart-title">{waiting ? <span class="sr-only">Chart</span> : "Chart"}</h2>
        {waiting && <span class="bone title-bone" aria-hidden="true" />}
      </div>
    );
  }
  return (
    <div class="chart-title">
      <h2 id="chart-title" data-testid="chart-title">
        {market.name} <span class="symbol">{market.symbol}</span>
      </h2>
      <p class="quote">
        <Price market={market} testid="chart-price" />
        <Change market={market} testid="chart-change" />
        <span class="hint">24 h volume {formatVolume(market.volume_24h)}</span>
      </p>
    </div>
  );
}

function Notice({ chartMissing, chartWaiting }: { chartMissing: boolean; chartWaiting: boolean }) {
  const phase = feed.phase.value;
  if (chartMissing) {
    return (
      <div class="notice" data-testid="chart-error">
        <p>The chart could not be loaded.</p>
        <button type="button" class="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </div>
    );
  }
  if (phase === "error") {
    return (
      <div class="notice" data-testid="chart-error">
        <p>The candles could not be loaded.</p>
        <button type="button" class="button" data-testid="chart-retry" onClick={() => void feed.reload()}>
          Try again
        </button>
      </div>
    );
  }
  if (phase === "empty") {
    return (
      <p class="notice" data-testid="chart-empty">
        There are no candles for this interval yet. The next price draws the first one.
      </p>
    );
  }
  if (phase === "loading" || chartWaiting) {
    const still = marketsError.value && !markets.value ? "still" : "";
    return (
      <div class={`notice ${still}`} aria-hidden="true">
        <div class="bone chart-bone" />
      </div>
    );
  }
  return null;
}

export function ChartPanel() {
  const host = useRef<HTMLDivElement>(null);
  const chart = useSignal<MarketChart | null>(null);
  const chartMissing = useSignal(false);
  const hovered = useSignal<number | null>(null);

  useEffect(() => {
    const theme = matchMedia("(prefers-color-scheme: dark)");
    const applyTheme = () => chart.peek()?.applyTheme();
    let gone = false;
    theme.addEventListener("change", applyTheme);
    import("../chart").then(
      ({ createMarketChart }) => {
        if (gone || !host.current) return;
        chart.value = createMarketChart(host.current, (time) => {
          hovered.value = time;
        });
      },
      () => {
        chartMissing.value = true;
      },
    );
    return () => {
      gone = true;
      theme.removeEventListener("change", applyTheme);
      chart.peek()?.destroy();
    };
  }, []);

  useSignalEffect(() => {
    const market = selected.value;
    if (market) feed.show(market.symbol, interval.value);
  });
  useSignalEffect(() => {
    // The first life of the stream leaves no gap in the candles, unless they failed to load.
    if (revivals.value > 1 || (revivals.value === 1 && feed.phase.peek() === "error")) void feed.reload();
  });
  const drawn = useRef({ version: 0, key: "" });
  useSignalEffect(() => {
    const drawing = chart.value;
    const candle = feed.last.value;
    const version = feed.version.value;
    const market = selected.peek();
    if (!drawing || !market || feed.phase.value === "loading") return;
    if (version === drawn.current.version) {
      if (candle) drawing.update(candle);
      return;
    }
    drawing.setCandles(feed.candles, market.decimals, interval.peek() !== "1d");
    if (feed.key !== drawn.current.key) drawing.showNewest();
    drawn.current = { version, key: feed.key };
  });
  useSignalEffect(() => {
    const market = selected.value;
    const quote = market ? quoteOf(market.symbol).value : undefined;
    void feed.version.value; // freshly loaded candles may be older than the quote
    if (quote && quote.time > 0) feed.fold(quote.price, quote.time);
  });

  const market = selected.value;
  const phase = feed.phase.value;
  const candle = feed.candles.find(({ time }) => time === hovered.value) ?? feed.last.value;
  return (
    <section class="panel chart-panel" id="chart-panel" aria-labelledby="chart-title" aria-busy={phase === "loading"}>
      <div class="chart-head">
        <Title market={market} />
        <IntervalSwitch />
      </div>
      <Legend candle={candle} decimals={market?.decimals ?? 2} />
      <div class="stage">
        <div
          ref={host}
          class={phase === "ready" && chart.value ? "canvas" : "canvas waiting"}
          role="img"
          aria-label={market ? `Candles of ${market.name}, ${SPOKEN[interval.value]} each` : "Candles"}
          data-testid="chart"
          data-phase={chart.value ? phase : "loading"}
          data-symbol={market?.symbol}
          data-interval={interval.value}
        />
        <Notice chartMissing={chartMissing.value} chartWaiting={!chart.value} />
      </div>
    </section>
  );
}
