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
