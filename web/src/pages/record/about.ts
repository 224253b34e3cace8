/** How notes, tasks and files point at the record they belong to: read from their own fields, so that no object is special. */

import type { ObjectDef, Values } from '../../api/types';

/** The values that tie a new note or task to a record; null when the object cannot point there. */
/** A link with this target may point at a record of any object. */
export const ANY = '*';

export function aboutValues(hanging: ObjectDef | undefined, object: string, id: string): Values | null {
  if (!hanging) return null;
  const link = hanging.fields.find(
    (f) => (f.kind === 'link' || f.kind === 'links') && (f.target === object || f.target === ANY),
  );
  if (link) return { [link.key]: link.kind === 'links' ? [id] : id };
  const has = (key: string) => hanging.fields.some((f) => f.key === key);
  for (const [of, to] of [
    ['about_object', 'about'],
    ['about_object', 'about_id'],
    ['object', 'record'],
    ['record_object', 'record'],
    ['record_object', 'record_id'],
    ['parent_object', 'parent'],
  ] as const) {
    if (has(of) && has(to)) return { [of]: object, [to]: id };
  }
  return null;
}
