/** One way to the server: JSON in and out, problem details as `Problem`. Knows no object and shows nothing. */

import type { FieldError, ProblemBody } from './types';

export const BASE = '/api/v1';

/** What went wrong, as the server said it; `code` is stable, `message` is for people. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];
  readonly retryAfter_s: number | null;
  /** All that was said, for codes that say more. */
  readonly body: ProblemBody;

  constructor(status: number, body: ProblemBody, retryAfter_s: number | null = null) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.code = body.code ?? (status === 0 ? 'network' : 'unknown');
    this.errors = body.errors ?? [];
    this.retryAfter_s = retryAfter_s;
  }

  /** Errors by field key, for forms. */
  byField(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const e of this.errors) if (!(e.field in found)) found[e.field] = e.message;
    return found;
  }
}

export interface Answer<T> {
  body: T;
  version: number | null;
}

type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

let signedOut: () => void = () => {};

/** Called when the server no longer knows the session. */
export function onSignedOut(run: () => void): void {
  signedOut = run;
}

export function url(path: string, query?: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
  }
  const text = params.toString();
  return BASE + path + (text ? `?${text}` : '');
}

async function problemOf(answer: Response): Promise<Problem> {
  let body: ProblemBody = { title: answer.statusText };
  try {
    body = (await answer.json()) as ProblemBody;
  } catch {
    // A proxy in between may answer with something else; the status still tells enough.
  }
  const retry = Number(answer.headers.get('retry-after'));
  return new Problem(answer.status, body, Number.isFinite(retry) && retry > 0 ? retry : null);
}

let language = '';

/** The language for what the server words itself, such as the labels of plugins. */
export function askIn(tag: string): void {
  language = tag;
}

/** @throws Problem */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (language) headers['accept-language'] = language;
  let body: BodyInit | undefined;
  if (options.form) body = options.form;
  else if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let answer: Response;
  try {
    answer = await fetch(url(path, options.query), {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, { code: 'network' });
  }
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (problem.code === 'auth.required') signedOut();
    throw problem;
  }
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>('GET', path, { query, signal });
export const post = <T>(path: string, body?: unknown, headers?: Record<string, string>) =>
  call<T>('POST', path, { body, headers });
export const patch = <T>(path: string, body: unknown, headers?: Record<string, string>) =>
  call<T>('PATCH', path, { body, headers });
export const put = <T>(path: string, body: unknown) => call<T>('PUT', path, { body });
export const remove = (path: string, headers?: Record<string, string>) => call<void>('DELETE', path, { headers });

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
