import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { TenantLink } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { InviteDialog } from '../components/invite-dialog';
import { RoleTags } from '../components/role-tags';
import { words } from '../i18n';
import { type StaffMember, useStaff } from '../queries';
import { FILTERS } from '../search-params';
import { STAFF_STATES } from '../states';

const COLUMNS: readonly Column<StaffMember>[] = [
  {
    key: 'name',
    title: { zh: '姓名', en: 'Name' },
    render: (member) => (
      <Link to="/staff/$staffId" params={{ staffId: member.id }}>
        {member.name}
      </Link>
    ),
  },
  { key: 'email', title: { zh: '邮箱', en: 'E-mail' }, width: 200, render: (member) => member.email },
  { key: 'roles', title: { zh: '角色', en: 'Roles' }, render: (member) => <RoleTags roles={member.roles} /> },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (member) => <StatusTag value={member.state} words={STAFF_STATES} />,
  },
  {
    key: 'factor',
    title: { zh: '两步验证', en: 'Second factor' },
    render: (member) => <Factor bound={member.second_factor} />,
  },
  {
    key: 'last',
    title: { zh: '最近登录', en: 'Last sign-in' },
    width: 160,
    render: (member) => <TimeText at={member.last_sign_in_at} />,
  },
  {
    key: 'tenant',
    title: { zh: '租户', en: 'Tenant' },
    hidden: true,
    render: (member) => (member.tenant_id ? <TenantLink id={member.tenant_id} /> : '—'),
  },
];

function Factor({ bound }: { bound: boolean }) {
  const t = useText(words);
  return <>{bound ? t('bound') : t('unbound')}</>;
}

/** Everybody, and inviting somebody. */
export default function StaffPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const query = useStaff(search);
  const [inviting, setInviting] = useState(false);
  const invite = can('staff:write') && (
    <Button type="primary" onClick={() => setInviting(true)}>
      {t('invite')}
    </Button>
  );
  return (
    <ListPage
      name="staff"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      columns={COLUMNS}
      query={query}
      rowKey={(member) => member.id}
      actions={invite}
    >
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
    </ListPage>
  );
}
