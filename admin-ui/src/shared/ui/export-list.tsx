import { Button } from 'antd';
import { useState } from 'react';
import { useText } from '../lib/i18n';
import { DangerDialog } from './danger-dialog';
import { words } from './words';

interface ExportListProps {
  /** What is listed, as its address names it. */
  readonly target: string;
  /** Starts the job that writes the file. */
  readonly start: () => Promise<unknown>;
}

/** A list as a file: made in the background, found under jobs. */
export function ExportList({ target, start }: ExportListProps) {
  const t = useText(words);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('export')}</Button>
      <DangerDialog
        open={open}
        tier={1}
        title={t('export')}
        effect={t('exportEffect')}
        act={t('export')}
        target={target}
        onConfirm={async () => {
          await start();
          return t('exported');
        }}
        onClose={() => setOpen(false)}
      />
    </>
  );
}
