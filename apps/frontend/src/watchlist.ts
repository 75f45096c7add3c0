import { signal } from "@preact/signals";

export interface WatchlistApi {
  watchlist: () => Promise<string[]>;
  setWatched: (symbol: string, watched: boolean) => Promise<void>;
}

export type WatchlistStatus = "loading" | "ready" | "error";

interface Change {
  symbol: string;
  watched: boolean;
}

function withChange(symbols: readonly string[], { symbol, watched }: Change): readonly string[] {
  if (symbols.includes(symbol) === watched) return symbols;
  return watched ? [...symbols, symbol] : symbols.filter((other) => other !== symbol);
}

/** The visitor's watchlist: changed on the screen at once, then saved on the server, taken back if that fails. */
export class Watchlist {
  readonly status = signal<WatchlistStatus>("loading");
  readonly symbols = signal<readonly string[]>([]);
  readonly saveFailed = signal(false);
  private saved: readonly string[] = [];
  private pending: readonly Change[] = [];
  private writes: Promise<void> = Promise.resolve();

  constructor(private readonly api: WatchlistApi) {}

  async load(): Promise<void> {
    this.status.value = "loading";
    try {
      this.saved = await this.api.watchlist();
      this.show();
      this.saveFailed.value = false;
      this.status.value = "ready";
    } catch {
      this.status.value = "error";
    }
  }

  /** Resolves when this change is saved or taken back. */
  toggle(symbol: string): Promise<void> {
    const change = { symbol, watched: !this.symbols.value.includes(symbol) };
    this.pending = [...this.pending, change];
    this.show();
    // One write after the other: two quick clicks must reach the server in their order.
    this.writes = this.writes.then(() => this.save(change));
    return this.writes;
  }

  private async save(change: Change): Promise<void> {
    try {
      await this.api.setWatched(change.symbol, change.watched);
      this.saved = withChange(this.saved, change);
      this.saveFailed.value = false;
    } catch {
      this.saveFailed.value = true;
    }
    this.pending = this.pending.filter((other) => other !== change);
    this.show();
  }

  /** What is saved with what is on its way: a change that fails leaves no trace, not even in the order. */
  private show(): void {
    this.symbols.value = this.pending.reduce(withChange, this.saved);
  }
}
