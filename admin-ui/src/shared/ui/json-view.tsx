/** A payload as text. */
import { CopyButton } from './copy-button';

/** Shows a value as indented JSON; a text that is JSON is indented too, any other stays as it is. */
export function JsonView({ value, what }: { value: unknown; what: string }) {
  const text = pretty(value);
  return (
    <section className="json-view" aria-label={what}>
      <div className="json-view-copy">
        <CopyButton value={text} what={what} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{text}</pre>
    </section>
  );
}

/** Writes JSON over several lines. */
export function pretty(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? '';
  // Digits beyond a float's reach would change on the way through a parser, so such a text stays as it came.
  if (/\d{16,}/.test(value.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}
