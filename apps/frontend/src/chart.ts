/** The candle chart on its canvas. The only module that knows the chart library; it is loaded on its own. */
import {
  CandlestickSeries,
  type CandlestickData,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type MouseEventParams,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { formatPrice } from "./format";
import type { Candle } from "./types";

export interface MarketChart {
  /** Replaces everything. */
  setCandles: (candles: readonly Candle[], decimals: number, withTime: boolean) => void;
  /** Scrolls and zooms to the newest candles. */
  showNewest: () => void;
  /** Changes or appends the newest candle. */
  update: (candle: Candle) => void;
  /** Takes the colours of the page's current theme. */
  applyTheme: () => void;
  destroy: () => void;
}

const VISIBLE_CANDLES = 110;
const MIN_BAR_PIXELS = 7;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function palette() {
  return {
    text: colour("--muted"),
    grid: colour("--grid"),
    border: colour("--line"),
    cross: colour("--faint"),
    label: colour("--label"),
    up: colour("--candle-up"),
    down: colour("--candle-down"),
    volumeUp: colour("--volume-up"),
    volumeDown: colour("--volume-down"),
  };
}

const priceBar = (candle: Candle) => ({ ...candle, time: candle.time as UTCTimestamp });

/** Draws into `host`, which gives the size; `onHover` gets the candle under the pointer, or null when it leaves. */
export function createMarketChart(host: HTMLElement, onHover: (time: number | null) => void): MarketChart {
  let colours = palette();
  let drawn: readonly Candle[] = [];
  const chart = createChart(host, {
    autoSize: true,
    layout: {
      // The logo would bring an inline style element; the page's footer carries the attribution and the link.
      attributionLogo: false,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
      background: { type: ColorType.Solid, color: "transparent" },
    },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 4 },
    // A finger that moves up or down scrolls the page, not the chart.
    handleScroll: { vertTouchDrag: false },
  });
  const prices = chart.addSeries(CandlestickSeries, { borderVisible: false });
  const volumes = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume",
    priceFormat: { type: "volume" },
    lastValueVisible: false,
    priceLineVisible: false,
  });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });

  const volumeBar = (candle: Candle) => ({
    time: candle.time as UTCTimestamp,
    value: candle.volume,
    color: candle.close >= candle.open ? colours.volumeUp : colours.volumeDown,
  });

  function applyTheme(): void {
    colours = palette();
    chart.applyOptions({
      layout: { textColor: colours.text },
      grid: { vertLines: { color: colours.grid }, horzLines: { color: colours.grid } },
      crosshair: {
        vertLine: { color: colours.cross, labelBackgroundColor: colours.label },
        horzLine: { color: colours.cross, labelBackgroundColor: colours.label },
      },
    });
    prices.applyOptions({
      upColor: colours.up,
      downColor: colours.down,
      wickUpColor: colours.up,
      wickDownColor: colours.down,
    });
    volumes.setData(drawn.map(volumeBar));
  }

  function hover(event: MouseEventParams<Time>): void {
    const bar = event.seriesData.get(prices) as CandlestickData<UTCTimestamp> | undefined;
    onHover(bar ? bar.time : null);
  }
  chart.subscribeCrosshairMove(hover);
  applyTheme();

  return {
    setCandles(candles, decimals, withTime) {
      drawn = candles;
      prices.applyOptions({
        priceFormat: {
          type: "custom",
          formatter: (price: number) => formatPrice(price, decimals),
          minMove: 10 ** -decimals,
        },
      });
      chart.applyOptions({ timeScale: { timeVisible: withTime } });
      prices.setData(candles.map(priceBar));
      volumes.setData(candles.map(volumeBar));
    },
    showNewest() {
      chart.priceScale("right").applyOptions({ autoScale: true });
      const shown = Math.min(VISIBLE_CANDLES, Math.max(20, Math.floor(host.clientWidth / MIN_BAR_PIXELS)));
      chart.timeScale().setVisibleLogicalRange({ from: drawn.length - shown, to: drawn.length + 3 });
    },
    update(candle) {
      drawn = drawn.at(-1)?.time === candle.time ? [...drawn.slice(0, -1), candle] : [...drawn, candle];
      prices.update(priceBar(candle));
      volumes.update(volumeBar(candle));
    },
    applyTheme,
    destroy: () => chart.remove(),
  };
}
