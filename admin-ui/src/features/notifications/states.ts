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

/** What followed from a notification. */
export const VERDICTS: Readonly<Record<string, Label>> = {
  paid: { zh: '支付成功', en: 'Paid' },
  paid_late: { zh: '关闭后支付', en: 'Paid after the close' },
  duplicate_paid: { zh: '重复支付', en: 'Paid twice' },
  amount_mismatch: { zh: '金额不符', en: 'Another amount' },
  unchanged: { zh: '此前已知', en: 'Known before' },
  still_open: { zh: '尚未支付', en: 'Still open' },
  closed: { zh: '已关闭', en: 'Closed' },
  success: { zh: '退款到账', en: 'Refund arrived' },
  abnormal: { zh: '退款异常', en: 'Refund abnormal' },
  processing: { zh: '退款处理中', en: 'Refund under way' },
  echo: { zh: '密钥自检', en: 'Key test' },
  undecryptable: { zh: '无法解密', en: 'Cannot be decrypted' },
  unreadable: { zh: '无法读取', en: 'Cannot be read' },
  unsupported_kind: { zh: '不支持的类型', en: 'Unknown kind' },
  unknown_order: { zh: '没有对应订单', en: 'No such order' },
  not_applied: { zh: '未采用', en: 'Not applied' },
};

/** What is checked about a notification, in order. */
export const CHECKS: Record<string, Label> = {
  signature: { zh: '签名有效', en: 'The signature holds' },
  envelope: { zh: '报文可读', en: 'The envelope can be read' },
  decryption: { zh: '可以解密', en: 'It can be decrypted' },
  routing: { zh: '找到对应订单', en: 'It belongs to an order' },
  comparison: { zh: '与本地记录一致', en: 'It agrees with our books' },
};
