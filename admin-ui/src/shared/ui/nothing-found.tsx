/** An empty list: never used, or filtered to nothing. */
import { Button } from 'antd';
import type { ReactNode } from 'react';
import { useText } from '../lib/i18n';
import type { Search } from '../lib/search-string';
import { Empty } from './empty';
import { type FilterField, isFiltered, ninetyDays } from './filter-bar';
import { words } from './words';

interface NothingFoundProps {
  readonly fields: readonly FilterField[];
  readonly search: Partial<Search>;
  readonly onChange: (change: Record<string, string | undefined>) => void;
  /** Said when nothing is filtered. */
  readonly never: string;
  /** The first step, where nothing is filtered. */
  readonly children?: ReactNode;
}

/** Says why there is nothing, and offers the way out. */
export function NothingFound({ fields, search, onChange, never, children }: NothingFoundProps) {
  const t = useText(words);
  const days = fields.find((field) => field.kind === 'days');
  const filtered = isFiltered(fields, search);
  if (!filtered && !days) return <Empty text={never}>{children}</Empty>;
  const names = fields.flatMap((field) => (field.kind === 'days' ? [field.name, field.end] : [field.name]));
  const { from, to } = ninetyDays();
  return (
    <Empty text={filtered ? t('emptyFiltered') : never}>
      {days && (
        <Button onClick={() => onChange({ [days.name]: from, [days.end]: to, cursor: undefined })}>{t('widen')}</Button>
      )}
      {filtered && (
        <Button onClick={() => onChange(Object.fromEntries([...names, 'cursor'].map((name) => [name, undefined])))}>
          {t('clearFilters')}
        </Button>
      )}
      {!filtered && children}
    </Empty>
  );
}
