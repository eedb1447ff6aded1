/** Reads the signatures out of the headers of an attempt, which are JSON or lines of `name: value`. */
export function signaturesIn(headers: string | undefined): string[] {
  const value = headers === undefined ? undefined : (ofJson(headers) ?? ofLines(headers));
  return value?.split(' ').filter((part) => /^v1a?,/.test(part)) ?? [];
}

const NAME = 'webhook-signature';

function ofJson(text: string): string | undefined {
  try {
    const found: unknown = JSON.parse(text);
    const pairs: [unknown, unknown][] = Array.isArray(found)
      ? found.map((each) => (Array.isArray(each) ? [each[0], each[1]] : [each?.name, each?.value]))
      : Object.entries(found as object);
    const pair = pairs.find(([name]) => String(name).toLowerCase() === NAME);
    return pair ? String(pair[1]) : undefined;
  } catch {
    return undefined;
  }
}

function ofLines(text: string): string | undefined {
  const line = text.split(/\r?\n/).find((each) => each.toLowerCase().startsWith(`${NAME}:`));
  return line?.slice(NAME.length + 1).trim();
}
