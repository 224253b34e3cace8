/** E-mails and phones come as text, or as a list of values with labels. */

export interface Contact {
  value: string;
  label: string;
}

export function contacts(value: unknown): Contact[] {
  const list = Array.isArray(value) ? value : value === null || value === undefined || value === '' ? [] : [value];
  return list.map((item) =>
    typeof item === 'object' && item !== null
      ? { value: String((item as Contact).value ?? ''), label: String((item as Contact).label ?? '') }
      : { value: String(item), label: '' },
  );
}
