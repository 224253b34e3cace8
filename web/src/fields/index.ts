/** The list of kinds. A new kind is its folder and one line here. */

import type { Field } from '../api/types';
import type { FilterField } from '../lib/filter';
import { address } from './address';
import { autoNumber } from './auto_number';
import { boolean } from './boolean';
import { computed } from './computed';
import { date } from './date';
import { datetime } from './datetime';
import { decimal } from './decimal';
import { duration } from './duration';
import { email } from './email';
import { file } from './file';
import { integer } from './integer';
import { json } from './json';
import { link } from './link';
import { links } from './links';
import { longText } from './long_text';
import { money } from './money';
import { multiSelect } from './multi_select';
import { percent } from './percent';
import { personName } from './person_name';
import { phone } from './phone';
import { rating } from './rating';
import { secret } from './secret';
import { select } from './select';
import { tags } from './tags';
import { text } from './text';
import type { Kind } from './types';
import { url } from './url';
import { user } from './user';

const KINDS: Kind[] = [
  text,
  longText,
  integer,
  decimal,
  money,
  percent,
  boolean,
  date,
  datetime,
  duration,
  select,
  multiSelect,
  tags,
  email,
  phone,
  url,
  address,
  personName,
  user,
  link,
  links,
  file,
  rating,
  autoNumber,
  json,
  secret,
  computed,
];

const byKey = new Map(KINDS.map((kind) => [kind.key, kind]));

/** The kind that shows a field: for a computed one, the kind of its result. */
export function kindOf(field: Field): Kind {
  if (field.kind === 'computed') {
    const result = byKey.get(String(field.config?.kind ?? ''));
    return result ? { ...result, Editor: null } : computed;
  }
  return byKey.get(field.kind) ?? text;
}

/** How a filter speaks of a field. */
export function filterField(field: Field): FilterField {
  const kind = kindOf(field);
  return { key: field.key, form: kind.form, list: kind.list ?? field.many };
}

export type { DisplayProps, EditorProps, Kind } from './types';
