import { useParams } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import { ProviderName } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Money } from '@/shared/ui/money';
import { ObjectPage } from '@/shared/ui/object-page';
import { Page, Panel } from '@/shared/ui/page';
import { StatusTag, ToneTag } from '@/shared/ui/status-tag';
import { Differences } from '../components/differences';
import { words } from '../i18n';
import { type Day, type Figures, useFinanceChanged } from '../queries';
import { DAY_STATES } from '../states';

const COMPARED_MS = 5_000;

/** One day of one provider: totals, differences, closing. */
export default function DayPage() {
  const t = useText(words);
  const { providerId, date } = useParams({ strict: false }) as { providerId: string; date: string };
  const every = useAskedEvery(COMPARED_MS);
  const query = $api.useQuery(
    'get',
    '/admin/v1/reconciliation/providers/{provider_id}/days/{date}',
    { params: { path: { provider_id: providerId, date } } },
    { refetchInterval: ({ state }) => (state.data && !isWhole(state.data) ? every : false) },
  );
  return (
    <ObjectPage title={`${t('day')} ${date}`} query={query}>
      {(day) => <Whole day={day} />}
    </ObjectPage>
  );
}

/** Whether all bills of the day were compared, and none is waited for. */
const isWhole = (day: Day) => day.completed_at !== undefined && day.next_try_at === undefined;

function Whole({ day }: { day: Day }) {
  const t = useText(words);
  const can = useCan();
  const changed = useFinanceChanged();
  const [closing, setClosing] = useState(false);
  const closable = day.open === 0 && isWhole(day) && !day.closed_at;
  const close = can('reconciliation:close') && (
    <Button type="primary" disabled={!closable} onClick={() => setClosing(true)}>
      {t('close')}
    </Button>
  );
  return (
    <Page title={`${t('day')} ${day.date}`} actions={close}>
      <div className="row">
        <StatusTag value={day.closed_at ? 'closed' : day.state} words={DAY_STATES} />
        <span>{t('open', { count: day.open })}</span>
        <ProviderName id={day.provider_id} />
        {!closable && !day.closed_at && <span className="hint">{t(day.open > 0 ? 'notZero' : 'notWhole')}</span>}
        {day.failure && <span className="field-error">{day.failure}</span>}
      </div>
      <Panel title={t('figures')}>
        <Comparison day={day} />
        <p className="hint">
          {t('explains')} {t('fenNote')}
        </p>
      </Panel>
      <Panel title={t('differences')}>
        <Differences day={day} />
      </Panel>
      <DangerDialog
        open={closing}
        tier={2}
        title={t('close')}
        effect={t('closeEffect')}
        act={t('close')}
        target={day.date}
        onConfirm={async () => {
          await api.POST('/admin/v1/reconciliation/providers/{provider_id}/days/{date}/close', {
            params: { path: { provider_id: day.provider_id, date: day.date } },
          });
          await changed();
          return t('closed');
        }}
        onClose={() => setClosing(false)}
      />
    </Page>
  );
}

/** The columns that hold money. */
const AMOUNTS = new Set([1, 2, 3]);

/** Ours, WeChat's, and the difference, exact to the fen. */
function Comparison({ day }: { day: Day }) {
  const t = useText(words);
  const rows: readonly (readonly [string, Figures])[] = [
    [t('payments'), day.payments],
    [t('refunds'), day.refunds],
  ];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="table-scroll" tabIndex={0} aria-label={t('figures')}>
      <table className="table table-compact">
        <caption className="visually-hidden">{t('figures')}</caption>
        <thead>
          <tr>
            {['', t('local'), t('bill'), t('difference'), t('state')].map((name, at) => (
              <th key={name} scope="col" className={AMOUNTS.has(at) ? 'cell-right' : undefined}>
                {name || <span className="visually-hidden">{t('figures')}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, figures]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td data-label={t('local')} className="cell-right">
                <Counted fen={figures.local} count={figures.local_count} />
              </td>
              <td data-label={t('bill')} className="cell-right">
                <Counted fen={figures.bill} count={figures.bill_count} />
              </td>
              <td data-label={t('difference')} className="cell-right">
                <Money fen={figures.local - figures.bill} strong />
              </td>
              <td data-label={t('state')}>
                <Verdict figures={figures} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** An amount with how many rows make it. */
function Counted({ fen, count }: { fen: number; count: number }) {
  const t = useText(words);
  return (
    <span>
      <span className="faint">{t('rows', { count })}</span> <Money fen={fen} />
    </span>
  );
}

/** Whether the books agree; else whether the differences below say all of it. */
function Verdict({ figures }: { figures: Figures }) {
  const t = useText(words);
  if (!figures.holds) return <ToneTag tone="bad">{t('disagrees')}</ToneTag>;
  if (figures.local === figures.bill) return <ToneTag tone="ok">{t('agrees')}</ToneTag>;
  return <ToneTag tone="warn">{t('listed')}</ToneTag>;
}
