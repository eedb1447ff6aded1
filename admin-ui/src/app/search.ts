/** What the server finds for the search field, and where each kind of thing has its page. */
import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';

export type SearchHit = components['schemas']['SearchHit'];

const LEAST_CHARACTERS = 2;

interface Kind extends Label {
  /** The address of its page; absent where there is no page of its own. */
  readonly path?: (hit: SearchHit) => string;
}

/** Every kind of thing that can be found. */
export const KINDS: Record<string, Kind> = {
  order: { zh: '订单', en: 'Order', path: (hit) => `/orders/${hit.id}` },
  refund: { zh: '退款', en: 'Refund', path: (hit) => `/refunds/${hit.id}` },
  delivery: { zh: '投递', en: 'Delivery', path: (hit) => `/deliveries/${hit.id}` },
  endpoint: { zh: 'Webhook 端点', en: 'Endpoint', path: (hit) => `/endpoints/${hit.id}` },
  tenant: { zh: '租户', en: 'Tenant', path: (hit) => `/tenants/${hit.id}` },
  sub_merchant: { zh: '特约商户', en: 'Sub-merchant', path: (hit) => `/sub-merchants/${hit.id}` },
  notification: { zh: '微信通知', en: 'Notification', path: (hit) => `/notifications/${hit.id}` },
  provider_key: { zh: '服务商密钥', en: 'Key of a provider', path: (hit) => `/providers/${providerOf(hit)}` },
  tenant_certificate: { zh: '租户证书', en: 'Certificate of a tenant', path: (hit) => `/tenants/${hit.tenant_id}` },
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
