import { describe, expect, it } from 'vitest';
import * as format from './format';

describe('format', () => {
  it('reads numbers as people write them', () => {
    expect(format.parseDecimal('1.250,50')).toBe('1250.50');
    expect(format.parseDecimal('1,250.50')).toBe('1250.50');
    expect(format.parseDecimal("1'250")).toBe('1250');
    expect(format.parseDecimal('1.250.000')).toBe('1250000');
    expect(format.parseDecimal('-3,5')).toBe('-3.5');
    expect(format.parseDecimal('abc')).toBeNull();
    expect(format.parseDecimal('')).toBeNull();
  });

  it('reads durations as people write them', () => {
    expect(format.parseDuration('1h 30m')).toBe(5400);
    expect(format.parseDuration('1:30')).toBe(5400);
    expect(format.parseDuration('45')).toBe(2700);
    expect(format.parseDuration('1,5 hours')).toBe(5400);
    expect(format.parseDuration('soon')).toBeNull();
    expect(format.duration(5400)).toBe('1h 30m');
    expect(format.duration(0)).toBe('0m');
  });

  it('never rounds an exact decimal', () => {
    format.setLocale('en');
    expect(format.decimal('12345678901234567.89')).toBe('12,345,678,901,234,567.89');
  });

  it('shows a day as that day in every time zone', () => {
    format.setLocale('en');
    expect(format.date('2026-03-01')).toBe('Mar 1, 2026');
    expect(format.date('nonsense')).toBe('nonsense');
  });

  it('survives a currency that nobody knows', () => {
    expect(format.money({ amount: '5', currency: 'XX' })).toBe('5 XX');
  });

  it('makes initials of any name', () => {
    expect(format.initials('Zoë O’Hara')).toBe('ZO');
    expect(format.initials('😀 Smith')).toBe('😀S');
    expect(format.initials('')).toBe('');
  });

  it('says how long ago', () => {
    format.setLocale('en');
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(format.relative('2026-03-01T10:00:00Z', now)).toBe('2 hr. ago');
    expect(format.relative('2026-03-04T12:00:00Z', now)).toBe('in 3 days');
  });
});
