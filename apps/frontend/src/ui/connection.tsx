import { connection } from "../store";
import type { ConnectionState } from "../ticker";

const LABELS: Record<ConnectionState, string> = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
};

export function Connection() {
  const state = connection.value;
  return (
    <p class={`connection ${state}`} role="status" aria-live="polite" data-testid="connection" data-state={state}>
      <span class="dot" aria-hidden="true" />
      <span class="sr-only">Prices: </span>
      {LABELS[state]}
    </p>
  );
}
