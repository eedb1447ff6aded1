/** Two days of Beijing's calendar, typed or picked; presets are buttons, because a calendar cannot be reached by Tab. */
import { Button, DatePicker } from 'antd';
import dayjs from 'dayjs';
import customParseFormat from 'dayjs/plugin/customParseFormat';
import { type Label, useLabel, useText } from '../lib/i18n';
import { addDays, beijingDay, type Day, isDay, monthOf } from '../lib/time';
import { words } from './words';

dayjs.extend(customParseFormat);

/** Both ends, inclusive. */
export interface DayRange {
  readonly from?: Day;
  readonly to?: Day;
}

const FORMAT = 'YYYY-MM-DD';

interface Preset {
  readonly label: Label;
  readonly range: (today: Day) => Required<DayRange>;
}

const PRESETS: readonly Preset[] = [
  { label: { zh: '今天', en: 'Today' }, range: (today) => ({ from: today, to: today }) },
  {
    label: { zh: '昨天', en: 'Yesterday' },
    range: (today) => ({ from: addDays(today, -1), to: addDays(today, -1) }),
  },
  { label: { zh: '近 7 天', en: 'Last 7 days' }, range: (today) => lastDays(today, 7) },
  { label: { zh: '近 30 天', en: 'Last 30 days' }, range: (today) => lastDays(today, 30) },
  { label: { zh: '本月', en: 'This month' }, range: (today) => ({ from: monthOf(today).from, to: today }) },
  { label: { zh: '上月', en: 'Last month' }, range: (today) => monthOf(today, -1) },
];

/** The last `count` days with today. */
export function lastDays(today: Day, count: number): Required<DayRange> {
  return { from: addDays(today, 1 - count), to: today };
}

interface RangePickerProps {
  readonly label: string;
  readonly value: DayRange;
  readonly onChange: (range: DayRange) => void;
}

/** Picks from one day to another. */
export function RangePicker({ label, value, onChange }: RangePickerProps) {
  const t = useText(words);
  const word = useLabel();
  const today = beijingDay(Date.now());
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a border and a legend into the bar of filters.
    <div className="range" role="group" aria-label={label}>
      <DatePicker.RangePicker
        // Unless both ends may be empty, this field never lets the Tab key out.
        allowEmpty={[true, true]}
        format={FORMAT}
        value={[dayOf(value.from), dayOf(value.to)]}
        placeholder={[t('from'), t('to')]}
        onChange={(_, texts) => onChange({ from: texts?.[0] || undefined, to: texts?.[1] || undefined })}
        title={t('dateFormat')}
      />
      <span className="range-presets">
        {PRESETS.map((preset) => (
          <Button key={preset.label.en} size="small" type="text" onClick={() => onChange(preset.range(today))}>
            {word(preset.label)}
          </Button>
        ))}
      </span>
    </div>
  );
}

function dayOf(day: Day | undefined) {
  return day && isDay(day) ? dayjs(day, FORMAT) : null;
}
