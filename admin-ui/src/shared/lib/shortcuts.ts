/** Single letters and sequences (`g o`) that act, unless a field has the focus, a dialog is open, or the person turned them off. */
import { useEffect, useRef } from 'react';
import { preferences } from './preferences';

/** What a key does; sequences are written with a space: `g o`. */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const SEQUENCE_MS = 1_000;

function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

function dialogOpen(): boolean {
  return [...document.querySelectorAll('[role="dialog"], [role="menu"], [role="listbox"]')].some(
    (element) => (element as HTMLElement).offsetParent !== null,
  );
}

/** The name of a pressed key; with Ctrl, Cmd or Alt it is none of ours. */
function nameOf(event: KeyboardEvent): string | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  return event.key === ' ' ? 'Space' : event.key;
}

/** Listens while the component is shown. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    let before = '';
    let pressedAt = 0;
    function pressed(event: KeyboardEvent) {
      const key = nameOf(event);
      if (!key || event.defaultPrevented || preferences().shortcuts === 'off' || inField(event.target) || dialogOpen())
        return;
      const sequence = event.timeStamp - pressedAt < SEQUENCE_MS ? `${before} ${key}` : key;
      before = key;
      pressedAt = event.timeStamp;
      const act =
        current.current[sequence] ?? (startsNone(current.current, before, sequence) ? undefined : current.current[key]);
      if (!act) return;
      event.preventDefault();
      act(event);
    }
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);
}

/** After `g`, the second letter of an unknown sequence does nothing. */
function startsNone(shortcuts: Shortcuts, key: string, sequence: string): boolean {
  const first = sequence.split(' ')[0] ?? '';
  return sequence !== key && Object.keys(shortcuts).some((name) => name.startsWith(`${first} `));
}
