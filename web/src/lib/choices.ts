/** Small choices this browser remembers, such as the layout last used for an object. Where storage is forbidden, it forgets. */

const PREFIX = 'kith.choice.';

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Only convenience is lost.
  }
}
