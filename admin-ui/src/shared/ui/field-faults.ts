/** What the server said about single fields, for the fields of a form to show beside themselves. */
import { createContext, useContext } from 'react';
import { type FieldFault, fieldPath } from '@/api/problem';

/** The faults of the form around; none outside of one. */
export const FieldFaults = createContext<readonly FieldFault[]>([]);

/** What is wrong with the field of this name in the API, wherever it stands in the body. */
export function useFieldFault(name: string | undefined): string | undefined {
  const faults = useContext(FieldFaults);
  if (name === undefined) return undefined;
  return faults.find(({ field }) => fieldPath(field).includes(name))?.reason;
}
