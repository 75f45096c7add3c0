/**
 * When to try again: exponential back-off with full jitter, so that the clients of a restarted server
 * do not come back in one wave.
 * Source of the scheme: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

export const BASE_MS = 500;
export const CAP_MS = 15_000;
/** RFC 6455 registry, 1012: "Service Restart". */
export const SERVICE_RESTART = 1012;
/** A connection shorter than this does not earn an immediate retry: a server in a restart loop would be hammered. */
export const SETTLED_MS = 1_000;

/** Milliseconds before retry number `attempt` (from 0); `random` is in [0, 1). */
export function backoffDelay(attempt: number, random: number): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling * random);
}

export interface Closed {
  code: number;
  /** How long the connection had been delivering, in milliseconds; 0 when it never did. */
  livedMs: number;
}

/** Milliseconds before reconnecting: at once after an announced restart, otherwise jittered back-off. */
export function reconnectDelay(closed: Closed, attempt: number, random: number): number {
  if (closed.code === SERVICE_RESTART && closed.livedMs >= SETTLED_MS) return 0;
  return backoffDelay(attempt, random);
}
