/** One field over everything: pages, commands and, once something is typed, what the server finds. */
import { useNavigate } from '@tanstack/react-router';
import { Modal } from 'antd';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { type Label, useLabel, useText } from '@/shared/lib/i18n';
import { choose } from '@/shared/lib/preferences';
import { foldPasted } from '@/shared/lib/search-string';
import type { NavEntry } from './feature';
import { words } from './words';

interface CommandPaletteProps {
  readonly open: boolean;
  readonly entries: readonly NavEntry[];
  readonly onClose: () => void;
}

/** Something that Enter does. */
export interface Option {
  readonly key: string;
  readonly group: string;
  readonly text: string;
  readonly hint?: string;
  readonly act: () => void;
}

/** The dialog that Ctrl+K opens. */
export function CommandPalette({ open, entries, onClose }: CommandPaletteProps) {
  const t = useText(words);
  return (
    <Modal
      open={open}
      title={<span className="visually-hidden">{t('searchTitle')}</span>}
      footer={null}
      closable={false}
      onCancel={onClose}
      destroyOnHidden
      width={640}
      className="palette"
      style={{ top: 80 }}
    >
      <Palette entries={entries} onClose={onClose} />
    </Modal>
  );
}

function Palette({ entries, onClose }: Omit<CommandPaletteProps, 'open'>) {
  const t = useText(words);
  const listId = useId();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const folded = foldPasted(text);
  const options = useOptions(entries, folded);
  const chosen = options[Math.min(at, options.length - 1)];
  useEffect(() => field.current?.focus(), []);

  function take(option: Option | undefined) {
    if (!option) return;
    onClose();
    option.act();
  }

  function pressed(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined && options.length > 0) {
      event.preventDefault();
      setAt((Math.min(at, options.length - 1) + step + options.length) % options.length);
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      take(chosen);
    }
  }

  return (
    <div className="palette-body">
      <input
        ref={field}
        role="combobox"
        aria-label={t('search')}
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={chosen ? `${listId}-${chosen.key}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        placeholder={t('searchHint')}
        className="palette-field"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={pressed}
      />
      <Options id={listId} options={options} chosen={chosen} onTake={take} />
      {options.length === 0 && (
        <p role="status" className="palette-none">
          {t('searchNone', { text: folded })}
        </p>
      )}
    </div>
  );
}

interface OptionsProps {
  readonly id: string;
  readonly options: readonly Option[];
  readonly chosen: Option | undefined;
  readonly onTake: (option: Option) => void;
}

function Options({ id, options, chosen, onTake }: OptionsProps) {
  const t = useText(words);
  return (
    <div id={id} role="listbox" aria-label={t('results')} className="palette-list">
      {options.map((option, at) => (
        <div key={option.key} role="presentation">
          {option.group !== options[at - 1]?.group && (
            <div role="presentation" className="palette-group">
              {option.group}
            </div>
          )}
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and takes the keys. */}
          <div
            id={`${id}-${option.key}`}
            role="option"
            tabIndex={-1}
            aria-selected={option === chosen}
            className="palette-option"
            onClick={() => onTake(option)}
          >
            <span>{option.text}</span>
            {option.hint && <span className="faint">{option.hint}</span>}
          </div>
        </div>
      ))}
    </div>
  );
}

/** Pages and commands whose words contain what was typed. */
function useOptions(entries: readonly NavEntry[], text: string): readonly Option[] {
  const t = useText(words);
  const label = useLabel();
  const navigate = useNavigate();
  const wanted = text.toLowerCase();
  const fits = (words: Label) => [words.zh, words.en].some((word) => word.toLowerCase().includes(wanted));
  const pages = entries
    .filter((entry) => fits(entry.label))
    .map((entry) => ({
      key: entry.to,
      group: t('pages'),
      text: label(entry.label),
      hint: entry.letter ? `g ${entry.letter}` : undefined,
      act: () => void navigate({ to: entry.to }),
    }));
  const commands = COMMANDS.filter((command) => fits(command.label)).map((command) => ({
    key: command.label.en,
    group: t('commands'),
    text: label(command.label),
    act: command.act,
  }));
  return [...pages, ...commands];
}

const COMMANDS: readonly { readonly label: Label; readonly act: () => void }[] = [
  { label: { zh: '切换到英文 English', en: 'Switch to English' }, act: () => choose({ language: 'en' }) },
  { label: { zh: '切换到中文', en: 'Switch to Chinese 中文' }, act: () => choose({ language: 'zh-CN' }) },
  { label: { zh: '浅色外观', en: 'Light theme' }, act: () => choose({ theme: 'light' }) },
  { label: { zh: '深色外观', en: 'Dark theme' }, act: () => choose({ theme: 'dark' }) },
];
