import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { ColumnChooser } from '@/shared/ui/column-chooser';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { FilterBar } from '@/shared/ui/filter-bar';
import { NothingFound } from '@/shared/ui/nothing-found';
import { Page } from '@/shared/ui/page';
import { Pager } from '@/shared/ui/pager';
import { RefreshBar } from '@/shared/ui/refresh-bar';
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
    render: (member) => <span className="mono">{member.tenant_id ?? '—'}</span>,
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
  const { search, change } = useAddress();
  const query = useStaff(search);
  const [inviting, setInviting] = useState(false);
  const invite = can('staff:write') && (
    <Button type="primary" onClick={() => setInviting(true)}>
      {t('invite')}
    </Button>
  );
  return (
    <Page title={t('title')} actions={invite}>
      <FilterBar fields={FILTERS} search={search} onChange={change} />
      <div className="list-head">
        <RefreshBar query={query} />
        <ColumnChooser name="staff" columns={COLUMNS} />
      </div>
      <DataTable
        name="staff"
        caption={t('caption')}
        columns={COLUMNS}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={(member) => member.id}
        empty={<NothingFound fields={FILTERS} search={search} onChange={change} never={t('never')} />}
        footer={<Pager nextCursor={query.data?.next_cursor} />}
      />
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
    </Page>
  );
}
