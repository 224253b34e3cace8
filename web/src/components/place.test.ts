import { describe, expect, it } from 'vitest';
import { spot } from './place';

const view = { width: 400, height: 800 };

describe('the place of a list', () => {
  it('is below, as wide as what it belongs to', () => {
    expect(spot({ left: 20, top: 100, bottom: 132, width: 300 }, 200, view)).toEqual({
      left: 20,
      top: 136,
      width: 300,
      heightMax: 340,
    });
  });
  it('is above where there is more room', () => {
    expect(spot({ left: 20, top: 700, bottom: 732, width: 300 }, 200, view).top).toBe(496);
  });
  it('never leaves the window', () => {
    const found = spot({ left: 350, top: 0, bottom: 790, width: 40 }, 500, view);
    expect(found.left + found.width).toBeLessThanOrEqual(392);
    expect(found.heightMax).toBeGreaterThanOrEqual(80);
  });
});
