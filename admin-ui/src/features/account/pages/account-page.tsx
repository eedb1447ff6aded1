import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import type { components } from '@/api/schema';
import { useMe } from '@/app/session/use-session';
import { RoleTags, SessionTable } from '@/features/staff';
import { useText } from '@/shared/lib/i18n';
import { beijing } from '@/shared/lib/time';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { ToneTag } from '@/shared/ui/status-tag';
import { PasswordForm } from '../components/password-form';
import { words } from '../i18n';

type OpenSession = components['schemas']['OpenSession'];

/** Who one is, where one is signed in, and the password. */
export default function AccountPage() {
  const t = useText(words);
  const me = useMe();
  return (
    <Page title={t('title')}>
      <Panel title={t('facts')}>
        <Facts
          facts={[
            [t('email'), me.staff.email],
            [t('scope'), me.tenant?.name ?? t('provider')],
            [t('recoveryLeft'), me.staff.recovery_codes_left],
            [t('permissions'), <RoleTags key="roles" roles={me.roles} />],
          ]}
        />
      </Panel>
      <OwnSessions />
      <Panel title={t('password')}>
        <PasswordForm />
      </Panel>
    </Page>
  );
}

function OwnSessions() {
  const t = useText(words);
  const queries = useQueryClient();
  const query = $api.useQuery('get', '/admin/v1/sessions', {});
  const [ending, setEnding] = useState<OpenSession>();

  async function end(session: OpenSession): Promise<string> {
    await api.DELETE('/admin/v1/sessions/{session_id}', { params: { path: { session_id: session.id } } });
    await queries.invalidateQueries({ queryKey: ['get', '/admin/v1/sessions'] });
    return t('ended');
  }

  const column = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (session: OpenSession) =>
      session.current ? (
        <ToneTag tone="ok">{t('current')}</ToneTag>
      ) : (
        <Button
          size="small"
          aria-label={t('endOf', { time: beijing(session.created_at) })}
          onClick={() => setEnding(session)}
        >
          {t('end')}
        </Button>
      ),
  };
  return (
    <Panel title={t('sessions')}>
      <SessionTable query={query} more={column} />
      <DangerDialog
        open={ending !== undefined}
        tier={1}
        title={t('endOf', { time: beijing(ending?.created_at ?? '') })}
        effect={t('endEffect')}
        act={t('end')}
        target={ending?.id ?? ''}
        onConfirm={async () => (ending ? end(ending) : '')}
        onClose={() => setEnding(undefined)}
      />
    </Panel>
  );
}
