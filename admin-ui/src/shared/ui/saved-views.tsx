/** Filters under a name: some that everybody has, and those that a person keeps in this browser. */
import { CloseOutlined, StarOutlined } from '@ant-design/icons';
import { Button, Popover } from 'antd';
import { useState } from 'react';
import { useAddress } from '../lib/address';
import { type Label, useLabel, useText } from '../lib/i18n';
import { choose, MOST_VIEWS, preferences, usePreference } from '../lib/preferences';
import { parseSearch, type Search, stringifySearch } from '../lib/search-string';
import { TextField } from './text-field';
import { words } from './words';

/** A view that everybody has. */
export interface BuiltInView extends Label {
  readonly search: Search;
}

const MOST_NAME = 40;
/** A view is what is filtered, not where one stood in it. */
const PLACES = ['cursor', 'limit'];

/** What of the address makes a view. */
function filtersIn(search: Partial<Search>): string {
  return stringifySearch(Object.fromEntries(Object.entries(search).filter(([name]) => !PLACES.includes(name))));
}

/** Keeps the views of a list; a name that is there already is taken over. */
function keep(list: string, views: Readonly<Record<string, string>>): void {
  choose({ views: { ...preferences().views, [list]: views } });
}

/** A button that opens the views of a list. */
export function SavedViews({ name, builtIn }: { name: string; builtIn: readonly BuiltInView[] }) {
  const t = useText(words);
  const [open, setOpen] = useState(false);
  const content = <Views name={name} builtIn={builtIn} onTaken={() => setOpen(false)} />;
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={setOpen}
      content={content}
      destroyOnHidden
    >
      <Button icon={<StarOutlined aria-hidden="true" />} aria-expanded={open}>
        {t('views')}
      </Button>
    </Popover>
  );
}

interface ViewsProps {
  readonly name: string;
  readonly builtIn: readonly BuiltInView[];
  readonly onTaken: () => void;
}

function Views({ name, builtIn, onTaken }: ViewsProps) {
  const t = useText(words);
  const label = useLabel();
  const { search, change } = useAddress();
  const own = usePreference('views')[name] ?? {};

  function take(wanted: Search) {
    const cleared = Object.fromEntries(Object.keys(search).map((parameter) => [parameter, undefined]));
    change({ ...cleared, ...wanted });
    onTaken();
  }

  function forget(view: string) {
    keep(name, Object.fromEntries(Object.entries(own).filter(([known]) => known !== view)));
  }

  return (
    <div className="stack views">
      <ul className="stack" aria-label={t('views')}>
        {builtIn.map((view) => (
          <li key={view.en}>
            <Button type="link" size="small" onClick={() => take(view.search)}>
              {label(view)}
            </Button>
          </li>
        ))}
        {Object.entries(own).map(([view, text]) => (
          <li key={view} className="row">
            <Button type="link" size="small" onClick={() => take(parseSearch(text))}>
              {view}
            </Button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('forgetView', { what: view })}
              onClick={() => forget(view)}
            >
              <CloseOutlined aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
      <NewView
        full={Object.keys(own).length >= MOST_VIEWS}
        onName={(view) => keep(name, { ...own, [view]: filtersIn(search) })}
      />
    </div>
  );
}

function NewView({ full, onName }: { full: boolean; onName: (name: string) => void }) {
  const t = useText(words);
  const [text, setText] = useState('');
  if (full) return <p className="hint">{t('viewsFull', { count: MOST_VIEWS })}</p>;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === '') return;
        onName(text.trim());
        setText('');
      }}
    >
      <TextField label={t('viewName')} value={text} maxLength={MOST_NAME} onChange={setText} />
      <div>
        <Button htmlType="submit" disabled={text.trim() === ''}>
          {t('keepView')}
        </Button>
      </div>
    </form>
  );
}
