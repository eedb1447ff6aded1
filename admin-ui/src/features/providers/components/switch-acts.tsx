import { Button } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { words } from '../i18n';
import { useKeysChanged } from '../queries';

type Act = 'test' | 'prefer' | 'rollBack';

/** The self-test and the gray switch, forth and back. */
export function SwitchActs({ providerId }: { providerId: string }) {
  const t = useText(words);
  const can = useCan();
  const changed = useKeysChanged();
  const [act, setAct] = useState<Act>();
  const params = { path: { provider_id: providerId } };
  const kinds = {
    test: {
      effect: t('testEffect'),
      done: t('tested'),
      run: () => api.POST('/admin/v1/providers/{provider_id}/test-keys', { params }),
    },
    prefer: {
      effect: t('preferEffect'),
      done: t('preferred'),
      run: () => api.POST('/admin/v1/providers/{provider_id}/prefer-public-key', { params }),
    },
    rollBack: {
      effect: t('rollBackEffect'),
      done: t('rolledBack'),
      run: () => api.POST('/admin/v1/providers/{provider_id}/roll-back-public-key', { params }),
    },
  };
  if (!can('provider:write')) return null;
  return (
    <div className="row">
      <Button onClick={() => setAct('test')}>{t('test')}</Button>
      <Button onClick={() => setAct('prefer')}>{t('prefer')}</Button>
      <Button onClick={() => setAct('rollBack')}>{t('rollBack')}</Button>
      <DangerDialog
        open={act !== undefined}
        tier={act === 'test' ? 1 : 2}
        title={act ? t(act) : ''}
        effect={act ? kinds[act].effect : ''}
        act={act ? t(act) : ''}
        target={providerId}
        onConfirm={async () => {
          if (!act) return '';
          await kinds[act].run();
          await changed();
          return kinds[act].done;
        }}
        onClose={() => setAct(undefined)}
      />
    </div>
  );
}
