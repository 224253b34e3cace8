/** Numbers, money, dates and sizes as a person reads them. Pure but for the chosen locale. */

let locale = 'en';
let timeZone: string | undefined;

export function setLocale(tag: string): void {
  locale = tag;
  cache.clear();
}

/** IANA name; undefined: the browser's. */
export function setTimeZone(zone: string | undefined): void {
  try {
    if (zone) new Intl.DateTimeFormat('en', { timeZone: zone });
    timeZone = zone;
  } catch {
    timeZone = undefined;
  }
  cache.clear();
}

/** The zone the person chose; undefined: the browser's. */
export const chosenZone = (): string | undefined => timeZone;

let weekStart: number | null = null;

/** Monday 1 … Sunday 7; null: as the language's region has it. */
export function setFirstWeekday(day: number | null): void {
  weekStart = day;
}

export function firstWeekday(): number {
  if (weekStart !== null) return weekStart;
  // Newer than the type library knows; browsers without it mostly live where weeks start on Monday.
  const info = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?: () => { firstDay: number } };
  return info.getWeekInfo?.().firstDay ?? 1;
}

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function numbers(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  let made = cache.get(key) as Intl.NumberFormat | undefined;
  if (!made) cache.set(key, (made = new Intl.NumberFormat(locale, options)));
  return made;
}

function dates(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let made = cache.get(key) as Intl.DateTimeFormat | undefined;
  if (!made) cache.set(key, (made = new Intl.DateTimeFormat(locale, options)));
  return made;
}

export function integer(value: number): string {
  return numbers('int', { maximumFractionDigits: 0 }).format(value);
}

/** Exact decimals come as text: they are grouped, never rounded. */
export function decimal(value: string | number): string {
  const text = String(value);
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
  // Intl formats decimal text exactly; the type library does not know that yet.
  return numbers('dec', { maximumFractionDigits: 20 }).format(text as unknown as number);
}

export function percent(value: string | number): string {
  return `${decimal(value)} %`;
}

export interface Money {
  amount: string;
  currency: string;
}

export function isMoney(value: unknown): value is Money {
  return typeof value === 'object' && value !== null && 'amount' in value && 'currency' in value;
}

export function money(value: Money): string {
  try {
    return numbers(`money ${value.currency}`, {
      style: 'currency',
      currency: value.currency,
      trailingZeroDisplay: 'stripIfInteger',
    } as Intl.NumberFormatOptions).format(value.amount as unknown as number);
  } catch {
    return `${value.amount} ${value.currency}`;
  }
}

/** For column heads: `€1.2M`. */
export function moneyShort(value: Money): string {
  try {
    return numbers(`short ${value.currency}`, {
      style: 'currency',
      currency: value.currency,
      notation: 'compact',
      maximumFractionDigits: 1,
    }).format(Number(value.amount));
  } catch {
    return `${value.amount} ${value.currency}`;
  }
}

/** A calendar day, the same in every time zone. */
export function date(value: string): string {
  const [y, m, d] = value.split('-').map(Number);
  if (!y || !m || !d) return value;
  return dates('date', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(Date.UTC(y, m - 1, d)));
}

export function dateTime(value: string): string {
  const at = new Date(value);
  return Number.isNaN(at.getTime())
    ? value
    : dates('datetime', { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(at);
}

export function time(value: string): string {
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? value : dates('time', { timeStyle: 'short', timeZone }).format(at);
}

/** Day and time to the second, as logs are read. */
export function moment(value: string): string {
  const at = new Date(value);
  const shape = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  return Number.isNaN(at.getTime()) ? value : dates('moment', { ...shape, timeZone }).format(at);
}

/** Of a day such as `2026-11-23`. */
export function weekdayName(day: string): string {
  return dates('weekday', { weekday: 'short', timeZone: 'UTC' }).format(new Date(`${day}T12:00:00Z`));
}

/** `23`, and `1 Dec` where a month begins. */
export function dayNumber(day: string): string {
  if (!day.endsWith('-01')) return String(Number(day.slice(8)));
  return dates('first', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(`${day}T12:00:00Z`));
}

export function month(value: Date): string {
  return dates('month', { month: 'long', year: 'numeric' }).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export function relative(value: string, now: number = Date.now()): string {
  const at = new Date(value).getTime();
  if (Number.isNaN(at)) return value;
  const seconds = Math.round((at - now) / 1000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, 'minute');
}

/** `1h 30m`; whole seconds in. */
export function duration(seconds: number): string {
  const sign = seconds < 0 ? '-' : '';
  let rest = Math.abs(Math.trunc(seconds));
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.length ? sign + parts.join(' ') : '0m';
}

/** Reads `1h 30m`, `90m`, `1:30`, `45` (minutes). Null where it cannot be read. */
export function parseDuration(text: string): number | null {
  const clean = text.trim().toLowerCase();
  if (clean === '') return null;
  const clock = /^(\d+):(\d{1,2})(?::(\d{1,2}))?$/.exec(clean);
  if (clock) return Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0);
  if (/^\d+$/.test(clean)) return Number(clean) * 60;
  const sizes: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1 };
  let total = 0;
  let left = clean;
  const part = /^(\d+(?:[.,]\d+)?)\s*([dhms])[a-z]*\s*/;
  for (let match = part.exec(left); match; match = part.exec(left)) {
    total += Number(match[1]?.replace(',', '.')) * (sizes[match[2] ?? 'm'] ?? 60);
    left = left.slice(match[0].length);
  }
  return left === '' ? Math.round(total) : null;
}

/** A number as people type it: `1.250,50` and `1,250.50` both give `1250.50`. Null where it cannot be read. */
export function parseDecimal(text: string): string | null {
  let clean = text.replace(/[\s\u00a0\u202f'’]/g, '');
  if (clean === '') return null;
  const comma = clean.lastIndexOf(',');
  const point = clean.lastIndexOf('.');
  if (comma >= 0 && point >= 0) {
    const [group, mark] = comma > point ? ['.', ','] : [',', '.'];
    clean = clean.split(group).join('').replace(mark, '.');
  } else if (comma >= 0) {
    clean = clean.indexOf(',') === comma ? clean.replace(',', '.') : clean.split(',').join('');
  } else if (point >= 0 && clean.indexOf('.') !== point) {
    clean = clean.split('.').join('');
  }
  return /^-?\d+(\.\d+)?$/.test(clean) ? clean : null;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${numbers('bytes', { maximumFractionDigits: size < 10 && unit ? 1 : 0 }).format(size)} ${units[unit]}`;
}

/** A label inside a sentence: `Person` as `person`; what is written in capitals, such as `NDA`, stays. */
export function inSentence(label: string): string {
  const [first = '', second = ''] = [...label];
  return second === second.toLowerCase() && second !== second.toUpperCase()
    ? first.toLocaleLowerCase() + label.slice(first.length)
    : label;
}

/** Up to two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? '')][0] ?? '';
  const last = words.length > 1 ? ([...(words[words.length - 1] ?? '')][0] ?? '') : '';
  return (first + last).toUpperCase();
}

/** For `datetime-local` inputs, in the browser's own zone. */
export function toLocalInput(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return '';
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

export function fromLocalInput(value: string): string | null {
  const at = new Date(value);
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
