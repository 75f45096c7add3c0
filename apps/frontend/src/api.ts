import type { Candle, Interval, Market } from "./types";

const TIMEOUT_MS = 8_000;

/** A request that brought no usable answer; `status` is 0 when the server was not reached. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

async function request(method: string, path: string, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    // The caller's own cancellation is no failure: it passes through as it is.
    if (signal?.aborted) throw error;
    throw new ApiError(timeout.aborted ? "The server took too long to answer." : "The server cannot be reached.", 0);
  }
  if (!response.ok) {
    throw new ApiError(`The server answered with an error (${response.status}).`, response.status);
  }
  return response;
}

async function getList<T>(path: string, field: string, signal?: AbortSignal): Promise<T[]> {
  const response = await request("GET", path, signal);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The server's answer cannot be read.", response.status);
  }
  const list = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[field] : undefined;
  if (!Array.isArray(list)) {
    throw new ApiError("The server's answer cannot be read.", response.status);
  }
  return list as T[];
}

export const api = {
  markets: (): Promise<Market[]> => getList<Market>("/api/markets", "markets"),

  candles: (symbol: string, interval: Interval, limit: number, signal?: AbortSignal): Promise<Candle[]> =>
    getList<Candle>(
      `/api/markets/${encodeURIComponent(symbol)}/candles?interval=${interval}&limit=${limit}`,
      "candles",
      signal,
    ),

  watchlist: (): Promise<string[]> => getList<string>("/api/watchlist", "symbols"),

  setWatched: async (symbol: string, watched: boolean): Promise<void> => {
    await request(watched ? "PUT" : "DELETE", `/api/watchlist/${encodeURIComponent(symbol)}`);
  },
};
