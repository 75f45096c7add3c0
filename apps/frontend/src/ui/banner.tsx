import { marketsError, retryAll, stale } from "../store";

export function Banner() {
  const unreachable = marketsError.value;
  if (!unreachable && !stale.value) return null;
  return (
    <div class="banner" role="alert" data-testid="banner">
      <p>
        {unreachable ? (
          <>
            <strong>Markets are unavailable.</strong> {unreachable} Trying again on its own.
          </>
        ) : (
          <>
            <strong>Prices are not updating.</strong> The live connection is lost; what you see may be out of date.
          </>
        )}
      </p>
      <button type="button" class="button" data-testid="retry" onClick={retryAll}>
        Retry now
      </button>
    </div>
  );
}
