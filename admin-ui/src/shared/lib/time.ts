/** Beijing time and nothing else: China has kept UTC+8 without summer time since 1992. */

const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

/** A day of Beijing's calendar: `2026-11-20`. */
export type Day = string;

/** A moment as the API sends it (RFC 3339), or in milliseconds. */
export type Moment = string | number;

/** The moment in milliseconds, or nothing where the text is no time. */
export function millis(at: Moment): number | undefined {
  const value = typeof at === 'number' ? at : Date.parse(at);
  return Number.isFinite(value) ? value : undefined;
}

function shifted(at: Moment): string | undefined {
  const value = millis(at);
  return value === undefined ? undefined : new Date(value + OFFSET_MS).toISOString();
}

/** Writes `2026-11-20 14:03:11`; a text that is no time comes back as it is. */
export function beijing(at: Moment): string {
  return shifted(at)?.slice(0, 19).replace('T', ' ') ?? String(at);
}

/** Writes `2026-11-20 14:03:11.045`. */
export function beijingMillis(at: Moment): string {
  return shifted(at)?.slice(0, 23).replace('T', ' ') ?? String(at);
}

/** Writes `14:03:11`. */
export function beijingClock(at: Moment): string {
  return shifted(at)?.slice(11, 19) ?? String(at);
}

/** The day on Beijing's calendar. */
export function beijingDay(at: Moment): Day {
  return shifted(at)?.slice(0, 10) ?? String(at);
}

/** Writes `2026-11-20T06:03:11.045Z`. */
export function utc(at: Moment): string {
  const value = millis(at);
  return value === undefined ? String(at) : new Date(value).toISOString();
}

/** Whether the text is a day of the calendar. */
export function isDay(text: string): text is Day {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const value = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(value) && new Date(value).toISOString().startsWith(text);
}

/** Moves a day on the calendar. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The first and the last day of the month that lies `months` away. */
export function monthOf(day: Day, months = 0): { from: Day; to: Day } {
  const year = Number(day.slice(0, 4));
  const month = Number(day.slice(5, 7)) - 1 + months;
  const first = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
  const last = new Date(Date.UTC(year, month + 1, 0)).toISOString().slice(0, 10);
  return { from: first, to: last };
}

/** The moment at which a day begins in Beijing, as the API takes it. */
export function startOfDay(day: Day): string {
  return `${day}T00:00:00+08:00`;
}

/** The moment at which the day after begins, because the API's ends are exclusive. */
export function endOfDay(day: Day): string {
  return startOfDay(addDays(day, 1));
}

const UNITS = [
  { ms: DAY_MS, zh: '天', en: 'd' },
  { ms: 3_600_000, zh: '小时', en: 'h' },
  { ms: 60_000, zh: '分', en: 'min' },
  { ms: 1_000, zh: '秒', en: 's' },
] as const;

/** Writes a span by its two largest units: `3 分 12 秒`, `3 min 12 s`, `87 毫秒`. */
export function duration(ms: number, language: 'zh' | 'en'): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ${language === 'zh' ? '毫秒' : 'ms'}`;
  let rest = whole;
  const parts: string[] = [];
  for (const unit of UNITS) {
    const count = Math.floor(rest / unit.ms);
    rest -= count * unit.ms;
    if (count > 0) parts.push(`${count} ${unit[language]}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(' ');
}

/** Writes how long ago, or in how long: `3 分前`, `in 2 h`. */
export function relative(at: Moment, now: number, language: 'zh' | 'en'): string {
  const value = millis(at);
  if (value === undefined) return String(at);
  const span = now - value;
  const size = duration(roughly(Math.abs(span)), language);
  if (language === 'zh') return span >= 0 ? `${size}前` : `${size}后`;
  return span >= 0 ? `${size} ago` : `in ${size}`;
}

function roughly(ms: number): number {
  const unit = UNITS.find((candidate) => ms >= candidate.ms);
  return unit ? Math.floor(ms / unit.ms) * unit.ms : ms;
}
