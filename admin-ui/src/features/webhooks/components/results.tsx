import { useLabel } from '@/shared/lib/i18n';
import { ToneTag } from '@/shared/ui/status-tag';
import type { Delivery } from '../queries';
import { DISABLED_REASONS, ERROR_CLASSES } from '../states';

/** What came of the last attempt: a status, or why there is none. */
export function LastResult({ delivery: { last_status, last_error } }: { delivery: Delivery }) {
  const label = useLabel();
  if (last_status !== undefined) return <span className="mono">{last_status}</span>;
  if (!last_error) return <span className="faint">—</span>;
  const known = ERROR_CLASSES[last_error];
  return <span title={last_error}>{known ? label(known) : last_error}</span>;
}

/** Failures in a row; some are no news, so only they draw the eye. */
export function FailureCount({ count }: { count: number }) {
  return count === 0 ? <>0</> : <ToneTag tone="bad">{String(count)}</ToneTag>;
}

/** Why an endpoint is not served. */
export function Reason({ code }: { code: string }) {
  const label = useLabel();
  const known = DISABLED_REASONS[code];
  return <span title={code}>{known ? label(known) : code}</span>;
}
