import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where a tenant stands. */
export const TENANT_STATES: Record<components['schemas']['TenantState'], StateWord> = {
  invited: { zh: '待启用', en: 'Invited', tone: 'wait' },
  active: { zh: '正常', en: 'Active', tone: 'ok' },
  suspended: { zh: '已停用', en: 'Suspended', tone: 'warn' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
};

/** What becomes of late money by itself. */
export const LATE_DECISIONS: Record<components['schemas']['LatePolicyDecision'], Label> = {
  accept: { zh: '接受', en: 'Accept' },
  refund: { zh: '退回', en: 'Give back' },
  hold: { zh: '待人工处置', en: 'Hold for a person' },
};

/** The scopes of an API key. */
export const SCOPES = [
  'orders:read',
  'orders:write',
  'refunds:read',
  'refunds:write',
  'bills:read',
  'events:read',
  'webhooks:read',
  'webhooks:write',
] as const;
