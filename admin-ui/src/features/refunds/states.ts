import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where a refund stands; only `success` means that the payer has the money. */
export const REFUND_STATES: Record<string, StateWord> = {
  requested: { zh: '已申请', en: 'Requested', tone: 'wait' },
  sent: { zh: '已发送', en: 'Sent', tone: 'wait' },
  unknown: { zh: '核实中', en: 'Being verified', tone: 'warn' },
  held: { zh: '暂缓', en: 'Held', tone: 'warn' },
  processing: { zh: '处理中', en: 'Processing', tone: 'wait' },
  abnormal: { zh: '异常', en: 'Abnormal', tone: 'bad' },
  success: { zh: '已到账', en: 'Success', tone: 'ok' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
};

/** Who asked for it. */
export const ORIGINS: Record<string, Label> = {
  api: { zh: '租户或人员', en: 'Tenant or staff' },
  late_money: { zh: '迟到款项', en: 'Late money' },
  external: { zh: '微信侧发起', en: 'Made at WeChat' },
};
