import { Button } from 'antd';
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { ActorName } from '@/app/session/names';
import { useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { Empty } from '@/shared/ui/empty';
import { announce } from '@/shared/ui/notices';
import { ProblemView } from '@/shared/ui/problem-view';
import { TextField } from '@/shared/ui/text-field';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type Order, useOrdersChanged } from '../queries';

const MOST = 500;

/** What people wrote beside the order; nothing is ever taken away. */
export function Notes({ detail }: { detail: Order }) {
  const t = useText(words);
  const changed = useOrdersChanged();
  const [text, setText] = useState('');
  const { run, pending, error } = useAct(async () => {
    await api.POST('/admin/v1/orders/{order_id}/notes', {
      params: { path: { order_id: detail.order.id } },
      body: { words: text.trim() },
    });
    setText('');
    await changed();
    announce(t('noteSaved'));
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    void run();
  }
  return (
    <div className="stack">
      {detail.notes.length === 0 && <Empty text={t('noNotes')} />}
      <ul className="stack">
        {detail.notes.map((note) => (
          <li key={note.id}>
            <div className="row hint">
              <ActorName actor={note.author} />
              <TimeText at={note.created_at} />
            </div>
            <p className="break">{note.words}</p>
          </li>
        ))}
      </ul>
      <form className="dialog-form narrow" onSubmit={submit}>
        <TextField field="words" label={t('noteWords')} value={text} lines={3} maxLength={MOST} onChange={setText} />
        {error !== undefined && <ProblemView error={error} />}
        <div>
          <Button htmlType="submit" disabled={text.trim() === ''} loading={pending}>
            {t('addNote')}
          </Button>
        </div>
      </form>
    </div>
  );
}
