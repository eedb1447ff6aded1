/** What faults are called, by the server's codes; a code that is not here shows the server's own title. */
import type { Label } from '../lib/i18n';

export const PROBLEM_TITLES: Readonly<Record<string, Label>> = {
  unauthorized: { zh: '需要登录', en: 'You are not signed in' },
  invalid_credentials: { zh: '登录信息或邀请不正确', en: 'The credentials or the invitation are not valid' },
  step_up_required: { zh: '需要再次验证身份', en: 'This needs a fresh proof that it is you' },
  permission_denied: { zh: '没有权限', en: 'Your roles do not allow this' },
  own_request: { zh: '不能审批自己的申请', en: 'Nobody approves a request of their own' },
  approval_required: { zh: '需要另一人批准', en: 'A second person must approve this first' },
  tenant_inactive: { zh: '租户未启用、已停用或已关闭', en: 'The tenant is not active' },
  not_found: { zh: '没有找到，或不在你可见的范围内', en: 'It is not there, or not in your scope' },
  not_refundable: { zh: '此订单不能这样退款', en: 'The order cannot be refunded like this' },
  state_conflict: { zh: '当前状态不允许这样做', en: 'Its state does not allow this' },
  version_conflict: { zh: '内容已被其他人修改', en: 'Somebody else changed it' },
  delivery_in_flight: { zh: '正在投递中', en: 'The delivery is being sent at this moment' },
  idempotency_in_flight: { zh: '上一次提交仍在处理', en: 'The first request is still running' },
  limit_reached: { zh: '数量已达上限', en: 'There may not be more of these' },
  body_too_large: { zh: '内容过大', en: 'The content is too large' },
  validation_failed: { zh: '填写的内容有误', en: 'Something is not filled in right' },
  wechat_refused: { zh: '微信支付拒绝了这次请求', en: 'WeChat Pay refused the call' },
  too_many_attempts: { zh: '尝试次数过多，请稍后再试', en: 'Too many tries; wait before the next' },
  internal: { zh: '平台内部错误', en: 'Something went wrong on our side' },
  wechat_busy: { zh: '微信支付要求放慢请求', en: 'WeChat Pay asks to slow down' },
  busy: {
    zh: '对微信支付的请求额度暂时用完，没有发送',
    en: 'The budget of calls is used up for now; nothing was sent',
  },
  unavailable: { zh: '服务暂时不可用', en: 'The service cannot answer at this moment' },
  outcome_unknown: { zh: '结果未知，正在向微信核实', en: 'The outcome is not known yet' },
  timeout: { zh: '应答超时，处理可能仍在继续', en: 'The answer took too long; the work may still complete' },
};

/** Who has to act when WeChat is the cause. */
export const ACTORS: Readonly<Record<string, Label>> = {
  tenant: { zh: '租户或特约商户', en: 'the tenant or its sub-merchant' },
  provider: { zh: '服务商人员', en: "the provider's staff" },
  wechat: { zh: '微信支付', en: 'WeChat Pay' },
  platform: { zh: '平台运维', en: 'whoever runs the platform' },
  nobody: { zh: '无需处理，平台会自行继续', en: 'nobody; the platform goes on by itself' },
};
