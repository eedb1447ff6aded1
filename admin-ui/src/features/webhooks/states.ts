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

/** Why an attempt failed, by the server's closed list. */
export const ERROR_CLASSES: Readonly<Record<string, Label>> = {
  dns_error: { zh: '域名无法解析', en: 'The name does not resolve' },
  dns_timeout: { zh: '域名解析超时', en: 'The name did not resolve in time' },
  blocked_address: { zh: '不允许的地址', en: 'An address that is not sent to' },
  connect_refused: { zh: '连接被拒绝', en: 'Connection refused' },
  connect_timeout: { zh: '连接超时', en: 'No connection in time' },
  tls_error: { zh: 'TLS 握手失败', en: 'TLS failed' },
  reset: { zh: '连接中断', en: 'The connection broke' },
  timeout_headers: { zh: '应答超时', en: 'No answer in time' },
  timeout_body: { zh: '应答正文超时', en: 'The body did not end in time' },
  redirect: { zh: '返回重定向', en: 'A redirect' },
  status_4xx: { zh: '返回 4xx', en: 'Answered 4xx' },
  status_5xx: { zh: '返回 5xx', en: 'Answered 5xx' },
  too_large: { zh: '应答头过大', en: 'The head is too large' },
  proxy_error: { zh: '平台出口代理故障', en: 'Our proxy failed' },
  internal: { zh: '平台内部错误', en: 'Our own fault' },
};

/** Why an endpoint is not served. */
export const DISABLED_REASONS: Readonly<Record<string, Label>> = {
  gone: { zh: '端点返回 410，已永久移除', en: 'It answered 410 Gone' },
  auto: { zh: '持续失败，自动停用', en: 'It failed for too long' },
  receiver: { zh: '接收方要求停用', en: 'The receiver asked for it' },
  manual: { zh: '人工停用', en: 'By hand' },
  security: { zh: '安全原因', en: 'For security' },
};

/** Who caused an attempt. */
export const TRIGGERS: Record<string, Label> = {
  auto: { zh: '自动', en: 'By schedule' },
  manual: { zh: '人工重放', en: 'By hand' },
  recover: { zh: '批量恢复', en: 'Recovery' },
  test: { zh: '测试', en: 'Test' },
};
