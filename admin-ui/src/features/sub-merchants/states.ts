import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Whether a sub-merchant takes orders. */
export const MERCHANT_STATES: Record<components['schemas']['SubMerchantState'], StateWord> = {
  active: { zh: '正常', en: 'Active', tone: 'ok' },
  suspended: { zh: '已停用', en: 'Suspended', tone: 'idle' },
};

/** What must be so before a sub-merchant can take money, and what to do about it. */
export const FACTS: Record<components['schemas']['ReadinessFact'], Label & { readonly todo: Label }> = {
  contract_signed: {
    zh: '已签约',
    en: 'Contract signed',
    todo: {
      zh: '请特约商户超级管理员在商户平台完成签约。',
      en: "The sub-merchant's administrator signs in the merchant platform.",
    },
  },
  app_bound: {
    zh: '已绑定 sub_appid',
    en: 'sub_appid bound',
    todo: {
      zh: '在服务商平台为特约商户绑定 AppID（最多 5 个）。',
      en: 'Bind the app id in the provider console (5 at most).',
    },
  },
  payment_directory: {
    zh: '已设置支付授权目录',
    en: 'Payment directory set',
    todo: {
      zh: '在服务商平台配置支付授权目录，5 至 10 分钟后生效。',
      en: 'Set it in the provider console; it counts after 5 to 10 minutes.',
    },
  },
  product_authorised: {
    zh: '支付产品已授权',
    en: 'Payment product authorised',
    todo: {
      zh: '请特约商户在商户平台授权支付产品。',
      en: 'The sub-merchant authorises the product in the merchant platform.',
    },
  },
  refund_authorised: {
    zh: '接口退款已授权',
    en: 'API refund authorised',
    todo: {
      zh: '请特约商户在商户平台授权接口退款，否则无法退款。',
      en: 'The sub-merchant authorises API refunds; without it none are possible.',
    },
  },
  endpoint_healthy: {
    zh: '租户端点正常',
    en: 'Tenant endpoint healthy',
    todo: { zh: '检查租户的 Webhook 端点。', en: "Look at the tenant's endpoints." },
  },
  payment_seen: {
    zh: '已有真实支付',
    en: 'A payment was seen',
    todo: { zh: '用 ¥0.01 的订单试付一次。', en: 'Pay an order of ¥0.01 once.' },
  },
  refund_seen: {
    zh: '已有真实退款',
    en: 'A refund was seen',
    todo: { zh: '把试付的订单退款一次。', en: 'Refund that order once.' },
  },
};

/** How we know. */
export const SOURCES: Record<components['schemas']['ReadinessSource'], Label> = {
  traffic: { zh: '由交易证实', en: 'seen in traffic' },
  person: { zh: '人工确认', en: 'confirmed by a person' },
  nothing: { zh: '尚无依据', en: 'nothing known' },
};

/** What kind of app. */
export const APP_KINDS: Record<components['schemas']['SubAppKind'], Label> = {
  mini_program: { zh: '小程序', en: 'Mini program' },
  official_account: { zh: '公众号', en: 'Official account' },
  app: { zh: 'App', en: 'App' },
};

/** Whether the app is bound at WeChat. */
export const BINDINGS: Record<components['schemas']['SubAppBinding'], StateWord> = {
  unconfirmed: { zh: '未确认', en: 'Unconfirmed', tone: 'wait' },
  bound: { zh: '已绑定', en: 'Bound', tone: 'ok' },
  unbound: { zh: '未绑定', en: 'Not bound', tone: 'bad' },
};
