/** Where the person is. The browser's history is the only store; links are ordinary links. */

import { parse, type Route } from './routes';

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  route: Route = $derived(parse(this.path));
  query = $derived(new URLSearchParams(this.search));
  /** True while a page holds unsaved input; leaving then asks first. */
  guard: (() => boolean) | null = null;

  #read() {
    this.path = location.pathname;
    this.search = location.search;
  }

  start() {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => {
      if (
        event.defaultPrevented ||
        event.button !== 0 ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey ||
        event.altKey
      ) {
        return;
      }
      const link = (event.target as Element | null)?.closest?.('a');
      if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
      if (link.pathname.startsWith('/api/')) return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    });
  }

  go(to: string, replace = false) {
    if (this.guard && !this.guard()) return;
    if (to === location.pathname + location.search) return;
    const samePage = to.split('?')[0] === location.pathname;
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    this.#read();
    if (!samePage) scrollTo(0, 0);
  }

  back(otherwise: string) {
    if (history.length > 1) history.back();
    else this.go(otherwise);
  }

  /** Sets parts of the query; null and empty remove. Stays on the page. */
  setQuery(changes: Record<string, string | null>, replace = true) {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(key);
      else query.set(key, value);
    }
    const text = query.toString();
    this.go(location.pathname + (text ? `?${text}` : ''), replace);
  }
}

export const router = new Router();
