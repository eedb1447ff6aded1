import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { Tagged } from '@/api/tagged';
import { TenantLink } from '@/app/session/names';
import { FoldedChanges } from '@/features/audit';
import { useText } from '@/shared/lib/i18n';
import { ActionBar } from '@/shared/ui/action-bar';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { type ActName, MemberActs } from '../components/member-acts';
import { RoleTags } from '../components/role-tags';
import { SessionTable } from '../components/session-table';
import { words } from '../i18n';
import { type StaffMember, useMember, useSessionsOf } from '../queries';
import { STAFF_STATES } from '../states';

/** One person: facts, sessions, and what may be done. */
export default function MemberPage() {
  const t = useText(words);
  const { staffId } = useParams({ strict: false }) as { staffId: string };
  const query = useMember(staffId);
  return (
    <ObjectPage title={t('title')} query={query}>
      {(member) => <Member member={member} />}
    </ObjectPage>
  );
}

function Member({ member }: { member: Tagged<StaffMember> }) {
  const t = useText(words);
  const { value } = member;
  const [act, setAct] = useState<ActName>();
  const sessions = useSessionsOf(value.id);
  return (
    <Page title={value.name} tab={`${value.name} · ${t('title')}`}>
      <ActionBar
        actions={value.actions}
        buttons={[
          { name: 'update', label: { zh: '修改姓名', en: 'Change the name' }, act: () => setAct('rename') },
          { name: 'change_roles', label: { zh: '修改角色', en: 'Change roles' }, act: () => setAct('roles') },
          { name: 'renew_invitation', label: { zh: '重新生成邀请', en: 'New invitation' }, act: () => setAct('renew') },
          {
            name: 'reset_second_factor',
            label: { zh: '重置两步验证', en: 'Reset the second factor' },
            act: () => setAct('reset'),
          },
          { name: 'end_sessions', label: { zh: '结束全部会话', en: 'End all sessions' }, act: () => setAct('end') },
          { name: 'reactivate', label: { zh: '恢复', en: 'Reactivate' }, act: () => setAct('reactivate') },
          { name: 'suspend', label: { zh: '停用', en: 'Suspend' }, danger: true, act: () => setAct('suspend') },
        ]}
      />
      <Panel title={t('facts')}>
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={value.state} words={STAFF_STATES} />],
            [t('roles'), <RoleTags key="roles" roles={value.roles} />],
            [t('email'), value.email],
            [t('secondFactor'), value.second_factor ? t('bound') : t('unbound')],
            [t('tenant'), value.tenant_id ? <TenantLink key="tenant" id={value.tenant_id} /> : t('platform')],
            [t('lastSignIn'), <TimeText key="last" at={value.last_sign_in_at} />],
            [t('created'), <TimeText key="created" at={value.created_at} />],
            [t('id'), <IdText key="id" value={value.id} what={t('id')} />],
          ]}
        />
      </Panel>
      <Panel title={t('sessions')}>
        <SessionTable query={sessions} />
      </Panel>
      <MemberActs act={act} member={member} onClose={() => setAct(undefined)} />
      <FoldedChanges target={value.id} />
    </Page>
  );
}
