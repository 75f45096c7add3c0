import { signal } from "@preact/signals";

export interface WatchlistApi {
  watchlist: () => Promise<string[]>;
  setWatched: (symbol: string, watched: boolean) => Promise<void>;
}

export type WatchlistStatus = "loading" | "ready" | "error";

function withSymbol(symbols: readonly string[], symbol: string, watched: boolean): readonly string[] {
  if (symbols.includes(symbol) === watched) return symbols;
  return watched ? [...symbols, symbol] : symbols.filter((other) => other !== symbol);
}

/** The visitor's watchlist: changed on the screen at once, then saved on the server, taken back if that fails. */
export class Watchlist {
  readonly status = signal<WatchlistStatus>("loading");
  readonly symbols = signal<readonly string[]>([]);
  readonly saveFailed = signal(false);
  private saved: readonly string[] = [];
  private writes: Promise<void> = Promise.resolve();

  constructor(private readonly api: WatchlistApi) {}

  async load(): Promise<void> {
    this.status.value = "loading";
    try {
      this.saved = await this.api.watchlist();
      this.symbols.value = this.saved;
      this.saveFailed.value = false;
      this.status.value = "ready";
    } catch {
      this.status.value = "error";
    }
  }

  /** Resolves when this change is saved or taken back. */
  toggle(symbol: string): Promise<void> {
    const watched = !this.symbols.value.includes(symbol);
    this.symbols.value = withSymbol(this.symbols.value, symbol, watched);
    // One write after the other: two quick clicks must reach the server in their order.
    this.writes = this.writes.then(() => this.save(symbol, watched));
    return this.writes;
  }

  private async save(symbol: string, watched: boolean): Promise<void> {
    try {
      await this.api.setWatched(symbol, watched);
      this.saved = withSymbol(this.saved, symbol, watched);
      this.saveFailed.value = false;
    } catch {
      this.symbols.value = withSymbol(this.symbols.value, symbol, this.saved.includes(symbol));
      this.saveFailed.value = true;
    }
  }
}
