/** The pages and their addresses. Pure: reads and writes addresses, moves nowhere. */

export type Route =
  | { page: 'home' }
  | { page: 'list'; object: string; trashed: boolean }
  | { page: 'record'; object: string; id: string }
  | { page: 'import'; id: string | null }
  | { page: 'settings'; section: string; item: string | null }
  | { page: 'missing' };

function decode(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return '';
  }
}

export function parse(pathname: string): Route {
  const parts = pathname.split('/').filter(Boolean).map(decode);
  const [head, second, third] = parts;
  if (!head) return { page: 'home' };
  if (head === 'records' && second && parts.length === 2) return { page: 'list', object: second, trashed: false };
  if (head === 'records' && second && third && parts.length === 3) return { page: 'record', object: second, id: third };
  if (head === 'trash' && second && parts.length === 2) return { page: 'list', object: second, trashed: true };
  if (head === 'import' && parts.length <= 2) return { page: 'import', id: second ?? null };
  if (head === 'settings' && parts.length <= 3) {
    return { page: 'settings', section: second ?? 'profile', item: third ?? null };
  }
  return { page: 'missing' };
}

const part = encodeURIComponent;
export const listPath = (object: string) => `/records/${part(object)}`;
export const recordPath = (object: string, id: string) => `/records/${part(object)}/${part(id)}`;
export const trashPath = (object: string) => `/trash/${part(object)}`;
export const importPath = (id?: string) => (id ? `/import/${part(id)}` : '/import');
export const settingsPath = (section: string, item?: string) =>
  `/settings/${part(section)}${item ? `/${part(item)}` : ''}`;
