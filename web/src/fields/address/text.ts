/** A postal address as one line. */

export function addressText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : '';
  const { street, city, region, postal_code, country } = value as Record<string, string | null>;
  const town = [postal_code, city].filter(Boolean).join(' ');
  return [street?.replace(/\s*\n\s*/g, ', '), town, region, country].filter(Boolean).join(', ');
}
