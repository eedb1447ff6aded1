/** What the server finds for the search field, and where each kind of thing has its page. */
import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import { ORDER_STATES } from '@/features/orders';
import { REFUND_STATES } from '@/features/refunds';
import { DELIVERY_STATES } from '@/features/webhooks';
import type { Label } from '@/shared/lib/i18n';

export type SearchHit = components['schemas']['SearchHit'];

const LEAST_CHARACTERS = 2;

interface Kind extends Label {
  /** The address of its page; absent where there is no page of its own. */
  readonly path?: (hit: SearchHit) => string;
  /** Its states in words, where the server's note is a state. */
  readonly states?: Readonly<Record<string, Label>>;
}

/** Every kind of thing that can be found. */
export const KINDS: Record<string, Kind> = {
  order: { zh: '订单', en: 'Order', path: (hit) => `/orders/${hit.id}`, states: ORDER_STATES },
  refund: { zh: '退款', en: 'Refund', path: (hit) => `/refunds/${hit.id}`, states: REFUND_STATES },
  delivery: { zh: '投递', en: 'Delivery', path: (hit) => `/deliveries/${hit.id}`, states: DELIVERY_STATES },
  endpoint: { zh: 'Webhook 端点', en: 'Endpoint', path: (hit) => `/endpoints/${hit.id}` },
  tenant: { zh: '租户', en: 'Tenant', path: (hit) => `/tenants/${hit.id}` },
  sub_merchant: { zh: '特约商户', en: 'Sub-merchant', path: (hit) => `/sub-merchants/${hit.id}` },
  notification: { zh: '微信通知', en: 'Notification', path: (hit) => `/notifications/${hit.id}` },
  provider_key: { zh: '服务商密钥', en: 'Key of a provider', path: (hit) => `/providers/${providerOf(hit)}` },
  tenant_certificate: { zh: '租户证书', en: 'Certificate of a tenant', path: (hit) => `/tenants/${hit.tenant_id}` },
};

/** By what something was found or looked for. */
export const SHAPES: Readonly<Record<string, Label>> = {
  order_id: { zh: '订单编号', en: 'order id' },
  attempt_id: { zh: '下单尝试编号', en: 'attempt id' },
  refund_id: { zh: '退款编号', en: 'refund id' },
  late_payment_id: { zh: '迟到款项编号', en: 'late payment id' },
  event_id: { zh: '事件编号', en: 'event id' },
  delivery_id: { zh: '投递编号', en: 'delivery id' },
  tenant_id: { zh: '租户编号', en: 'tenant id' },
  sub_merchant_id: { zh: '特约商户编号', en: 'sub-merchant id' },
  endpoint_id: { zh: '端点编号', en: 'endpoint id' },
  notification_id: { zh: '微信通知编号', en: 'notification id' },
  provider_id: { zh: '服务商编号', en: 'provider id' },
  alarm_id: { zh: '告警编号', en: 'alarm id' },
  discrepancy_id: { zh: '差异编号', en: 'difference id' },
  job_id: { zh: '任务编号', en: 'job id' },
  transaction_id: { zh: '微信订单号', en: 'WeChat transaction' },
  wechat_refund_id: { zh: '微信退款单号', en: 'WeChat refund' },
  public_key_id: { zh: '微信支付公钥 ID', en: 'public key id' },
  certificate_serial: { zh: '证书序列号', en: 'certificate serial' },
  fingerprint: { zh: '指纹', en: 'fingerprint' },
  sub_appid: { zh: 'AppID', en: 'app id' },
  sub_mchid: { zh: '特约商户号', en: 'sub-merchant number' },
  request_id: { zh: '请求编号', en: 'request id' },
  number: { zh: '订单号或退款单号', en: 'order or refund number' },
  merchant_order_no: { zh: '商户订单号', en: 'merchant order number' },
  out_trade_no: { zh: '微信侧订单号', en: 'out_trade_no' },
  merchant_refund_no: { zh: '商户退款单号', en: 'merchant refund number' },
  out_refund_no: { zh: '微信侧退款单号', en: 'out_refund_no' },
  host: { zh: '端点域名', en: 'host of an endpoint' },
  tenant_name: { zh: '租户名称', en: 'name of a tenant' },
};

/** The note of a key ends with the provider whose it is. */
function providerOf({ note }: SearchHit): string {
  return /\bprv_\w+$/.exec(note)?.[0] ?? '';
}

/** One request for what is typed; nothing is asked for a single character. */
export function useFound(text: string) {
  return $api.useQuery(
    'get',
    '/admin/v1/search',
    { params: { query: { q: text } } },
    { enabled: text.length >= LEAST_CHARACTERS, placeholderData: (before) => before },
  );
}
