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

/** The banks of payers, in WeChat's words. */
export const BANKS: Record<string, Label> = {
  CMB_DEBIT: { zh: '招商银行', en: 'China Merchants Bank' },
  COMM_DEBIT: { zh: '交通银行', en: 'Bank of Communications' },
  ABC_DEBIT: { zh: '农业银行', en: 'Agricultural Bank of China' },
  CCB_DEBIT: { zh: '建设银行', en: 'China Construction Bank' },
  ICBC_DEBIT: { zh: '工商银行', en: 'ICBC' },
  BOC_DEBIT: { zh: '中国银行', en: 'Bank of China' },
  PAB_DEBIT: { zh: '平安银行', en: 'Ping An Bank' },
  SPDB_DEBIT: { zh: '浦发银行', en: 'Shanghai Pudong Development Bank' },
  CITIC_DEBIT: { zh: '中信银行', en: 'China CITIC Bank' },
  CEB_DEBIT: { zh: '光大银行', en: 'China Everbright Bank' },
  CMBC_DEBIT: { zh: '民生银行', en: 'China Minsheng Bank' },
  CIB_DEBIT: { zh: '兴业银行', en: 'Industrial Bank' },
  GDB_DEBIT: { zh: '广发银行', en: 'China Guangfa Bank' },
  PSBC_DEBIT: { zh: '邮储银行', en: 'Postal Savings Bank of China' },
  NBCB_DEBIT: { zh: '宁波银行', en: 'Bank of Ningbo' },
};
