/** The name under which an actor appears. */

import type { Actor } from '../api/types';
import { maybe, t } from '../i18n/index.svelte';
import { titles } from './titles.svelte';

export function actorName(actor: Actor | null | undefined): string {
  if (!actor) return t('actor.unknown');
  if (actor.name) return actor.name;
  // All zeroes: Kith itself, which has no record.
  if (actor.id && /^[0-]+$/.test(actor.id)) return t('actor.system');
  const known = actor.id ? titles.get(actor.id)?.title : undefined;
  return known ?? maybe(`actor.${actor.kind}`) ?? t('actor.unknown');
}
