import { expect, it } from 'vitest';
import { deviceOf } from './device';

it('names browser and system', () => {
  expect(
    deviceOf(
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0',
    ),
  ).toEqual({ browser: 'Edge', system: 'Windows' });
  expect(
    deviceOf('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1'),
  ).toEqual({
    browser: 'Safari',
    system: 'iPhone',
  });
  expect(deviceOf('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')).toEqual({
    browser: 'Firefox',
    system: 'Linux',
  });
});

it('does not invent what it does not know', () => {
  expect(deviceOf('')).toEqual({ browser: '', system: '' });
  expect(deviceOf('<script>alert(1)</script>')).toEqual({ browser: '', system: '' });
});
