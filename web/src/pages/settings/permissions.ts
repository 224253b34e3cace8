/** What a plugin may do, as a sentence in the chosen language. What this app has no words for is said as the server said it. */

import type { Permission } from '../../api/plugins';
import type { Params } from '../../i18n/index.svelte';

/** How the schema calls things; what is not in it yet keeps its key. */
export interface Names {
  object: (key: string) => string;
  field: (object: string, key: string) => string;
  event: (kind: string) => string;
}

/** Words whose argument is an object, and those among them whose items are fields of it. */
const OF_OBJECT = /^(?:records\.|hook|events$|computed\.read$|adds\.fields$)/;
const OF_FIELDS = /^(?:hook\.read|hook\.write|computed\.read)$/;
/** Whose items are objects. */
const FOR_OBJECTS = /^adds\.(?:action|condition)$/;

/**
 * The message for a permission and what fills it: `permission.<word>`, or a form of it for all fields or for an address in the settings. Null
 * where `has` knows no such message.
 */
export function sentenceOf(
  permission: Permission,
  names: Names,
  has: (key: string) => boolean,
): { key: string; params: Params } | null {
  const at = permission.key.indexOf(':');
  const word = at < 0 ? permission.key : permission.key.slice(0, at);
  const of = at < 0 ? '' : permission.key.slice(at + 1);
  const all = permission.items.includes('*');
  const setting = word === 'http' && of.startsWith('settings:');
  const key = `permission.${word}${all ? '.all' : setting ? '.setting' : ''}`;
  if (!has(key)) return null;
  const item = OF_FIELDS.test(word)
    ? (name: string) => names.field(of, name)
    : FOR_OBJECTS.test(word)
      ? names.object
      : word === 'events'
        ? names.event
        : (name: string) => name;
  const params = {
    of: setting ? of.slice('settings:'.length) : OF_OBJECT.test(word) ? names.object(of) : bare(of),
    items: permission.items.map(item).join(', '),
  };
  return { key, params };
}

/** An origin without its scheme. */
const bare = (of: string) => of.replace(/^\w+:\/\//, '');
