import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

export type RoleName = components['schemas']['RoleName'];

/** Whether a person may sign in. */
export const STAFF_STATES: Record<components['schemas']['StaffState'], StateWord> = {
  invited: { zh: '待接受邀请', en: 'Invited', tone: 'wait' },
  active: { zh: '正常', en: 'Active', tone: 'ok' },
  suspended: { zh: '已停用', en: 'Suspended', tone: 'idle' },
};

/** What a person is responsible for. */
export const ROLES: Record<RoleName, Label> = {
  platform_owner: { zh: '平台所有者', en: 'Platform owner' },
  platform_ops: { zh: '平台运营', en: 'Platform operations' },
  platform_finance: { zh: '平台财务', en: 'Platform finance' },
  auditor: { zh: '审计', en: 'Auditor' },
  support: { zh: '客服', en: 'Support' },
  tenant_owner: { zh: '租户所有者', en: 'Tenant owner' },
  tenant_dev: { zh: '租户开发者', en: 'Tenant developer' },
  tenant_finance: { zh: '租户财务', en: 'Tenant finance' },
  tenant_viewer: { zh: '租户只读', en: 'Tenant viewer' },
};

/** What each role is for, in a line. */
export const DUTIES: Record<RoleName, Label> = {
  platform_owner: { zh: '全部权限，审批密钥与角色', en: 'everything; approves keys and roles' },
  platform_ops: { zh: '租户、商户、密钥与 Webhook', en: 'tenants, merchants, keys and webhooks' },
  platform_finance: { zh: '订单、退款审批、对账与账单', en: 'orders, refunds, reconciliation and bills' },
  auditor: { zh: '查看全部并导出审计，不能修改', en: 'reads everything, exports the audit log' },
  support: { zh: '查单、看通知、重放单条投递', en: 'looks up orders, replays one delivery' },
  tenant_owner: { zh: '本租户全部数据与人员', en: 'all of their own tenant' },
  tenant_dev: { zh: '本租户密钥、端点与投递', en: 'keys, endpoints and deliveries of the tenant' },
  tenant_finance: { zh: '本租户订单、退款与账单', en: 'orders, refunds and bills of the tenant' },
  tenant_viewer: { zh: '只看本租户数据', en: "reads what is the tenant's" },
};
