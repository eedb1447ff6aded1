import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where a delivery stands. */
export const DELIVERY_STATES: Record<string, StateWord> = {
  open: { zh: '投递中', en: 'On its way', tone: 'wait' },
  succeeded: { zh: '已送达', en: 'Delivered', tone: 'ok' },
  failed: { zh: '失败', en: 'Failed', tone: 'bad' },
  held: { zh: '暂缓', en: 'Held', tone: 'idle' },
  cancelled: { zh: '已取消', en: 'Cancelled', tone: 'idle' },
};

/** Whether an endpoint is served. */
export const ENDPOINT_STATES: Record<string, StateWord> = {
  unverified: { zh: '未验证', en: 'Unverified', tone: 'wait' },
  enabled: { zh: '正常', en: 'Enabled', tone: 'ok' },
  degraded: { zh: '不稳定', en: 'Degraded', tone: 'warn' },
  paused: { zh: '已暂停', en: 'Paused', tone: 'idle' },
  disabled: { zh: '已停用', en: 'Disabled', tone: 'bad' },
};

/** Who caused an attempt. */
export const TRIGGERS: Record<string, Label> = {
  auto: { zh: '自动', en: 'By schedule' },
  manual: { zh: '人工重放', en: 'By hand' },
  recover: { zh: '批量恢复', en: 'Recovery' },
  test: { zh: '测试', en: 'Test' },
};
