import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** What kind of key. */
export const KEY_KINDS: Record<components['schemas']['ProviderKeyKind'], Label> = {
  merchant_certificate: { zh: '商户 API 证书', en: 'Merchant certificate' },
  api_v3_key: { zh: 'APIv3 密钥', en: 'APIv3 key' },
  v2_key: { zh: 'V2 密钥', en: 'V2 key' },
  platform_certificate: { zh: '平台证书', en: 'Platform certificate' },
  wechat_public_key: { zh: '微信支付公钥', en: 'WeChat Pay public key' },
};

/** Where a key stands. */
export const KEY_STATES: Record<components['schemas']['ProviderKeyState'], StateWord> = {
  staged: { zh: '待验证', en: 'Staged', tone: 'wait' },
  testing: { zh: '自检中', en: 'Testing', tone: 'wait' },
  active: { zh: '使用中', en: 'Active', tone: 'ok' },
  retiring: { zh: '退出中', en: 'Retiring', tone: 'warn' },
  retired: { zh: '已退役', en: 'Retired', tone: 'idle' },
  revoked: { zh: '已吊销', en: 'Revoked', tone: 'bad' },
};

/** Which keys a self-test was about. */
export const KEY_MODES: Record<components['schemas']['KeyMode'], Label> = {
  certificate: { zh: '平台证书', en: 'platform certificate' },
  public_key: { zh: '微信支付公钥', en: 'WeChat Pay public key' },
};

/** Where a self-test failed. */
export const TEST_STEPS: Record<components['schemas']['KeyTestStep'], Label> = {
  reach: { zh: '连接微信支付', en: 'reaching WeChat Pay' },
  sign: { zh: '请求签名', en: 'signing' },
  verify: { zh: '应答验签', en: 'verifying' },
  decrypt: { zh: '解密', en: 'decrypting' },
  callback: { zh: '等待回调', en: 'waiting for the callback' },
};

/** What a key did. */
export const PURPOSES: Record<components['schemas']['KeyPurpose'], Label> = {
  call: { zh: '请求签名', en: 'Calls' },
  answer: { zh: '应答验签', en: 'Answers' },
  notification: { zh: '通知验签', en: 'Notifications' },
  decryption: { zh: '解密', en: 'Decryption' },
};

/** How a self-test ended. */
export const TEST_STATES: Record<components['schemas']['KeyTestState'], StateWord> = {
  waiting: { zh: '等待回调', en: 'Waiting', tone: 'wait' },
  green: { zh: '通过', en: 'Passed', tone: 'ok' },
  red: { zh: '未通过', en: 'Failed', tone: 'bad' },
};
