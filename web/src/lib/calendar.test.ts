import { describe, expect, it } from 'vitest';
import { addMonths, dayOf, isMonth, onDay, weeksOf } from './calendar';

describe('the calendar', () => {
  it('shows whole weeks, starting with the chosen day', () => {
    const november = weeksOf('2026-11', 1);
    expect(november[0]?.[0]).toBe('2026-10-26');
    expect(november.at(-1)?.[6]).toBe('2026-12-06');
    expect(weeksOf('2026-11', 7)[0]?.[0]).toBe('2026-11-01');
    expect(weeksOf('2027-02', 1)).toHaveLength(4);
  });
  it('walks over years', () => {
    expect(addMonths('2026-12', 1)).toBe('2027-01');
    expect(addMonths('2026-01', -1)).toBe('2025-12');
    expect(addMonths('2026-05', -17)).toBe('2024-12');
  });
  it('refuses what is no month', () => {
    for (const wrong of [null, '', '2026-13', '2026-00', '26-01', '2026-1', '2026-01-01'])
      expect(isMonth(wrong)).toBe(false);
  });
  it('puts an instant on the day it has where the person is', () => {
    expect(dayOf('2026-11-22T23:30:00Z', 'Europe/Copenhagen')).toBe('2026-11-23');
    expect(dayOf('2026-11-23T03:00:00Z', 'America/New_York')).toBe('2026-11-22');
    expect(dayOf('2026-11-23', 'Pacific/Kiritimati')).toBe('2026-11-23');
    for (const wrong of [null, 4, '', 'soon', ['2026-11-23']]) expect(dayOf(wrong, 'UTC')).toBe(null);
  });
  it('keeps the time of day when a day changes, over a clock change too', () => {
    expect(onDay('2026-10-24T15:00:00Z', '2026-10-26', 'Europe/Rome')).toBe('2026-10-26T16:00:00.000Z');
    expect(onDay('2026-11-23T08:00:00Z', '2026-11-01', 'UTC')).toBe('2026-11-01T08:00:00.000Z');
    expect(onDay('2026-11-23', '2026-12-01', 'UTC')).toBe('2026-12-01');
  });
});
