/** A state as a word with a shape and a colour: never colour alone. */
import { type Label, useLabel } from '../lib/i18n';
import { TONE_SHAPES, type Tone } from '../theme/tokens';

/** What a state is called, and how it feels. */
export interface StateWord extends Label {
  readonly tone: Tone;
}

/** Shows the word of a state; a value that nobody has named shows itself. */
export function StatusTag({ value, words }: { value: string; words: Readonly<Record<string, StateWord>> }) {
  const label = useLabel();
  const word = words[value];
  return (
    <ToneTag tone={word?.tone ?? 'idle'} code={value}>
      {word ? label(word) : value}
    </ToneTag>
  );
}

/** A tag with a tone, for what is no state of the API. */
export function ToneTag({ tone, code, children }: { tone: Tone; code?: string; children: string }) {
  return (
    <span className={`tag tag-${tone}`} title={code}>
      <span aria-hidden="true" className="tag-shape">
        {TONE_SHAPES[tone]}
      </span>
      {children}
    </span>
  );
}

/** The same words as choices of a filter. */
export function choices(words: Readonly<Record<string, Label>>): readonly (Label & { value: string })[] {
  return Object.entries(words).map(([value, { zh, en }]) => ({ value, zh, en }));
}
