/** The chosen language and `t`. Messages live beside this file, one file per language, the same keys in each. */

import { askIn } from '../api/client';
import { setLocale as setFormatLocale } from '../lib/format';
import { en, type MessageKey, type Messages } from './en';

export type Locale = 'en' | 'it' | 'da';
export const LOCALES: { key: Locale; name: string }[] = [
  { key: 'en', name: 'English' },
  { key: 'it', name: 'Italiano' },
  { key: 'da', name: 'Dansk' },
];

const loaders: Record<Locale, () => Promise<Messages>> = {
  en: async () => en,
  it: async () => (await import('./it')).it,
  da: async () => (await import('./da')).da,
};

let messages = $state.raw<Messages>(en);
let current = $state<Locale>('en');
let plural = new Intl.PluralRules('en');

export function locale(): Locale {
  return current;
}

function known(tag: string | null | undefined): Locale | null {
  const base = tag?.slice(0, 2).toLowerCase();
  return LOCALES.find((l) => l.key === base)?.key ?? null;
}

/** What the person chose before, else what the browser asks for, else English. */
export function preferredLocale(): Locale {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem('kith.locale');
  } catch {
    // Storage may be forbidden.
  }
  return known(stored) ?? navigator.languages.map(known).find((l) => l !== null) ?? 'en';
}

export async function useLocale(tag: string | null | undefined, keep = false): Promise<void> {
  const next = known(tag) ?? preferredLocale();
  const loaded = await loaders[next]();
  plural = new Intl.PluralRules(next);
  // The browser's own regional form (en-GB dates) where it speaks the chosen language.
  setFormatLocale(navigator.languages.find((l) => known(l) === next) ?? next);
  messages = loaded;
  current = next;
  document.documentElement.lang = next;
  askIn(next);
  if (keep) {
    try {
      localStorage.setItem('kith.locale', next);
    } catch {
      // Storage may be forbidden.
    }
  }
}

export type Params = Record<string, string | number>;

export function fill(text: string, params?: Params): string {
  return params ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole)) : text;
}

export function t(key: MessageKey, params?: Params): string {
  return fill(messages[key], params);
}

type CountKey = { [K in MessageKey]: K extends `${infer Base}.one` ? Base : never }[MessageKey];

/** The form of the message for `count`: `key.one` or `key.other`. */
export function tn(key: CountKey, count: number, params?: Params): string {
  const form = plural.select(count) === 'one' ? 'one' : 'other';
  return fill(messages[`${key}.${form}` as MessageKey], { count: count.toLocaleString(current), ...params });
}

/** A built-in label in the chosen language; a label that an admin changed is shown as it is. */
export function translated(keys: string[], label: string): string {
  for (const key of keys) {
    if (key in en && en[key as MessageKey].toLowerCase() === label.toLowerCase()) return messages[key as MessageKey];
  }
  return label;
}

/** A message that exists only for some values, such as one error code. */
export function maybe(key: string): string | null {
  return key in messages ? messages[key as MessageKey] : null;
}
