/**
 * Filters as conditions and as CEL. `toCel` writes what `fromCel` reads back; CEL that a person wrote by hand and that is
 * not of that form stays text. Evaluates nothing: the server does.
 */

import type { Operator } from '../api/types';

/** How an operand is written and asked for; every field kind names one. */
export type OperandForm =
  'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'duration' | 'choice' | 'record' | 'user' | 'none';

export interface FilterField {
  key: string;
  form: OperandForm;
  /** Holds a list: several links, tags, options, e-mails. */
  list: boolean;
}

export interface Condition {
  field: string;
  operator: Operator;
  /** text, number as text, true/false, id; a list for any_of and its kin; two values for between */
  operand: unknown;
}

export interface Filter {
  match: 'all' | 'any';
  conditions: Condition[];
}

export const EMPTY: Filter = { match: 'all', conditions: [] };

export function quote(text: string): string {
  const escaped = text
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t');
  return `"${escaped}"`;
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => ({ n: '\n', r: '\r', t: '\t' })[c] ?? c);
}

function literal(form: OperandForm, value: unknown): string {
  switch (form) {
    case 'number':
    case 'duration':
      return String(value);
    case 'boolean':
      return value === true || value === 'true' ? 'true' : 'false';
    case 'date':
      return value === 'today' ? 'today()' : `date(${quote(String(value))})`;
    case 'datetime':
      return value === 'now' ? 'now()' : `timestamp(${quote(String(value))})`;
    case 'user':
      return value === 'me' ? 'me' : quote(String(value));
    default:
      return quote(String(value));
  }
}

/** People who look for parts of words do not mind capitals. */
const folded = (value: unknown) => String(value).toLowerCase();

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

const COMPARE: Partial<Record<Operator, string>> = {
  is: '==',
  is_not: '!=',
  less: '<',
  less_or_equal: '<=',
  greater: '>',
  greater_or_equal: '>=',
  before: '<',
  after: '>',
};

const METHOD: Partial<Record<Operator, string>> = {
  contains: 'contains',
  starts_with: 'startsWith',
  ends_with: 'endsWith',
};

/** Whether the condition says something yet: a half-made row does not filter. */
export function isComplete(condition: Condition): boolean {
  if (condition.operator === 'is_empty' || condition.operator === 'is_not_empty') return true;
  const filled = (v: unknown) => v !== null && v !== undefined && v !== '';
  if (condition.operator === 'between') {
    const pair = asList(condition.operand);
    return pair.length === 2 && pair.every(filled);
  }
  if (Array.isArray(condition.operand)) return condition.operand.length > 0 && condition.operand.every(filled);
  return filled(condition.operand);
}

export function conditionToCel(field: FilterField, condition: Condition): string {
  const { key } = field;
  const write = (value: unknown) => literal(field.form, value);
  const { operator, operand } = condition;
  if (operator === 'is_empty') return `${key} == null`;
  if (operator === 'is_not_empty') return `${key} != null`;
  const method = METHOD[operator];
  if (method && field.list) {
    if (field.form !== 'text') return `${write(operand)} in ${key}`;
    return `${key}.exists(e, e.lower().${method}(${write(folded(operand))}))`;
  }
  if (method) return `${key}.lower().${method}(${write(folded(operand))})`;
  if (operator === 'between') {
    const [from, to] = asList(operand);
    return `(${key} >= ${write(from)} && ${key} <= ${write(to)})`;
  }
  if (field.list) {
    const terms = asList(operand).map((v) => `${write(v)} in ${key}`);
    if (operator === 'all_of') return terms.length > 1 ? `(${terms.join(' && ')})` : (terms[0] ?? 'true');
    const any = terms.length > 1 ? `(${terms.join(' || ')})` : (terms[0] ?? 'false');
    if (operator === 'none_of' || operator === 'is_not') return `!(${any.replace(/^\((.*)\)$/, '$1')})`;
    return any;
  }
  const members = `${key} in [${asList(operand).map(write).join(', ')}]`;
  if (operator === 'any_of' || operator === 'all_of') return members;
  if (operator === 'none_of') return `!(${members})`;
  return `${key} ${COMPARE[operator] ?? '=='} ${write(operand)}`;
}

export function toCel(filter: Filter, fields: (key: string) => FilterField | undefined): string {
  const terms: string[] = [];
  for (const condition of filter.conditions) {
    const field = fields(condition.field);
    if (field && isComplete(condition)) terms.push(conditionToCel(field, condition));
  }
  return terms.join(filter.match === 'any' ? ' || ' : ' && ');
}

/** Joins filters that must all hold; each may be empty. */
export function both(...parts: (string | null | undefined)[]): string {
  const given = parts.filter((p): p is string => !!p && p.trim() !== '');
  return given.length > 1 ? given.map((p) => `(${p})`).join(' && ') : (given[0] ?? '');
}

/** Splits at a top-level operator, minding quotes and brackets. Null when brackets do not match. */
function split(text: string, at: '&&' | '||'): string[] | null {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (c === '"') {
      for (i += 1; i < text.length && text[i] !== '"'; i += 1) if (text[i] === '\\') i += 1;
      if (i >= text.length) return null;
    } else if (c === '(' || c === '[') depth += 1;
    else if (c === ')' || c === ']') depth -= 1;
    else if (depth === 0 && text.startsWith(at, i)) {
      parts.push(text.slice(start, i).trim());
      start = i + 2;
      i += 1;
    }
    if (depth < 0) return null;
  }
  parts.push(text.slice(start).trim());
  return depth === 0 ? parts : null;
}

const STRING = '"(?:[^"\\\\]|\\\\.)*"';
const LITERAL = `(?:${STRING}|-?\\d+(?:\\.\\d+)?|true|false|me|today\\(\\)|now\\(\\)|date\\(${STRING}\\)|timestamp\\(${STRING}\\))`;
const KEY = '([a-z][a-z0-9_:]*)';
const whole = (pattern: string) => new RegExp(`^${pattern}$`, 's');

function readLiteral(text: string): unknown {
  if (text.startsWith('"')) return unquote(text);
  if (text === 'today()') return 'today';
  if (text === 'now()') return 'now';
  const inner = /^(?:date|timestamp)\((.*)\)$/s.exec(text);
  if (inner?.[1]) return unquote(inner[1]);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

function literals(text: string): unknown[] {
  return (text.match(new RegExp(LITERAL, 'gs')) ?? []).map(readLiteral);
}

const OPERATOR_OF: Record<string, Operator> = {
  '==': 'is',
  '!=': 'is_not',
  '<': 'less',
  '<=': 'less_or_equal',
  '>': 'greater',
  '>=': 'greater_or_equal',
};
const METHOD_OPERATOR: Record<string, Operator> = {
  contains: 'contains',
  startsWith: 'starts_with',
  endsWith: 'ends_with',
};

/** `"a" in tags` terms of one field, joined by `glue`. */
function members(text: string, glue: '&&' | '||'): { field: string; values: unknown[] } | null {
  const parts = split(text, glue);
  if (!parts) return null;
  let field = '';
  const values: unknown[] = [];
  for (const part of parts) {
    const match = whole(`(${LITERAL}) in ${KEY}`).exec(part);
    if (!match?.[1] || !match[2] || (field && field !== match[2])) return null;
    field = match[2];
    values.push(readLiteral(match[1]));
  }
  return { field, values };
}

function readCondition(text: string, form: (key: string) => FilterField | undefined): Condition | null {
  const found = readTerm(text);
  const field = found && form(found.field);
  if (!found || !field) return null;
  if (field.form === 'date' || field.form === 'datetime') {
    if (found.operator === 'less') found.operator = 'before';
    if (found.operator === 'greater') found.operator = 'after';
  }
  if (field.list && found.operator === 'is') found.operator = 'any_of';
  return found;
}

function readTerm(text: string): Condition | null {
  let match = whole(`${KEY} (==|!=) null`).exec(text);
  if (match?.[1]) return { field: match[1], operator: match[2] === '==' ? 'is_empty' : 'is_not_empty', operand: null };
  match = whole(`${KEY} (==|!=|<=|>=|<|>) (${LITERAL})`).exec(text);
  if (match?.[1] && match[2] && match[3]) {
    return { field: match[1], operator: OPERATOR_OF[match[2]] ?? 'is', operand: readLiteral(match[3]) };
  }
  match = whole(
    `${KEY}(?:\\.exists\\(e, e)?(?:\\.lower\\(\\))?\\.(contains|startsWith|endsWith)\\((${STRING})\\)\\)?`,
  ).exec(text);
  if (match?.[1] && match[2] && match[3]) {
    return { field: match[1], operator: METHOD_OPERATOR[match[2]] ?? 'contains', operand: readLiteral(match[3]) };
  }
  match = whole(`\\(${KEY} >= (${LITERAL}) && ${KEY} <= (${LITERAL})\\)`).exec(text);
  if (match?.[1] && match[1] === match[3] && match[2] && match[4]) {
    return { field: match[1], operator: 'between', operand: [readLiteral(match[2]), readLiteral(match[4])] };
  }
  match = whole(`(!\\()?${KEY} in \\[(.*?)\\]\\)?`).exec(text);
  if (match?.[2]) {
    return { field: match[2], operator: match[1] ? 'none_of' : 'any_of', operand: literals(match[3] ?? '') };
  }
  const negated = /^!\((.*)\)$/s.exec(text);
  const inner = negated?.[1] ?? /^\((.*)\)$/s.exec(text)?.[1] ?? text;
  const all = members(inner, '&&');
  if (all && !negated) {
    return { field: all.field, operator: all.values.length > 1 ? 'all_of' : 'any_of', operand: all.values };
  }
  const any = members(inner, '||');
  if (any) return { field: any.field, operator: negated ? 'none_of' : 'any_of', operand: any.values };
  return null;
}

/** The conditions that `toCel` would write this way; null for CEL that only the text box can show. */
export function fromCel(text: string, fields: (key: string) => FilterField | undefined): Filter | null {
  const clean = text.trim();
  if (clean === '') return { match: 'all', conditions: [] };
  for (const match of ['all', 'any'] as const) {
    const parts = split(clean, match === 'all' ? '&&' : '||');
    if (!parts) return null;
    if (match === 'all' && parts.length === 1 && (split(clean, '||')?.length ?? 0) > 1) continue;
    const conditions = parts.map((part) => readCondition(part, fields));
    if (conditions.every((c): c is Condition => c !== null)) return { match, conditions };
  }
  return null;
}
