/** Days and months of the calendar. Pure; a day is a text such as `2026-11-23`, so that no time zone moves it. */

export type Day = string;

const DAY_MS = 86_400_000;

const atNoon = (day: Day) => Date.parse(`${day}T12:00:00Z`);
const text = (ms: number): Day => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day: Day, days: number): Day => text(atNoon(day) + days * DAY_MS);

export const daysBetween = (from: Day, to: Day): number => Math.round((atNoon(to) - atNoon(from)) / DAY_MS);

export const monthOf = (day: Day): string => day.slice(0, 7);

export function addMonths(month: string, months: number): string {
  const [year = 0, of = 1] = month.split('-').map(Number);
  const at = year * 12 + (of - 1) + months;
  return `${String(Math.floor(at / 12)).padStart(4, '0')}-${String((((at % 12) + 12) % 12) + 1).padStart(2, '0')}`;
}

export const isMonth = (value: string | null): value is string => !!value && /^\d{4}-(0[1-9]|1[0-2])$/.test(value);

/** Monday is 1, Sunday 7. */
const weekday = (day: Day) => new Date(atNoon(day)).getUTCDay() || 7;

/** Whole weeks that hold the month; `first` is the weekday they start with (Monday 1 … Sunday 7). */
export function weeksOf(month: string, first: number): Day[][] {
  const start = `${month}-01`;
  const end = addDays(`${addMonths(month, 1)}-01`, -1);
  let day = addDays(start, -((weekday(start) - first + 7) % 7));
  const weeks: Day[][] = [];
  while (day <= end) {
    const from = day;
    weeks.push(Array.from({ length: 7 }, (_, i) => addDays(from, i)));
    day = addDays(day, 7);
  }
  return weeks;
}

/** The wall clock of an instant in a zone, as if it were UTC. */
function wallClock(ms: number, zone: string | undefined): number {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(ms);
  const of = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

/** The day a date or an instant falls on in `zone`; null for what is neither. */
export function dayOf(value: unknown, zone: string | undefined): Day | null {
  if (typeof value !== 'string') return null;
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : text(wallClock(ms, zone));
}

/** The same value on another day: dates become that day, instants keep their time of day, over clock changes too. */
export function onDay(value: string, day: Day, zone: string | undefined): string {
  const from = dayOf(value, zone);
  if (from === null || value === from) return day;
  const ms = Date.parse(value);
  const shift = daysBetween(from, day) * DAY_MS;
  const moved = ms + shift;
  const late = wallClock(moved, zone) - (wallClock(ms, zone) + shift);
  return new Date(moved - late).toISOString();
}
