import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket as SocketClient, WebSocketServer, type WebSocket as ServerSocket } from "ws";
import { BASE_MS, SETTLED_MS } from "../src/backoff";
import { type ConnectionState, Ticker } from "../src/ticker";
import type { ServerMessage } from "../src/types";

const SNAPSHOT = { type: "snapshot", ticks: [{ symbol: "BTC-USD", price: 1, change_24h: 0, time: 1 }] };

let server: WebSocketServer;
let ticker: Ticker;
let states: ConnectionState[];
let messages: ServerMessage[];
let random: number;

beforeEach(async () => {
  // Node 20 has no WebSocket of its own; this client keeps to the browser's interface.
  vi.stubGlobal("WebSocket", SocketClient);
  states = [];
  messages = [];
  random = 0;
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  ticker = new Ticker(
    `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/ticker`,
    { onState: (state) => states.push(state), onMessage: (message) => messages.push(message) },
    () => random,
  );
});

afterEach(async () => {
  ticker.stop();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

function nextClient(): Promise<ServerSocket> {
  return new Promise((resolve) => server.once("connection", resolve));
}

test("is live from the first message on, and passes on what it understands", async () => {
  const accepted = nextClient();
  ticker.start();
  const client = await accepted;
  expect(states).toEqual(["connecting"]);
  client.send("not json");
  client.send(JSON.stringify(SNAPSHOT));
  await vi.waitFor(() => expect(states).toEqual(["connecting", "live"]));
  expect(messages).toEqual([SNAPSHOT]);
});

test("comes back at once when a settled server announces its restart", async () => {
  random = 1 - Number.EPSILON;
  const clock = vi.spyOn(performance, "now").mockReturnValue(1);
  let accepted = nextClient();
  ticker.start();
  const client = await accepted;
  client.send(JSON.stringify(SNAPSHOT));
  await vi.waitFor(() => expect(states.at(-1)).toBe("live"));
  clock.mockReturnValue(1 + SETTLED_MS);
  const timers = vi.spyOn(globalThis, "setTimeout");
  accepted = nextClient();
  client.close(1012);
  (await accepted).send(JSON.stringify(SNAPSHOT));
  await vi.waitFor(() => expect(states).toEqual(["connecting", "live", "reconnecting", "live"]));
  const delays = timers.mock.calls.map(([, delay]) => delay);
  expect(delays).toContain(0);
  expect(delays).not.toContain(BASE_MS);
});

test("waits after a lost connection, and cuts the wait short on request", async () => {
  random = 1 - Number.EPSILON;
  let accepted = nextClient();
  ticker.start();
  (await accepted).terminate();
  await vi.waitFor(() => expect(states.at(-1)).toBe("reconnecting"));
  expect(server.clients.size).toBe(0);
  accepted = nextClient();
  ticker.retryNow();
  (await accepted).send(JSON.stringify(SNAPSHOT));
  await vi.waitFor(() => expect(states.at(-1)).toBe("live"));
});

test("stays away once stopped", async () => {
  const accepted = nextClient();
  ticker.start();
  const client = await accepted;
  client.send(JSON.stringify(SNAPSHOT));
  await vi.waitFor(() => expect(states.at(-1)).toBe("live"));
  const closed = new Promise((resolve) => client.once("close", resolve));
  ticker.stop();
  await closed;
  expect(states).toEqual(["connecting", "live"]);
  expect(server.clients.size).toBe(0);
});
