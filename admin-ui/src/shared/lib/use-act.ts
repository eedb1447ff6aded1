/** One thing that a person does in a form: whether it is under way, and what went wrong. */
import { useCallback, useEffect, useRef, useState } from 'react';

/** An act with its state. */
export interface Act<Given extends readonly unknown[]> {
  /** Runs it; answers whether it went well. A second run while one is under way does nothing. */
  readonly run: (...given: Given) => Promise<boolean>;
  readonly pending: boolean;
  readonly error: unknown;
}

/** Makes an act of an asynchronous function. */
export function useAct<Given extends readonly unknown[]>(act: (...given: Given) => Promise<unknown>): Act<Given> {
  const latest = useRef(act);
  latest.current = act;
  const shown = useRef(true);
  const busy = useRef(false);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);

  const run = useCallback(async (...given: Given) => {
    if (busy.current) return false;
    busy.current = true;
    setPending(true);
    setError(undefined);
    try {
      await latest.current(...given);
      return true;
    } catch (thrown) {
      if (shown.current) setError(thrown);
      return false;
    } finally {
      busy.current = false;
      if (shown.current) setPending(false);
    }
  }, []);

  return { run, pending, error };
}
