/** What to tell a person about an error: a message of ours by its code, else what the server said. */

import { isAbort, Problem } from '../api/client';
import { maybe, t } from '../i18n/index.svelte';

export function describeProblem(error: unknown): string {
  if (error instanceof Problem) {
    const own = maybe(`problem.${error.code}`);
    if (own) return own;
    const first = error.errors[0];
    if (first && error.errors.length === 1) return first.message;
    return error.message || t('problem.unknown');
  }
  if (isAbort(error)) return '';
  return t('problem.unknown');
}
