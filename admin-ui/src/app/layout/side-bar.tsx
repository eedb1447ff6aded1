/** The navigation: only what works and what this person may see. */
import { Link } from '@tanstack/react-router';
import { GROUPS, type NavEntry } from '@/app/feature';
import { useLabel, useText } from '@/shared/lib/i18n';
import { words } from '../words';

interface SideBarProps {
  readonly entries: readonly NavEntry[];
  readonly onFollow?: () => void;
}

/** The list of pages, by group. */
export function SideBar({ entries, onFollow }: SideBarProps) {
  const t = useText(words);
  const label = useLabel();
  const groups = (Object.keys(GROUPS) as (keyof typeof GROUPS)[]).filter((group) =>
    entries.some((entry) => entry.group === group),
  );
  return (
    <nav aria-label={t('navigation')} className="side-nav">
      {groups.map((group) => (
        <section key={group} aria-label={label(GROUPS[group])}>
          <h2 className="side-group">{label(GROUPS[group])}</h2>
          <ul>
            {entries
              .filter((entry) => entry.group === group)
              .map((entry) => (
                <li key={entry.to}>
                  <Link
                    to={entry.to}
                    className="side-link"
                    activeProps={{ className: 'side-link side-link-active' }}
                    activeOptions={{ exact: entry.to === '/', includeSearch: false }}
                    title={label(entry.label)}
                    onClick={onFollow}
                  >
                    <span aria-hidden="true" className="side-icon">
                      {entry.icon}
                    </span>
                    <span className="side-text">{label(entry.label)}</span>
                  </Link>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}
