/** A field for an id: chosen by name from a short list, or typed. */
import { AutoComplete } from 'antd';
import { useId } from 'react';
import { useText } from '../lib/i18n';
import { useFieldFault } from './field-faults';
import { words } from './words';

interface NamedFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (id: string) => void;
  /** What may be chosen; empty where this person may not see the list. */
  readonly names: readonly { readonly id: string; readonly name: string }[];
  readonly hint?: string;
  /** Its name in the API: what the server says about it is shown here. */
  readonly field?: string;
}

/** The field with its label, and below it the name of what is chosen. */
export function NamedField({ label, value, onChange, names, hint, field }: NamedFieldProps) {
  const t = useText(words);
  const id = useId();
  const fault = useFieldFault(field);
  const chosen = names.find((each) => each.id === value.trim())?.name;
  const note = fault ?? chosen ?? hint ?? (names.length > 0 ? t('byName') : undefined);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <AutoComplete
        id={id}
        value={value}
        onChange={(text: string) => onChange(text ?? '')}
        options={names.map((each) => ({ value: each.id, label: each.name, name: each.name }))}
        showSearch={{
          filterOption: (typed, option) =>
            typed === value.trim() ||
            `${option?.name ?? ''} ${option?.value ?? ''}`.toLowerCase().includes(typed.trim().toLowerCase()),
        }}
        status={fault ? 'error' : undefined}
        aria-invalid={fault !== undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      />
      {note && (
        <span id={`${id}-note`} className={fault ? 'field-error' : 'hint'}>
          {note}
        </span>
      )}
    </div>
  );
}
