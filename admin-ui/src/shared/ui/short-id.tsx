/** An id by its kind and its end, where a whole one would crowd out what matters; the whole is in its title. */

const TAIL = 6;

/** Writes `ord_…AQPRT1`. */
export function shortId(id: string): string {
  const kind = /^[a-z]+_/.exec(id)?.[0] ?? '';
  return id.length <= kind.length + TAIL + 1 ? id : `${kind}…${id.slice(-TAIL)}`;
}

/** Shows it. */
export function ShortId({ id }: { id: string }) {
  return (
    <span className="mono" title={id}>
      {shortId(id)}
    </span>
  );
}
