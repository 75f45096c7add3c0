import { reconnectDelay, SETTLED_MS } from "./backoff";
import { parseServerMessage, type ServerMessage } from "./types";

export type ConnectionState = "connecting" | "live" | "reconnecting";

export interface TickerEvents {
  onState: (state: ConnectionState) => void;
  onMessage: (message: ServerMessage) => void;
}

/** A connection that stays silent this long is taken for dead: a browser does not notice a vanished server. */
const SILENCE_MS = 30_000;

/** The price stream. It keeps itself connected until `stop`. */
export class Ticker {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private liveSince = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly events: TickerEvents,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    this.events.onState("connecting");
    this.connect();
  }

  stop(): void {
    clearTimeout(this.retryTimer);
    this.drop();
  }

  /** Cuts a waiting time short: the network came back, or the visitor asked. */
  retryNow(): void {
    if (this.socket) return;
    clearTimeout(this.retryTimer);
    this.connect();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.liveSince = 0;
    this.listenForSilence();
    socket.onmessage = (event: MessageEvent<unknown>) => this.receive(event.data);
    socket.onclose = (event) => this.closed(event.code);
  }

  private receive(data: unknown): void {
    this.listenForSilence();
    const message = typeof data === "string" ? parseServerMessage(data) : null;
    if (!message) return;
    if (this.liveSince === 0) {
      // Only data proves the stream: an edge may accept the socket while no backend answers.
      this.liveSince = performance.now();
      this.events.onState("live");
    }
    this.events.onMessage(message);
  }

  private closed(code: number): void {
    const livedMs = this.liveSince === 0 ? 0 : performance.now() - this.liveSince;
    this.drop();
    this.events.onState("reconnecting");
    if (livedMs >= SETTLED_MS) this.attempt = 0;
    const delay = reconnectDelay({ code, livedMs }, this.attempt, this.random());
    this.attempt += 1;
    this.retryTimer = setTimeout(() => this.connect(), delay);
  }

  private drop(): void {
    clearTimeout(this.silenceTimer);
    if (!this.socket) return;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  private listenForSilence(): void {
    clearTimeout(this.silenceTimer);
    // 1006 is the code browsers report for a connection lost without a closing frame.
    this.silenceTimer = setTimeout(() => this.closed(1006), SILENCE_MS);
  }
}
