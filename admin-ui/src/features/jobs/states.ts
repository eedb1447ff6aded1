import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where a job stands. */
export const JOB_STATES: Record<string, StateWord> = {
  running: { zh: '进行中', en: 'Running', tone: 'wait' },
  paused: { zh: '已暂停', en: 'Paused', tone: 'idle' },
  cancelled: { zh: '已取消', en: 'Cancelled', tone: 'idle' },
  succeeded: { zh: '已完成', en: 'Done', tone: 'ok' },
  failed: { zh: '失败', en: 'Failed', tone: 'bad' },
};

/** What a job does. */
export const JOB_KINDS: Record<string, Label> = {
  export_orders: { zh: '导出订单', en: 'Export of orders' },
  export_refunds: { zh: '导出退款', en: 'Export of refunds' },
  recover_deliveries: { zh: '恢复投递', en: 'Recovery of deliveries' },
  reconcile_day: { zh: '对账', en: 'Reconciliation of a day' },
};
