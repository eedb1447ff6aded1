import { Button } from 'antd';
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { announce } from '@/shared/ui/notices';
import { ProblemView } from '@/shared/ui/problem-view';
import { SecretField } from '@/shared/ui/secret-field';
import { words } from '../i18n';

const LEAST = 12;
const EMPTY = { current: '', next: '', again: '' };

/** Changes one's own password. */
export function PasswordForm() {
  const t = useText(words);
  const [draft, setDraft] = useState(EMPTY);
  const change = (part: Partial<typeof EMPTY>) => setDraft((before) => ({ ...before, ...part }));
  const ready = draft.current !== '' && draft.next.length >= LEAST && draft.next === draft.again;
  const { run, pending, error } = useAct(async () => {
    await api.POST('/admin/v1/me/password', { body: { current_password: draft.current, new_password: draft.next } });
    setDraft(EMPTY);
    announce(t('changed'));
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    void run();
  }

  return (
    <form className="dialog-form narrow" onSubmit={submit}>
      <SecretField label={t('currentPassword')} value={draft.current} onChange={(current) => change({ current })} />
      <SecretField label={t('newPassword')} value={draft.next} onChange={(next) => change({ next })} />
      <SecretField
        label={t('again')}
        value={draft.again}
        error={draft.again !== '' && draft.again !== draft.next ? t('differ') : undefined}
        onChange={(again) => change({ again })}
      />
      {error !== undefined && <ProblemView error={error} />}
      <div>
        <Button type="primary" htmlType="submit" disabled={!ready} loading={pending}>
          {t('change')}
        </Button>
      </div>
    </form>
  );
}
