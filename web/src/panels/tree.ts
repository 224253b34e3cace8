/** The nodes of a panel, read with care: a plugin wrote them. Pure; whatever has another shape than it should shows as nothing. */

import type { InputSchema } from '../api/types';

export interface PanelNode {
  kind: string;
  props: Record<string, unknown>;
  children: PanelNode[];
}

export interface PanelAnswer {
  title: string;
  root: PanelNode;
  /** Sealed by the server; goes back as it is. */
  state: string;
}

export interface Point {
  label: string;
  value: number;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Anything plain as text. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function number(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** One of the words, or the first of them. */
export function oneOf<T extends string>(value: unknown, words: readonly [T, ...T[]]): T {
  return words.find((word) => word === value) ?? words[0];
}

export function maps(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

export function schemaOf(value: unknown): InputSchema {
  return isMap(value) ? (value as InputSchema) : {};
}

/** Where a link leads: a record, a page of another site over https, or nowhere. */
export function linkOf(
  props: Record<string, unknown>,
): { record: { object: string; id: string } } | { href: string } | null {
  if (isMap(props.record)) {
    const [object, id] = [text(props.record.object), text(props.record.id)];
    return object && id ? { record: { object, id } } : null;
  }
  try {
    const href = new URL(text(props.href));
    return href.protocol === 'https:' ? { href: href.href } : null;
  } catch {
    return null;
  }
}

export function points(value: unknown): Point[] {
  return maps(value)
    .slice(0, 60)
    .map((p) => ({ label: text(p.label), value: number(p.value) }));
}

/** Heights of bars and of a line, from 0 to 1. What is below zero lies on the floor. */
export function scaled(series: Point[]): number[] {
  const top = Math.max(0, ...series.map((p) => p.value));
  return series.map((p) => (top > 0 ? Math.max(0, p.value) / top : 0));
}

/** Begin and length of each piece of a ring, as parts of 100. */
export function pieces(series: Point[]): { from: number; size: number }[] {
  const sizes = series.map((p) => Math.max(0, p.value));
  const all = sizes.reduce((a, b) => a + b, 0);
  let from = 0;
  return sizes.map((size) => {
    const piece = { from, size: all > 0 ? (size / all) * 100 : 0 };
    from += piece.size;
    return piece;
  });
}
