/** Filters whose only state is the address: each field writes one parameter of the API, and what is active is a chip. */
import { CloseOutlined } from '@ant-design/icons';
import { Button, Input, Select } from 'antd';
import { useEffect, useState } from 'react';
import { type Label, useLabel, useText } from '../lib/i18n';
import { foldPasted, type Search } from '../lib/search-string';
import { addDays, beijingDay } from '../lib/time';
import { RangePicker } from './range-picker';
import { words } from './words';

/** A choice of a select field. */
export interface Choice extends Label {
  readonly value: string;
}

/** What may be filtered, by the API's own parameter names. */
export type FilterField =
  | { readonly kind: 'text'; readonly name: string; readonly label: Label; readonly width?: number }
  | { readonly kind: 'choice'; readonly name: string; readonly label: Label; readonly choices: readonly Choice[] }
  | {
      readonly kind: 'days';
      readonly name: string;
      readonly end: string;
      readonly label: Label;
      readonly window: boolean;
    };

interface FilterBarProps {
  /** What counts where the address says nothing; shown in the field, not as a chip that could be taken away. */
  readonly defaults?: Partial<Search>;
  readonly fields: readonly FilterField[];
  readonly search: Partial<Search>;
  /** Writes the address; an absent value removes the parameter. The cursor goes by itself. */
  readonly onChange: (change: Record<string, string | undefined>) => void;
}

/** Shows the fields, and below them what they filter by. */
export function FilterBar({ fields, search, defaults = {}, onChange }: FilterBarProps) {
  const t = useText(words);
  const change = (next: Record<string, string | undefined>) => onChange({ ...next, cursor: undefined });
  const [open, setOpen] = useState(false);
  return (
    <search className={open ? 'filters filters-open' : 'filters'} aria-label={t('filters')}>
      <Button className="filters-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t(open ? 'hideFilters' : 'showFilters')}
      </Button>
      <div className="filter-fields">
        {fields.map((field) => (
          <Field key={field.name} field={field} search={{ ...defaults, ...search }} onChange={change} />
        ))}
      </div>
      <Chips fields={fields} search={search} onChange={change} />
    </search>
  );
}

interface FieldProps<Kind extends FilterField = FilterField> {
  readonly field: Kind;
  readonly search: Partial<Search>;
  readonly onChange: (change: Record<string, string | undefined>) => void;
}

function Field({ field, search, onChange }: FieldProps) {
  if (field.kind === 'text') return <TextField field={field} search={search} onChange={onChange} />;
  if (field.kind === 'choice') return <ChoiceField field={field} search={search} onChange={onChange} />;
  return <DaysField field={field} search={search} onChange={onChange} />;
}

function TextField({ field, search, onChange }: FieldProps<Extract<FilterField, { kind: 'text' }>>) {
  const label = useLabel();
  const value = search[field.name] ?? '';
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  function commit() {
    const folded = foldPasted(draft);
    setDraft(folded);
    if (folded !== value) onChange({ [field.name]: folded || undefined });
  }
  return (
    <Input
      aria-label={label(field.label)}
      placeholder={label(field.label)}
      style={{ width: field.width ?? 200 }}
      value={draft}
      allowClear
      onChange={(event) => setDraft(event.target.value)}
      onClear={() => onChange({ [field.name]: undefined })}
      onPressEnter={commit}
      onBlur={commit}
    />
  );
}

function ChoiceField({ field, search, onChange }: FieldProps<Extract<FilterField, { kind: 'choice' }>>) {
  const label = useLabel();
  return (
    <Select
      aria-label={label(field.label)}
      placeholder={label(field.label)}
      value={search[field.name]}
      allowClear
      popupMatchSelectWidth={false}
      style={{ minWidth: 130 }}
      options={field.choices.map((choice) => ({ value: choice.value, label: label(choice) }))}
      onChange={(value?: string) => onChange({ [field.name]: value })}
    />
  );
}

function DaysField({ field, search, onChange }: FieldProps<Extract<FilterField, { kind: 'days' }>>) {
  const label = useLabel();
  return (
    <RangePicker
      label={label(field.label)}
      value={{ from: search[field.name], to: search[field.end] }}
      onChange={({ from, to }) => onChange({ [field.name]: from, [field.end]: to })}
    />
  );
}

interface Chip {
  readonly names: readonly string[];
  readonly text: string;
  readonly fixed?: boolean;
}

function Chips({ fields, search, onChange }: FilterBarProps) {
  const t = useText(words);
  const label = useLabel();
  const chips = fields.flatMap((field) => chipOf(field, search, label, t('defaultWindow')) ?? []);
  const removable = chips.filter((chip) => !chip.fixed);
  if (chips.length === 0) return null;
  const cleared = (names: readonly string[]) => onChange(Object.fromEntries(names.map((name) => [name, undefined])));
  return (
    <ul className="chips">
      {chips.map((chip) => (
        <li key={chip.text} className="chip">
          {chip.text}
          {!chip.fixed && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('removeFilter', { what: chip.text })}
              onClick={() => cleared(chip.names)}
            >
              <CloseOutlined aria-hidden="true" />
            </button>
          )}
        </li>
      ))}
      {removable.length > 0 && (
        <li>
          <Button size="small" type="link" onClick={() => cleared(removable.flatMap((chip) => chip.names))}>
            {t('clearFilters')}
          </Button>
        </li>
      )}
    </ul>
  );
}

function chipOf(
  field: FilterField,
  search: Partial<Search>,
  label: (label: Label) => string,
  defaultWindow: string,
): Chip | undefined {
  const value = search[field.name];
  if (field.kind === 'days') {
    const end = search[field.end];
    if (!value && !end)
      return field.window ? { names: [], text: `${label(field.label)}: ${defaultWindow}`, fixed: true } : undefined;
    return { names: [field.name, field.end], text: `${label(field.label)}: ${value ?? '…'} – ${end ?? '…'}` };
  }
  if (!value) return undefined;
  const choice = field.kind === 'choice' ? field.choices.find((each) => each.value === value) : undefined;
  return { names: [field.name], text: `${label(field.label)}: ${choice ? label(choice) : value}` };
}

/** Whether anything but paging filters the list. */
export function isFiltered(fields: readonly FilterField[], search: Partial<Search>): boolean {
  return fields.some((field) => search[field.name] || (field.kind === 'days' && search[field.end]));
}

/** The last 90 days, as the way out of an empty list. */
export function ninetyDays(): { from: string; to: string } {
  const today = beijingDay(Date.now());
  return { from: addDays(today, -89), to: today };
}
