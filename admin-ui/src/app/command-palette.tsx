/** One field over everything: pages, commands and, once something is typed, what the server finds. */
import { useNavigate, useRouter } from '@tanstack/react-router';
import { Modal } from 'antd';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { type Label, useLabel, useText } from '@/shared/lib/i18n';
import { choose } from '@/shared/lib/preferences';
import { foldPasted } from '@/shared/lib/search-string';
import type { NavEntry } from './feature';
import { KINDS, type SearchHit, SHAPES, useFound } from './search';
import { words } from './words';

/** The typing pauses for so long before the server is asked. */
const PAUSE_MS = 120;

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
  const shapeName = useShapeName();
  const folded = foldPasted(text);
  const settled = useSettled(folded);
  const found = useFound(settled);
  const hits = useHits(settled === '' ? [] : (found.data?.data ?? []));
  const options = [...hits, ...useOptions(entries, folded)];
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
          {found.isFetching ? t('searching') : t('searchNone', { text: folded })}{' '}
          {found.data && t('searchWhere', { where: found.data.shapes.map(shapeName).join(t('listComma')) })}
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

/** What is typed, once the typing pauses. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** Says by what something was found. */
function useShapeName(): (shape: string) => string {
  const label = useLabel();
  return (shape) => (SHAPES[shape] ? label(SHAPES[shape]) : shape);
}

/** What the server found, the most certain first; only what has a page can be opened. */
function useHits(hits: readonly SearchHit[]): readonly Option[] {
  const t = useText(words);
  const label = useLabel();
  const navigate = useNavigate();
  const shapeName = useShapeName();
  const noteOf = (kind: (typeof KINDS)[string], note: string) => {
    const state = kind?.states?.[note];
    return state ? label(state) : note;
  };
  const { routesByPath } = useRouter();
  return hits.flatMap((hit) => {
    const kind = KINDS[hit.kind];
    const path = kind?.path?.(hit);
    const hasPage =
      path !== undefined && Object.keys(routesByPath).some((known) => known.startsWith(`/${path.split('/')[1]}/`));
    if (!kind || !hasPage) return [];
    return [
      {
        key: `${hit.kind}-${hit.id}`,
        group: t('found'),
        text: `${label(kind)} ${hit.title}`,
        hint: [noteOf(kind, hit.note), shapeName(hit.matched)].filter(Boolean).join(' · '),
        act: () => void navigate({ to: path }),
      },
    ];
  });
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
