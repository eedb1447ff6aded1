/** What the server granted. It decides what is shown; the server decides what is allowed. */

/** Answers whether a permission was granted. */
export type Can = (permission: string) => boolean;

/** Makes the question from the list that `GET /admin/v1/me` gives. */
export function grants(permissions: readonly string[]): Can {
  const granted = new Set(permissions);
  return (permission) => granted.has(permission);
}

/** What may be done with an object now, as the server says. */
export interface AllowedAction {
  readonly name: string;
  readonly allowed: boolean;
  readonly why_not?: string | null;
  readonly why_not_zh?: string | null;
  readonly why_not_en?: string | null;
}

/** Finds an action; one that the server does not name is not shown at all. */
export function actionOf(actions: readonly AllowedAction[] | undefined, name: string): AllowedAction | undefined {
  return actions?.find((action) => action.name === name);
}
