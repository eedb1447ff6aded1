/** How old the rows are, and how they become new: by hand, or by themselves while nobody works on them. */
import { ReloadOutlined } from '@ant-design/icons';
import { Button, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useText } from '../lib/i18n';
import { beijingClock } from '../lib/time';
import { words } from './words';

interface RefreshBarProps {
  readonly query: { readonly dataUpdatedAt: number; readonly isFetching: boolean; readonly refetch: () => unknown };
  /** True while rows are chosen; a dialog and a hidden tab pause it anyway. */
  readonly paused?: boolean;
  /** How many rows came or went since; they are shown when asked for, so that nothing moves by itself. */
  readonly waiting?: number;
}

const SECONDS = [0, 10, 30, 60];

/** Stands above a list. */
export function RefreshBar({ query, paused, waiting = 0 }: RefreshBarProps) {
  const t = useText(words);
  const [every, setEvery] = useState(0);
  const { refetch } = query;
  useEffect(() => {
    if (every === 0 || paused) return;
    const timer = setInterval(() => {
      if (!document.hidden && !document.querySelector('.ant-modal-wrap, .ant-drawer-open')) refetch();
    }, every * 1_000);
    return () => clearInterval(timer);
  }, [every, paused, refetch]);
  return (
    <div className="refresh-bar">
      {query.dataUpdatedAt > 0 && (
        <span className="faint">{t('asOf', { time: beijingClock(query.dataUpdatedAt) })}</span>
      )}
      <Select
        aria-label={t('autoRefresh')}
        value={every}
        popupMatchSelectWidth={false}
        options={SECONDS.map((seconds) => ({
          value: seconds,
          label: seconds === 0 ? `${t('autoRefresh')}: ${t('off')}` : t('everySeconds', { count: seconds }),
        }))}
        onChange={setEvery}
      />
      <Button
        icon={<ReloadOutlined aria-hidden="true" />}
        type={waiting > 0 ? 'primary' : 'default'}
        loading={query.isFetching && waiting === 0}
        onClick={() => query.refetch()}
      >
        {waiting > 0 ? t('showWaiting', { count: waiting }) : t('refresh')}
      </Button>
      <span role="status" className="visually-hidden">
        {waiting > 0 ? t('waiting', { count: waiting }) : ''}
      </span>
    </div>
  );
}
