import { Button } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { tagged } from '@/api/tagged';
import { ActorName } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Panel } from '@/shared/ui/page';
import { ProblemView } from '@/shared/ui/problem-view';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type ReadinessLine, useMerchantsChanged, useReadiness } from '../queries';
import { FACTS, SOURCES } from '../states';

/** Whether a sub-merchant can take money: each line with its state, how we know, and what to do. */
export function Readiness({ merchantId }: { merchantId: string }) {
  const t = useText(words);
  const label = useLabel();
  const changed = useMerchantsChanged();
  const query = useReadiness(merchantId);
  const [claiming, setClaiming] = useState<ReadinessLine>();
  const lines = query.data?.data ?? [];
  const title = claiming?.holds ? t('withdraw') : t('confirm');
  return (
    <Panel
      title={t('readiness')}
      extra={
        <span className="faint">
          {t('ready', { count: lines.filter((line) => line.holds).length, all: lines.length })}
        </span>
      }
    >
      {query.error ? <ProblemView error={query.error} onRetry={() => query.refetch()} /> : null}
      <ul className="checks">
        {lines.map((line) => (
          <Line key={line.fact} line={line} onClaim={() => setClaiming(line)} />
        ))}
      </ul>
      <DangerDialog
        open={claiming !== undefined}
        tier={1}
        title={claiming ? `${title}: ${label(FACTS[claiming.fact])}` : ''}
        effect={t('confirmEffect')}
        act={title}
        target={claiming?.fact ?? ''}
        onConfirm={async () => {
          if (claiming) {
            const path = { sub_merchant_id: merchantId };
            const seen = tagged(
              await api.GET('/admin/v1/sub-merchants/{sub_merchant_id}/readiness', { params: { path } }),
            );
            await api.PUT('/admin/v1/sub-merchants/{sub_merchant_id}/readiness/{fact}', {
              params: { path: { ...path, fact: claiming.fact }, header: { 'If-Match': seen.etag } },
              body: { holds: !claiming.holds },
            });
          }
          await changed();
          return t('saved');
        }}
        onClose={() => setClaiming(undefined)}
      />
    </Panel>
  );
}

function Line({ line, onClaim }: { line: ReadinessLine; onClaim: () => void }) {
  const t = useText(words);
  const label = useLabel();
  const can = useCan();
  const fact = FACTS[line.fact];
  return (
    <li>
      <div>
        <ToneTag tone={line.holds ? 'ok' : 'warn'}>{line.holds ? t('holds') : t('missing')}</ToneTag>
      </div>
      <div>
        <div className="row">
          <strong>{label(fact)}</strong>
          <span className="faint">{label(SOURCES[line.source])}</span>
          {line.confirmed_by && <ActorName actor={line.confirmed_by} />}
          {line.at && <TimeText at={line.at} />}
        </div>
        {!line.holds && <p className="hint">{label(fact.todo)}</p>}
      </div>
      <div>
        {line.can_be_confirmed && can('tenant:write') && (
          <Button size="small" onClick={onClaim}>
            {line.holds ? t('withdraw') : t('confirm')}
          </Button>
        )}
      </div>
    </li>
  );
}
