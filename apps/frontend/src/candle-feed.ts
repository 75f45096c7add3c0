import { batch, signal } from "@preact/signals";
import { foldPrice, orderCandles } from "./candles";
import type { Candle, Interval } from "./types";

export type LoadCandles = (
  symbol: string,
  interval: Interval,
  limit: number,
  signal: AbortSignal,
) => Promise<Candle[]>;

export type FeedPhase = "loading" | "ready" | "empty" | "error";

const LIMIT = 300;
/** A closed candle is fetched again after this long, plus jitter, for its volume, which ticks do not carry. */
const SETTLE_MS = 2_000;
const SETTLE_JITTER_MS = 4_000;

/** The candles of one market and interval: loaded from the server, then moved by the ticks. */
export class CandleFeed {
  readonly phase = signal<FeedPhase>("loading");
  /** The newest candle as it grows. */
  readonly last = signal<Candle | undefined>(undefined);
  /** Counts the replacements of the whole list. */
  readonly version = signal(0);
  /** Which market and interval the candles are of, as one comparable text. */
  key = "";
  candles: readonly Candle[] = [];
  private shownKey = "";
  private symbol = "";
  private interval: Interval = "1m";
  private running: AbortController | null = null;
  private settleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly fetchCandles: LoadCandles) {}

  /** Shows another market or interval. Choosing the one that is shown already does nothing. */
  show(symbol: string, interval: Interval): void {
    const key = `${symbol} ${interval}`;
    if (key === this.key) return;
    this.key = key;
    this.symbol = symbol;
    this.interval = interval;
    void this.reload();
  }

  /** Fetches again what is shown. Candles on the screen stay there until the answer, and if there is none. */
  async reload(): Promise<void> {
    const { key, symbol, interval } = this;
    if (!symbol) return;
    this.running?.abort();
    clearTimeout(this.settleTimer);
    const running = new AbortController();
    this.running = running;
    const quiet = this.shows(key);
    if (!quiet) {
      batch(() => {
        this.phase.value = "loading";
        this.last.value = undefined;
      });
    }
    try {
      const loaded = orderCandles(await this.fetchCandles(symbol, interval, LIMIT, running.signal));
      if (running.signal.aborted) return;
      this.replace(key, loaded, quiet);
    } catch {
      if (!running.signal.aborted && !quiet) this.phase.value = "error";
    }
  }

  /** Moves the newest candle, or opens the next one. */
  fold(price: number, timeMs: number): void {
    if (!this.shows(this.key)) return;
    const last = this.candles.at(-1);
    const next = foldPrice(last, price, timeMs, this.interval);
    if (!next) return;
    const opened = next.time !== last?.time;
    this.candles = opened ? [...this.candles, next] : [...this.candles.slice(0, -1), next];
    batch(() => {
      this.last.value = next;
      this.phase.value = "ready";
    });
    if (opened && last) this.settle();
  }

  private shows(key: string): boolean {
    const phase = this.phase.peek();
    return this.shownKey === key && (phase === "ready" || phase === "empty");
  }

  private replace(key: string, loaded: Candle[], quiet: boolean): void {
    // A cached answer may be older than what the ticks have opened meanwhile.
    const newest = loaded.at(-1)?.time ?? -Infinity;
    const opened = quiet ? this.candles.filter((candle) => candle.time > newest) : [];
    this.shownKey = key;
    this.candles = [...loaded, ...opened];
    batch(() => {
      this.phase.value = this.candles.length > 0 ? "ready" : "empty";
      this.last.value = this.candles.at(-1);
      this.version.value += 1;
    });
  }

  private settle(): void {
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => void this.reload(), SETTLE_MS + Math.random() * SETTLE_JITTER_MS);
  }
}
