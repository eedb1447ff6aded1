/**
 * The query string of the page, where every value is text. The router's own parser would read a `transaction_id` of 28
 * digits as a float and lose its end.
 */

/** What the query string holds: parameters of the API under the API's own names. */
export type Search = Record<string, string>;

/** Reads `?a=1&b=x` without guessing at types; of a repeated name the last counts. */
export function parseSearch(text: string): Search {
  const search: Search = {};
  for (const [name, value] of new URLSearchParams(text)) if (value !== '') search[name] = value;
  return search;
}

/** Writes the query string; what is absent or empty is left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === '') continue;
    parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** Makes the check of a route's query string: only the given names, each as text. */
export function plainSearch<const Name extends string>(names: readonly Name[]) {
  return (search: Record<string, unknown>): { [K in Name]?: string } => {
    const kept: { [K in Name]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') kept[name] = value;
    }
    return kept;
  };
}

/** A text as a person pastes it: trimmed, half-width, without quotes around it or a comma behind it. */
export function foldPasted(text: string): string {
  return text
    .replace(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .trim()
    .replace(/[,;，；。]+$/, '')
    .replace(/^["'“”‘’`]+|["'“”‘’`]+$/g, '')
    .trim();
}
