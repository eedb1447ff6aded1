/** What may be done with an object, as the server says; what is not allowed now says why, as text. */
import { Button } from 'antd';
import { type Label, useLabel, useText, useTongue } from '../lib/i18n';
import { type AllowedAction, actionOf } from '../lib/permission';
import { words } from './words';

/** One button. */
export interface ActionButton {
  /** As the server names it. */
  readonly name: string;
  readonly label: Label;
  readonly danger?: boolean;
  /** What most people come for. */
  readonly primary?: boolean;
  readonly act: () => void;
}

interface ActionBarProps {
  readonly actions: readonly AllowedAction[];
  readonly buttons: readonly ActionButton[];
}

/** Buttons for the actions that the server names; the others are not there. */
export function ActionBar({ actions, buttons }: ActionBarProps) {
  const t = useText(words);
  const label = useLabel();
  const tongue = useTongue();
  const shown = buttons.flatMap((button) => {
    const action = actionOf(actions, button.name);
    // What this person may never do is not there; what cannot be done now is, with its reason.
    return action && action.why_not !== 'permission_denied' ? [{ button, action }] : [];
  });
  const refused = shown.filter(({ action }) => !action.allowed);
  if (shown.length === 0) return null;
  return (
    <div className="action-bar">
      <div className="row">
        {shown.map(({ button, action }) => (
          <Button
            key={button.name}
            type={button.primary ? 'primary' : 'default'}
            danger={button.danger}
            disabled={!action.allowed}
            onClick={button.act}
          >
            {label(button.label)}
          </Button>
        ))}
      </div>
      {refused.length > 0 && (
        <details className="hint">
          <summary>{t('whyNot')}</summary>
          <ul>
            {refused.map(({ button, action }) => (
              <li key={button.name}>
                {label(button.label)}: {reasonOf(action, tongue)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function reasonOf(action: AllowedAction, tongue: 'zh' | 'en'): string {
  return (tongue === 'zh' ? action.why_not_zh : action.why_not_en) ?? action.why_not ?? '';
}
