/** Light, dark, or as the system says. `public/theme.js` applies the same choice before the first paint. */

export type Theme = 'system' | 'light' | 'dark';

export function currentTheme(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === 'light' || set === 'dark' ? set : 'system';
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem('kith.theme');
    else localStorage.setItem('kith.theme', theme);
  } catch {
    // Storage may be forbidden; the choice then lasts until the page is closed.
  }
}
