import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** What is asked for. */
export const APPROVAL_KINDS: Record<components['schemas']['ApprovalKind'], Label> = {
  refund_above_limit: { zh: '超额退款', en: 'Refund above the limit' },
  grant_owner: { zh: '授予平台所有者', en: 'Grant ownership' },
};

/** Where a request stands. */
export const APPROVAL_STATES: Record<components['schemas']['ApprovalState'], StateWord> = {
  pending: { zh: '待审批', en: 'Pending', tone: 'wait' },
  approved: { zh: '已批准', en: 'Approved', tone: 'wait' },
  done: { zh: '已执行', en: 'Carried out', tone: 'ok' },
  failed: { zh: '执行失败', en: 'Failed', tone: 'bad' },
  rejected: { zh: '已拒绝', en: 'Rejected', tone: 'idle' },
  expired: { zh: '已过期', en: 'Expired', tone: 'idle' },
};
