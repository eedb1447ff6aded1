/** What a request was frozen with, as far as a page shows it; the rest is shown as it is. */
import type { components } from '@/api/schema';

export type Approval = components['schemas']['Approval'];

/** The refund that is asked for, in fen; absent where a request is about something else. */
export function askedFen(approval: Approval): number | undefined {
  if (approval.kind !== 'refund_above_limit') return undefined;
  const { request } = (approval.content ?? {}) as { request?: { refund?: unknown } };
  return typeof request?.refund === 'number' ? request.refund : undefined;
}
