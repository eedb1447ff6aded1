/** One labelled line of text in a dialog. */
import { Input } from 'antd';
import { useId } from 'react';
import { useFieldFault } from './field-faults';

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly error?: string;
  /** Its name in the API: what the server says about it is shown here. */
  readonly field?: string;
  readonly mono?: boolean;
  readonly lines?: number;
  readonly inputMode?: 'decimal' | 'numeric';
  readonly maxLength?: number;
}

/** The field with its label, and below it a hint or what is wrong. */
export function TextField(props: TextFieldProps) {
  const { label, value, onChange, hint, mono, lines, inputMode, maxLength } = props;
  const id = useId();
  const fault = useFieldFault(props.field);
  const error = props.error ?? fault;
  const note = error ?? hint;
  const same = {
    id,
    value,
    maxLength,
    className: mono ? 'mono' : undefined,
    status: error ? ('error' as const) : undefined,
    spellCheck: false,
    autoComplete: 'off',
    'aria-invalid': Boolean(error),
    'aria-describedby': note ? `${id}-note` : undefined,
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {lines ? (
        <Input.TextArea {...same} rows={lines} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <Input {...same} inputMode={inputMode} onChange={(event) => onChange(event.target.value)} />
      )}
      {note && (
        <span id={`${id}-note`} className={error ? 'field-error' : 'hint'}>
          {note}
        </span>
      )}
    </div>
  );
}
