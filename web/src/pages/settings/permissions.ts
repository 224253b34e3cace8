/** What a plugin may do, as a message and what fills it. What this app has no words for is said as the server said it. Pure. */

import type { Permission } from '../../api/plugins';
import type { Params } from '../../i18n/index.svelte';

/** How a manifest names an address that an administrator writes into a setting. */
export const SETTING = 'settings:';

/** How things are called; what the schema does not know yet keeps its key. */
export interface Names {
  object: (key: string) => string;
  field: (object: string, key: string) => string;
  event: (kind: string) => string;
  address: (host: string) => string;
}

/** Words whose argument is an object. */
const OF_OBJECT = /^(?:records\.|hook|events$|computed\.read$|adds\.fields$)/;
const OF_FIELDS = /^(?:hook\.read|hook\.write|computed\.read)$/;
const FOR_OBJECTS = /^adds\.(?:action|condition)$/;

/** `permission.<word>`, or its form for all fields; null where `has` knows no such message. */
export function sentenceOf(
  permission: Permission,
  names: Names,
  has: (key: string) => boolean,
): { key: string; params: Params } | null {
  const at = permission.key.indexOf(':');
  const word = at < 0 ? permission.key : permission.key.slice(0, at);
  const of = at < 0 ? '' : permission.key.slice(at + 1);
  const key = `permission.${word}${permission.items.includes('*') ? '.all' : ''}`;
  if (!has(key)) return null;
  const params = {
    of: OF_OBJECT.test(word) ? names.object(of) : word === 'http' ? names.address(of.replace(/^\w+:\/\//, '')) : of,
    items: permission.items.map((item) => itemOf(word, of, item, names)).join(', '),
  };
  return { key, params };
}

function itemOf(word: string, of: string, item: string, names: Names): string {
  if (OF_FIELDS.test(word)) return names.field(of, item);
  if (FOR_OBJECTS.test(word)) return names.object(item);
  if (word === 'events') return names.event(item);
  return word === 'secret' ? names.address(item) : item;
}
