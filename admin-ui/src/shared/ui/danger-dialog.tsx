/** Asks before an act, in proportion to what it may cost: one sentence, a reason and four characters, or a second person. */
import { Button, Input, Modal } from 'antd';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { problemOf } from '@/api/problem';
import { useText } from '../lib/i18n';
import { newIdempotencyKey } from '../lib/idempotency';
import { useAct } from '../lib/use-act';
import { FieldFaults, useFieldFault } from './field-faults';
import { announce } from './notices';
import { isOvertaken, Overtaken } from './overtaken';
import { ProblemView } from './problem-view';
import { words } from './words';

/** What the person gave, for the call. */
export interface Confirmation {
  readonly reason: string;
  /** Made when the dialog opened, so that a double click or a retry cannot act twice. */
  readonly idempotencyKey: string;
}

interface DangerDialogProps {
  readonly open: boolean;
  /** 0: a form without danger; 1: reversible; 2: reason and the target's last characters; 3: a second person approves. */
  readonly tier: 0 | 1 | 2 | 3;
  readonly title: string;
  /** The effect, in one sentence. */
  readonly effect: ReactNode;
  /** The words of the button, such as `退款 ¥12.30`. */
  readonly act: string;
  /** What the act is about; its last four characters are typed from tier 2 on. */
  readonly target: string;
  /** The id of the object, where the target is a number of its own. */
  readonly about?: string;
  /** More fields of the act. */
  readonly children?: ReactNode;
  /** Whether those fields are right. */
  readonly ready?: boolean;
  readonly onConfirm: (confirmation: Confirmation) => Promise<string>;
  readonly onClose: () => void;
}

const TAIL = 4;
const MOST_REASON = 80;

/** The dialog; while it is closed it keeps nothing. `onConfirm` resolves to the sentence that is announced. */
export function DangerDialog(props: DangerDialogProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Modal
      open={props.open}
      title={props.title}
      onCancel={props.onClose}
      footer={null}
      destroyOnHidden
      mask={{ closable: false }}
      afterOpenChange={(open) => open && (props.tier === 0 ? firstField(cancel.current) : cancel.current)?.focus()}
    >
      <Body {...props} cancel={cancel} />
    </Modal>
  );
}

function idIn(target: string): string | undefined {
  return /^[a-z]{3}_\w+$/.test(target) ? target : undefined;
}

/** Where a form without danger starts; what is dangerous starts on Cancel. */
function firstField(within: HTMLElement | null): HTMLElement | null | undefined {
  return within?.closest('form')?.querySelector<HTMLElement>('input, textarea, [role="combobox"]');
}

function Body({ cancel, ...props }: DangerDialogProps & { cancel: React.RefObject<HTMLButtonElement | null> }) {
  const t = useText(words);
  const [idempotencyKey] = useState(newIdempotencyKey);
  const [reason, setReason] = useState('');
  const [tail, setTail] = useState('');
  const { run, pending, error } = useAct(async () => {
    announce(await props.onConfirm({ reason: reason.trim(), idempotencyKey }));
    props.onClose();
  });
  const form = useRef<HTMLFormElement>(null);
  const problem = error === undefined ? undefined : problemOf(error);
  useEffect(() => {
    if (error !== undefined) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  const asked = props.tier >= 2;
  const complete = props.ready !== false && (!asked || (reason.trim() !== '' && tail === props.target.slice(-TAIL)));

  return (
    <form
      ref={form}
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (complete) void run();
      }}
    >
      <p>{props.effect}</p>
      <FieldFaults value={problem?.fields ?? []}>
        {props.children}
        {asked && <ReasonField value={reason} onChange={setReason} />}
      </FieldFaults>
      {asked && <TailField target={props.target} value={tail} onChange={setTail} />}
      {props.tier === 3 && <p className="hint">{t('secondPerson')}</p>}
      {problem &&
        (isOvertaken(problem) ? (
          <Overtaken problem={problem} about={props.about ?? idIn(props.target)} onReload={props.onClose} />
        ) : (
          <ProblemView error={error} />
        ))}
      <div className="dialog-buttons">
        <Button ref={cancel} onClick={props.onClose}>
          {t('cancel')}
        </Button>
        <Button type="primary" danger={props.tier >= 2} htmlType="submit" disabled={!complete} loading={pending}>
          {props.act}
        </Button>
      </div>
    </form>
  );
}

function ReasonField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const t = useText(words);
  const id = useId();
  const fault = useFieldFault('reason');
  return (
    <div className="field">
      <label htmlFor={id}>{t('reason')}</label>
      <Input.TextArea
        id={id}
        value={value}
        maxLength={MOST_REASON}
        autoSize={{ minRows: 2, maxRows: 4 }}
        status={fault ? 'error' : undefined}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-hint`} className={fault ? 'field-error' : 'hint'}>
        {fault ?? t('reasonNeeded')}
      </span>
    </div>
  );
}

function TailField({ target, value, onChange }: { target: string; value: string; onChange: (text: string) => void }) {
  const t = useText(words);
  const id = useId();
  const wrong = value.length >= TAIL && value !== target.slice(-TAIL);
  return (
    <div className="field">
      <label htmlFor={id}>
        {t('typeTail')} <span className="mono break">{target}</span>
      </label>
      <Input
        id={id}
        value={value}
        maxLength={TAIL}
        autoComplete="off"
        spellCheck={false}
        status={wrong ? 'error' : undefined}
        aria-invalid={wrong}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        style={{ width: 120 }}
        onChange={(event) => onChange(event.target.value)}
      />
      {wrong && (
        <span id={`${id}-wrong`} className="field-error">
          {t('tailWrong')}
        </span>
      )}
    </div>
  );
}
