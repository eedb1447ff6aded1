/** Somebody was faster: nothing was overwritten, and the way on is to see what is there now. */
import { QueryClientContext } from '@tanstack/react-query';
import { Alert, Button } from 'antd';
import { type ComponentType, createContext, useContext } from 'react';
import type { Problem } from '@/api/problem';
import { useText } from '../lib/i18n';
import { words } from './words';

/** Says who changed an object last, and when; the app knows how to look that up. */
export const LastChangeContext = createContext<ComponentType<{ about: string }> | undefined>(undefined);

/** Whether the edit named a version that is no more, or the object went on to another state. */
export function isOvertaken({ code }: Problem): boolean {
  return code === 'version_conflict' || code === 'state_conflict';
}

interface OvertakenProps {
  readonly problem: Problem;
  /** The id of the object. */
  readonly about: string | undefined;
  readonly onReload: () => void;
}

/** What happened instead of the act. */
export function Overtaken({ problem, about, onReload }: OvertakenProps) {
  const t = useText(words);
  const queries = useContext(QueryClientContext);
  const LastChange = useContext(LastChangeContext);
  const edited = problem.code === 'version_conflict';
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={edited ? t('overtaken') : t('movedOn')}
      description={
        <div className="problem-body">
          {LastChange && about && <LastChange about={about} />}
          <p>{edited ? t('overtakenText') : t('movedOnText')}</p>
          {problem.detail && <p className="faint">{problem.detail}</p>}
          <Button
            onClick={() => {
              void queries?.invalidateQueries();
              onReload();
            }}
          >
            {t('overtakenReload')}
          </Button>
        </div>
      }
    />
  );
}
