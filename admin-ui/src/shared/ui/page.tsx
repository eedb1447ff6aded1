/** The frame of a page: one heading, the browser's title, and what may be done. */
import { type ReactNode, useEffect } from 'react';
import { useText } from '../lib/i18n';
import { words } from './words';

interface PageProps {
  readonly title: string;
  /** Says the title in the browser's tab where it should be longer. */
  readonly tab?: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Shows a page under its heading. */
export function Page({ title, tab = title, actions, children }: PageProps) {
  const t = useText(words);
  useEffect(() => {
    const badge = document.documentElement.dataset.environment === 'test' ? '[测试] ' : '';
    document.title = `${badge}${tab} · 支流 Tributary`;
  }, [tab]);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{title}</h1>
        <span className="page-zone">{t('beijing')}</span>
        {actions && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** A part of a page on its own ground. */
export function Panel({ title, extra, children }: { title?: string; extra?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      {(title || extra) && (
        <div className="panel-head">
          {title && <h2>{title}</h2>}
          {extra}
        </div>
      )}
      {children}
    </section>
  );
}

interface FactsProps {
  readonly facts: readonly (readonly [name: string, value: ReactNode])[];
  /** Each on a line of its own, for long values. */
  readonly rows?: boolean;
}

/** Names and values. */
export function Facts({ facts, rows = false }: FactsProps) {
  return (
    <dl className={rows ? 'facts facts-rows' : 'facts'}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '—'}</dd>
        </div>
      ))}
    </dl>
  );
}
