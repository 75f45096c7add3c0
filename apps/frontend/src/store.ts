import { batch, computed, type Signal, signal } from "@preact/signals";
import { api, ApiError } from "./api";
import { backoffDelay } from "./backoff";
import { applyTick, type Quote, seedQuote } from "./quotes";
import { type ConnectionState, Ticker } from "./ticker";
import type { Interval, Market, ServerMessage, Tick } from "./types";
import { Watchlist } from "./watchlist";

export const markets = signal<readonly Market[] | null>(null);
export const marketsError = signal<string | null>(null);
export const connection = signal<ConnectionState>("connecting");
/** Counts the times the stream came (back) to life: what was loaded before may have a gap. */
export const revivals = signal(0);
/** True once the stream has been away long enough that a visitor should know. */
export const stale = signal(false);
export const interval = signal<Interval>("1m");
export const watchlist = new Watchlist(api);

const hash = signal(readHash());

/** The chosen market: the URL's, or the first one when the URL names none that exists. */
export const selected = computed<Market | null>(
  () => markets.value?.find((market) => market.symbol === hash.value) ?? markets.value?.[0] ?? null,
);

const quotes = new Map<string, Signal<Quote | undefined>>();

/** The live quote of a market; each has its own signal, so a tick redraws one row only. */
export function quoteOf(symbol: string): Signal<Quote | undefined> {
  let quote = quotes.get(symbol);
  if (!quote) {
    quote = signal<Quote | undefined>(undefined);
    quotes.set(symbol, quote);
  }
  return quote;
}

const STALE_AFTER_MS = 5_000;
const RETRY_FLOOR_MS = 2_000;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let staleTimer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

export async function loadMarkets(): Promise<void> {
  clearTimeout(retryTimer);
  try {
    const loaded = await api.markets();
    failures = 0;
    batch(() => {
      for (const market of loaded) {
        const quote = quoteOf(market.symbol);
        quote.value = seedQuote(quote.peek(), market);
      }
      markets.value = loaded;
      marketsError.value = null;
    });
  } catch (error) {
    marketsError.value = error instanceof ApiError ? error.message : "The markets could not be loaded.";
    retryTimer = setTimeout(() => void loadMarkets(), RETRY_FLOOR_MS + backoffDelay(failures, Math.random()));
    failures += 1;
  }
}

function receiveTick(tick: Tick): void {
  const quote = quoteOf(tick.symbol);
  quote.value = applyTick(quote.peek(), tick);
}

function onMessage(message: ServerMessage): void {
  if (message.type === "tick") receiveTick(message);
  else batch(() => message.ticks.forEach(receiveTick));
}

function onState(state: ConnectionState): void {
  connection.value = state;
  if (state === "live") {
    clearTimeout(staleTimer);
    staleTimer = undefined;
    stale.value = false;
    revivals.value += 1;
    if (marketsError.peek()) void loadMarkets();
    if (watchlist.status.peek() === "error") void watchlist.load();
  } else {
    staleTimer ??= setTimeout(() => {
      stale.value = true;
    }, STALE_AFTER_MS);
  }
}

function tickerUrl(): string {
  const url = new URL("/ws/ticker", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function readHash(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // a malformed escape in the address names no market
  }
}

const ticker = new Ticker(tickerUrl(), { onState, onMessage });

/** What the banner's button does: try everything that failed, now. */
export function retryAll(): void {
  ticker.retryNow();
  if (marketsError.peek()) void loadMarkets();
  if (watchlist.status.peek() === "error") void watchlist.load();
}

export function start(): void {
  window.addEventListener("hashchange", () => {
    hash.value = readHash();
  });
  window.addEventListener("online", () => ticker.retryNow());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") ticker.retryNow();
  });
  void loadMarkets();
  void watchlist.load();
  ticker.start();
}
