import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** What became of a notification. */
export const NOTIFICATION_STATES: Record<string, StateWord> = {
  received: { zh: '已接收', en: 'Received', tone: 'wait' },
  pending: { zh: '待处理', en: 'Pending', tone: 'wait' },
  kept: { zh: '已留存', en: 'Kept', tone: 'warn' },
  applied: { zh: '已应用', en: 'Applied', tone: 'ok' },
  duplicate: { zh: '重复', en: 'Duplicate', tone: 'idle' },
  unrouted: { zh: '无法归属', en: 'Unrouted', tone: 'warn' },
  quarantined: { zh: '已隔离', en: 'Quarantined', tone: 'bad' },
  failed: { zh: '处理失败', en: 'Failed', tone: 'bad' },
};

/** What is checked about a notification, in order. */
export const CHECKS: Record<string, Label> = {
  signature: { zh: '签名有效', en: 'The signature holds' },
  envelope: { zh: '报文可读', en: 'The envelope can be read' },
  decryption: { zh: '可以解密', en: 'It can be decrypted' },
  routing: { zh: '找到对应订单', en: 'It belongs to an order' },
  comparison: { zh: '与本地记录一致', en: 'It agrees with our books' },
};
