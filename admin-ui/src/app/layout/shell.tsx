/** What every page stands in: skip link, environment bar, top bar, side bar, main. */
import { MenuFoldOutlined, MenuOutlined, MenuUnfoldOutlined, SearchOutlined } from '@ant-design/icons';
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { Button, Drawer } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { CommandPalette } from '@/app/command-palette';
import type { NavEntry } from '@/app/feature';
import { LiveUpdates } from '@/app/live-updates';
import { ExpiredDialog } from '@/app/session/expired-dialog';
import { IdleWatch } from '@/app/session/idle-watch';
import { StepUpDialog } from '@/app/session/step-up-dialog';
import { useCan, useMe } from '@/app/session/use-session';
import { ShortcutsHelp } from '@/app/shortcuts-help';
import { useText } from '@/shared/lib/i18n';
import { choose, usePreference } from '@/shared/lib/preferences';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { Notices } from '@/shared/ui/notices';
import { words } from '../words';
import { AccountMenu } from './account-menu';
import { EnvironmentBar, OfflineBar } from './bars';
import { SideBar } from './side-bar';

/** The frame around the pages. */
export function Shell({ navigation }: { navigation: readonly NavEntry[] }) {
  const t = useText(words);
  const can = useCan();
  const entries = navigation.filter((entry) => !entry.permission || can(entry.permission));
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const folded = usePreference('sidebar') === 'folded';
  const main = useFocusAfterNavigation();
  useGlobalKeys(
    entries,
    () => setPalette(true),
    () => setHelp(true),
  );
  return (
    <div className={folded ? 'shell shell-folded' : 'shell'}>
      <a href="#main" className="skip-link">
        {t('skip')}
      </a>
      <EnvironmentBar />
      <header className="top-bar">
        <MenuDrawer entries={entries} />
        <Brand />
        <SearchButton onOpen={() => setPalette(true)} />
        <AccountMenu onHelp={() => setHelp(true)} />
      </header>
      <aside className="side-bar">
        <SideBar entries={entries} />
        <FoldButton folded={folded} />
      </aside>
      <main id="main" ref={main} tabIndex={-1} className="main">
        <OfflineBar />
        <Outlet />
      </main>
      <CommandPalette open={palette} entries={entries} onClose={() => setPalette(false)} />
      <ShortcutsHelp open={help} entries={entries} onClose={() => setHelp(false)} />
      <LiveUpdates />
      <StepUpDialog />
      <ExpiredDialog />
      <IdleWatch />
      <Notices />
    </div>
  );
}

/** The search opens from anywhere, also where the browser has its own idea of Ctrl+K; letters lead to pages. */
function useGlobalKeys(entries: readonly NavEntry[], onSearch: () => void, onHelp: () => void): void {
  const navigate = useNavigate();
  const open = useRef(onSearch);
  open.current = onSearch;
  useEffect(() => {
    function pressed(event: KeyboardEvent) {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      open.current();
    }
    window.addEventListener('keydown', pressed, { capture: true });
    return () => window.removeEventListener('keydown', pressed, { capture: true });
  }, []);
  useShortcuts({
    '/': onSearch,
    '?': onHelp,
    ...Object.fromEntries(
      entries
        .filter((entry) => entry.letter)
        .map((entry) => [`g ${entry.letter}`, () => void navigate({ to: entry.to })]),
    ),
  });
}

/** After following a link, a screen reader begins at the new page. */
function useFocusAfterNavigation() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    main.current?.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [pathname]);
  return main;
}

function Brand() {
  const t = useText(words);
  const me = useMe();
  return (
    <div className="brand">
      <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="24" height="24" />
      <span className="brand-name">{t('product')}</span>
      <span className="brand-scope">{me.tenant?.name ?? t('provider')}</span>
    </div>
  );
}

function SearchButton({ onOpen }: { onOpen: () => void }) {
  const t = useText(words);
  return (
    <button type="button" className="search-button" onClick={onOpen} aria-keyshortcuts="Control+K Meta+K">
      <SearchOutlined aria-hidden="true" />
      <span className="search-button-text">{t('search')}</span>
      <kbd>Ctrl K</kbd>
    </button>
  );
}

function FoldButton({ folded }: { folded: boolean }) {
  const t = useText(words);
  const text = folded ? t('unfold') : t('fold');
  return (
    <Button
      type="text"
      className="fold-button"
      aria-label={text}
      title={text}
      icon={folded ? <MenuUnfoldOutlined aria-hidden="true" /> : <MenuFoldOutlined aria-hidden="true" />}
      onClick={() => choose({ sidebar: folded ? 'open' : 'folded' })}
    />
  );
}

/** Below 992 px the side bar is a drawer. */
function MenuDrawer({ entries }: { entries: readonly NavEntry[] }) {
  const t = useText(words);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        type="text"
        className="menu-button"
        aria-label={t('openMenu')}
        aria-expanded={open}
        icon={<MenuOutlined aria-hidden="true" />}
        onClick={() => setOpen(true)}
      />
      <Drawer
        open={open}
        placement="left"
        size={264}
        title={t('product')}
        onClose={() => setOpen(false)}
        className="menu-drawer"
        destroyOnHidden
      >
        <SideBar entries={entries} onFollow={() => setOpen(false)} />
      </Drawer>
    </>
  );
}
