/** Queues, tasks and databases in words; a name that is not here shows itself. */
import type { Label } from '@/shared/lib/i18n';

/** What waits its turn, and what may be stuck. */
export const QUEUES: Readonly<Record<string, Label>> = {
  deliveries: { zh: 'Webhook 投递', en: 'Webhook deliveries' },
  orders: { zh: '订单核实', en: 'Orders to ask about' },
  refunds: { zh: '退款核实', en: 'Refunds to ask about' },
  notifications: { zh: '微信通知', en: 'WeChat notifications' },
  late_payments: { zh: '迟到款项', en: 'Late money' },
};

/** What one node at a time does. */
export const LEASES: Readonly<Record<string, Label>> = {
  bills: { zh: '账单与对账', en: 'Bills and reconciliation' },
  order_hours: { zh: '订单统计', en: 'Figures of orders' },
  sequencer: { zh: '事件编号', en: 'Numbers of events' },
};

export const DATABASES: Readonly<Record<string, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };
