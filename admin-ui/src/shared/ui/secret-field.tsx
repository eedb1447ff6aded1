/** A secret goes in and never comes out: the field is a password field, and forgets what nobody sends. */
import { Button, Input } from 'antd';
import { useEffect, useId, useRef, useState } from 'react';
import { useText } from '../lib/i18n';
import { words } from './words';

const IDLE_MS = 5 * 60_000;
const MOST_FILE_BYTES = 64 * 1_024;

interface SecretFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly error?: string;
}

/** One line, such as an APIv3 key or a password. */
export function SecretField({ label, value, onChange, hint, error }: SecretFieldProps) {
  const t = useText(words);
  const id = useId();
  const cleared = useIdleClear(value, onChange);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <Input.Password
        id={id}
        value={value}
        autoComplete="new-password"
        spellCheck={false}
        status={error ? 'error' : undefined}
        aria-invalid={Boolean(error)}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-hint`} className={error ? 'field-error' : 'hint'}>
        {error ?? (cleared ? t('secretCleared') : hint)}
      </span>
    </div>
  );
}

interface SecretFileProps extends SecretFieldProps {
  /** Whether several may be chosen at once; `onChange` is called with each. */
  readonly multiple?: boolean;
}

/** A file, such as `apiclient_key.pem`; its text is read here and goes nowhere but into the call. */
export function SecretFile({ label, value, onChange, hint, error, multiple }: SecretFileProps) {
  const t = useText(words);
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [name, setName] = useState('');
  const cleared = useIdleClear(value, onChange);

  async function take(files: readonly File[]) {
    const small = files.filter((file) => file.size <= MOST_FILE_BYTES);
    setName(small.map((file) => file.name).join(', '));
    for (const file of small) onChange(await file.text());
    if (input.current) input.current.value = '';
  }

  return (
    <div className="field">
      <span id={`${id}-label`}>{label}</span>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple}
        onChange={(event) => void take([...(event.target.files ?? [])])}
      />
      <div>
        <Button aria-describedby={`${id}-label ${id}-hint`} onClick={() => input.current?.click()}>
          {t('chooseFile')}
        </Button>{' '}
        {value && <span>{t('fileChosen', { name: name || label })}</span>}
      </div>
      <span id={`${id}-hint`} className={error ? 'field-error' : 'hint'}>
        {error ?? (cleared ? t('secretCleared') : hint)}
      </span>
    </div>
  );
}

/** Forgets the value when nothing happened for a while; says whether it did. */
function useIdleClear(value: string, onChange: (value: string) => void): boolean {
  const [cleared, setCleared] = useState(false);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => {
    if (value === '') return;
    setCleared(false);
    const timer = setTimeout(() => {
      change.current('');
      setCleared(true);
    }, IDLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return cleared;
}
