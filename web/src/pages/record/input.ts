/** Forms from JSON Schema: which editor a property asks for, and what it starts with. */

import type { Field, InputSchema, Values } from '../../api/types';
import { keyFrom } from '../../lib/metadata';

/** A property of an action's input as a field, so that the same editors serve forms and actions. */
export function inputField(key: string, schema: InputSchema, required: boolean): Field {
  const type = Array.isArray(schema.type) ? schema.type.find((t) => t !== 'null') : schema.type;
  const object = schema['x-link'];
  let kind = 'text';
  if (object === 'users') kind = 'user';
  else if (object) kind = type === 'array' ? 'links' : 'link';
  else if (schema.enum) kind = 'select';
  else if (type === 'boolean') kind = 'boolean';
  else if (type === 'integer') kind = 'integer';
  else if (type === 'number') kind = 'decimal';
  else if (type === 'object' && schema.properties && 'amount' in schema.properties) kind = 'money';
  else if (type === 'array' && schema.items?.enum) kind = 'multi_select';
  else if (type === 'array' && schema.items?.type === 'string') kind = 'tags';
  else if (type === 'object' || type === 'array') kind = 'json';
  else if (schema.format === 'date') kind = 'date';
  else if (schema.format === 'date-time') kind = 'datetime';
  else if (schema.format === 'email') kind = 'email';
  else if (schema.format === 'uri') kind = 'url';
  else if (schema.format === 'textarea' || schema.format === 'markdown') kind = 'long_text';
  const options = schema.enum ? schema : schema.items;
  const words = (keyFrom(key) || key).replace(/_/g, ' ');
  return {
    id: 0,
    key,
    label: schema.title ?? words.charAt(0).toUpperCase() + words.slice(1),
    kind,
    help: schema.description ?? '',
    required,
    unique: false,
    read_only: false,
    hidden: false,
    many: false,
    in_list: false,
    default: schema.default ?? null,
    options: options?.enum?.map((o, i) => ({ key: o, label: labelOf(options, o, i), color: 'gray', archived: false })),
    target: object,
    position: 0,
    origin: 'core',
    sortable: false,
    operators: [],
    access: 'write',
  };
}

function labelOf(schema: InputSchema, key: string, at: number): string {
  const labels = schema['x-labels'];
  return (Array.isArray(labels) ? labels[at] : labels?.[key]) ?? key;
}

export function inputFields(schema: InputSchema): Field[] {
  return Object.entries(schema.properties ?? {}).map(([key, property]) =>
    inputField(key, property, schema.required?.includes(key) ?? false),
  );
}

/** Settings as they are kept: a text that was emptied stays empty, rather than taking its default again. */
export function keptTexts(schema: InputSchema, values: Values): Values {
  const kept = { ...values };
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const text = property.type === 'string' && !property.enum && !property['x-link'];
    if (text && property.default !== undefined && (kept[key] ?? null) === null) kept[key] = '';
  }
  return kept;
}

/** The columns of a list of small things, each a row of plain values; null for anything else. */
export function rowFields(schema: InputSchema | undefined): Field[] | null {
  if (schema?.type !== 'array' || schema.items?.type !== 'object') return null;
  const fields = inputFields(schema.items);
  return fields.length > 0 && fields.every((f) => FLAT.includes(f.kind)) ? fields : null;
}

const FLAT = ['text', 'select', 'boolean', 'integer', 'decimal', 'date', 'email', 'url', 'user', 'link'];

/** What was filled in, without what was left empty. */
export function filledIn(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== ''));
}

export function inputDefaults(schema: InputSchema | null | undefined, record: Values): Values {
  const values: Values = {};
  for (const [key, property] of Object.entries(schema?.properties ?? {})) {
    if (property.default !== undefined) values[key] = property.default;
    else if (property['x-link'] && record[key]) values[key] = record[key];
  }
  return values;
}
