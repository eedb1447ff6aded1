/** All shortcuts on one sheet. */
import { Modal } from 'antd';
import { useLabel, useText } from '@/shared/lib/i18n';
import type { NavEntry } from './feature';
import { words } from './words';

interface ShortcutsHelpProps {
  readonly open: boolean;
  readonly entries: readonly NavEntry[];
  readonly onClose: () => void;
}

/** The sheet that `?` opens. */
export function ShortcutsHelp({ open, entries, onClose }: ShortcutsHelpProps) {
  const t = useText(words);
  const label = useLabel();
  const rows: readonly (readonly [keys: string, does: string])[] = [
    ['Ctrl+K · ⌘K · /', t('keySearch')],
    ['?', t('keyHelp')],
    ['j · k', t('keyRows')],
    ['Enter', t('keyOpen')],
    ['n', t('keyProblem')],
    ['R', t('keyRefund')],
    ['r', t('keyReplay')],
    ['a', t('keyApprove')],
    ...entries
      .filter((entry) => entry.letter)
      .map((entry) => [`g ${entry.letter}`, t('keyGo', { page: label(entry.label) })] as const),
  ];
  return (
    <Modal open={open} title={t('shortcutsTitle')} footer={null} onCancel={onClose} destroyOnHidden>
      <dl className="shortcut-list">
        {rows.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
