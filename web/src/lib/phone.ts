/** Telephone numbers as people read them: the country, then groups of digits. Changes no digit, and leaves alone what is not international. */

/** Countries of one and two digits; every other calling code has three. */
const SHORT = new Set(
  (
    '1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 ' +
    '81 82 84 86 90 91 92 93 94 95 98'
  ).split(' '),
);

/** How numbers of a usual length are written at home. */
const GROUPS: Record<string, number[][]> = {
  1: [[3, 3, 4]],
  31: [[2, 3, 4]],
  32: [[3, 2, 2, 2]],
  33: [[1, 2, 2, 2, 2]],
  34: [[3, 3, 3]],
  39: [[3, 3, 4]],
  41: [[2, 3, 2, 2]],
  44: [[4, 3, 3]],
  45: [[2, 2, 2, 2]],
  46: [[2, 3, 2, 2]],
  47: [[3, 2, 3]],
  48: [[3, 3, 3]],
};

function split(digits: string, groups: number[]): string[] {
  let from = 0;
  return groups.map((length) => digits.slice(from, (from += length)));
}

/** In threes; the end takes what would be left alone. */
function threes(count: number): number[] {
  if (count <= 4) return [count];
  return [3, ...threes(count - 3)];
}

const sum = (numbers: number[]) => numbers.reduce((all, n) => all + n, 0);

export function phone(value: string): string {
  const [, digits, extension = ''] = /^\+(\d{5,15})( x\d+)?$/.exec(value) ?? [];
  if (!digits) return value;
  const country = [1, 2].map((length) => digits.slice(0, length)).find((code) => SHORT.has(code)) ?? digits.slice(0, 3);
  const rest = digits.slice(country.length);
  const groups = GROUPS[country]?.find((known) => sum(known) === rest.length) ?? threes(rest.length);
  return `+${country} ${split(rest, groups).join(' ')}${extension}`;
}
