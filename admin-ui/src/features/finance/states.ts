import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where the comparison of a day stands. */
export const DAY_STATES: Record<string, StateWord> = {
  waiting: { zh: '等待账单', en: 'Waiting for the bill', tone: 'wait' },
  planned: { zh: '等待账单', en: 'Waiting for the bill', tone: 'wait' },
  running: { zh: '对账中', en: 'Being compared', tone: 'wait' },
  completed: { zh: '已对账', en: 'Compared', tone: 'ok' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
  failed: { zh: '失败', en: 'Failed', tone: 'bad' },
};

/** Where a difference stands. */
export const DIFFERENCE_STATES: Record<string, StateWord> = {
  open: { zh: '待处理', en: 'Open', tone: 'bad' },
  explained: { zh: '已说明', en: 'Explained', tone: 'warn' },
  fixed: { zh: '已修正', en: 'Mended', tone: 'ok' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
};

/** What differs, by its code. */
export const CLASSES: Record<string, Label> = {
  R01: { zh: '仅微信有（支付）', en: 'A payment of an unknown number' },
  R02: { zh: '仅平台有（支付）', en: 'A payment that the bill lacks' },
  R03: { zh: '支付金额不符', en: 'Another amount paid' },
  R04: { zh: '微信已付本地未付', en: 'Paid at WeChat, not in our books' },
  R05: { zh: '仅微信有（退款）', en: 'A refund of an unknown number' },
  R06: { zh: '仅平台有（退款）', en: 'A refund that the bill lacks' },
  R07: { zh: '退款金额不符', en: 'Another amount refunded' },
  R08: { zh: '状态不符', en: 'Another state' },
  R09: { zh: '手续费不符', en: 'Another fee' },
  R10: { zh: '归属不符', en: 'Another sub-merchant' },
  R11: { zh: '重复单号', en: 'A number twice' },
  R12: { zh: '账单损坏', en: 'A broken bill' },
  R13: { zh: '账单缺失', en: 'No bill' },
  R14: { zh: '资金流水不符', en: 'An account moved otherwise' },
  R15: { zh: '跨日', en: 'Across midnight' },
  R16: { zh: '账不平', en: 'The sums disagree' },
};

/** What kind of bill. */
export const BILL_KINDS: Record<string, Label> = {
  trade: { zh: '交易账单', en: 'Trade' },
  fund_flow: { zh: '服务商资金账单', en: "Provider's fund flow" },
  sub_merchant_fund_flow: { zh: '特约商户资金账单', en: "Sub-merchant's fund flow" },
};

/** Which account of the provider a fund flow is about. */
export const ACCOUNTS: Record<string, Label> = {
  BASIC: { zh: '基本账户', en: 'Basic' },
  OPERATION: { zh: '运营账户', en: 'Operation' },
  FEES: { zh: '手续费账户', en: 'Fees' },
};

/** Where a bill stands. */
export const BILL_STATES: Record<string, StateWord> = {
  loading: { zh: '下载中', en: 'Downloading', tone: 'wait' },
  verified: { zh: '已核对入库', en: 'Verified', tone: 'ok' },
  empty: { zh: '当日无记录', en: 'Nothing that day', tone: 'idle' },
  rejected: { zh: '已作废', en: 'Rejected', tone: 'bad' },
};
