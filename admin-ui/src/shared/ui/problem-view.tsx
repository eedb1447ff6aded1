/** A fault, with what a person needs to act on it: words, code, request id, who must act, and a way on. */
import { Alert, Button } from 'antd';
import { useEffect, useState } from 'react';
import type { Problem, WechatCause } from '@/api/problem';
import { problemOf } from '@/api/problem';
import { useLabel, useLanguage, useText } from '../lib/i18n';
import { IdText } from './id-text';
import { ACTORS, PROBLEM_TITLES } from './problem-words';
import { words } from './words';

/** Asking again changes nothing: it is not there, or not for this person. */
const IN_VAIN = new Set([403, 404]);

/** Shows what went wrong; give `onRetry` only where repeating is safe. */
export function ProblemView({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useText(words);
  const problem = problemOf(error);
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      className="problem"
      title={<ProblemTitle problem={problem} />}
      description={
        <div className="problem-body">
          <ProblemText problem={problem} />
          {problem.wechat && <WechatFacts cause={problem.wechat} />}
          <div className="problem-facts">
            <span>
              {t('code')} <span className="mono">{problem.code}</span>
            </span>
            {problem.requestId && (
              <span>
                {t('requestId')} <IdText value={problem.requestId} what={t('requestId')} />
              </span>
            )}
          </div>
          {onRetry && !IN_VAIN.has(problem.status) && (
            <RetryButton key={problem.requestId} wait={problem.retryAfterSeconds ?? 0} onRetry={onRetry} />
          )}
        </div>
      }
    />
  );
}

function ProblemTitle({ problem }: { problem: Problem }) {
  const t = useText(words);
  const label = useLabel();
  if (problem.status === 0) return <>{t('noAnswer')}</>;
  if (problem.status === 403 && problem.permission) return <>{t('noPermission')}</>;
  const known = PROBLEM_TITLES[problem.code];
  return <>{known ? label(known) : problem.title}</>;
}

function ProblemText({ problem }: { problem: Problem }) {
  const t = useText(words);
  if (problem.status === 0) return <p>{t('noAnswerHint')}</p>;
  return (
    <>
      {problem.permission ? (
        <p>{t('missingPermission', { permission: problem.permission })}</p>
      ) : (
        problem.detail && <p>{problem.detail}</p>
      )}
      {problem.fields.length > 0 && (
        <>
          <p>{t('fieldsWrong')}</p>
          <ul>
            {problem.fields.map((fault) => (
              <li key={`${fault.field} ${fault.reason}`}>
                <span className="mono">{fault.field}</span> {fault.reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function WechatFacts({ cause }: { cause: WechatCause }) {
  const t = useText(words);
  const label = useLabel();
  const zh = useLanguage() === 'zh-CN';
  const actor = ACTORS[cause.who_must_act ?? ''];
  return (
    <>
      <p>
        {t('wechatSays')} <span className="mono">{cause.code}</span> {cause.message}
      </p>
      {cause.cause && <p>{zh ? cause.cause.zh : cause.cause.en}</p>}
      {cause.who_must_act && (
        <p>
          {t('whoMustAct')} {actor ? label(actor) : cause.who_must_act}
        </p>
      )}
      {cause.retryable !== undefined && <p>{cause.retryable ? t('safeToRetry') : t('notSafeToRetry')}</p>}
    </>
  );
}

function RetryButton({ wait, onRetry }: { wait: number; onRetry: () => void }) {
  const t = useText(words);
  const [left, setLeft] = useState(wait);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <Button onClick={onRetry} disabled={left > 0}>
      {left > 0 ? t('countdown', { count: left }) : t('retry')}
    </Button>
  );
}
