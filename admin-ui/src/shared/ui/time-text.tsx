/** A moment in Beijing time; UTC and how long ago are said to those who ask. */
import { useTongue } from '../lib/i18n';
import { beijing, beijingMillis, type Moment, relative, utc } from '../lib/time';

/** Shows `2026-11-20 14:03:11`. */
export function TimeText({ at, exact = false }: { at: Moment | null | undefined; exact?: boolean }) {
  const tongue = useTongue();
  if (at === undefined || at === null || at === '') return <span className="faint">—</span>;
  const more = `${utc(at)} · ${relative(at, Date.now(), tongue)}`;
  return (
    <time dateTime={utc(at)} title={more} className="time">
      {exact ? beijingMillis(at) : beijing(at)}
    </time>
  );
}
