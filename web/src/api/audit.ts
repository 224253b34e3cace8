/** The audit: one list of acts, and the check of the whole journal. For administrators. */

import { get, post, url } from './client';
import type { Actor, Paged } from './types';

export interface AuditLine {
  seq: number;
  at: string;
  kind: string;
  actor: Actor;
  cause?: { kind?: string; name?: string } & Record<string, unknown>;
  object?: string;
  ids: string[];
  count: number;
  changes?: { object: string; id: string; version: number; kind: string; fields: string[] }[];
  detail?: string;
  hash: string;
  /** Of an alert. */
  severity?: 'notice' | 'warning' | 'critical';
  alert?: string;
}

export interface AuditQuery {
  kind?: string | null;
  actor?: string | null;
  object?: string | null;
  record?: string | null;
  /** RFC 3339; the moment itself belongs to it. */
  since?: string | null;
  /** RFC 3339; the moment itself does not. */
  until?: string | null;
  /** The beginning of one. */
  address?: string | null;
  /** Words that stand anywhere in a line. */
  text?: string | null;
  severity?: string | null;
}

export interface AuditPage extends Paged<AuditLine> {
  /** Time of the oldest entry looked at: a page may end early and go on. */
  searched_to: string | null;
}

export interface AuditHead {
  seq: number;
  at: string;
  /** To compare by eye. */
  short: string;
  /** `SEQ:HASH`, to be kept elsewhere. */
  anchor: string;
}

export interface VerifyReport {
  clean: boolean;
  entries: number;
  records: number;
  head_seq: number;
  head_hash: string;
  anchors: { seq: number; holds: boolean; what: string | null }[];
  findings: { place: string; seq?: number | null; what: string }[];
}

export const audit = (query: AuditQuery, cursor: string | null) =>
  get<AuditPage>('/audit', { ...query, cursor, limit: 50 });

export const auditHead = () => get<AuditHead>('/audit/head');
export const auditUrl = (query: AuditQuery, format: 'csv' | 'jsonl') => url('/audit/export', { ...query, format });

interface VerifyState {
  run: number;
  running: { done: number; all: number } | null;
  last: { run: number; report: VerifyReport | null; error: string | null } | null;
}

/** How often the server is asked how far it is. */
const ASK_EVERY_MS = 300;

/** Starts a check of the chain and waits for its end. Another one started meanwhile takes its place, and its report is as good. Refused when an anchor cannot be read. */
export async function verify(anchors: string[]): Promise<VerifyReport> {
  let state = await post<VerifyState>('/audit/verify', { records: true, anchors });
  while (state.running) {
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    state = await get<VerifyState>('/audit/verify');
  }
  if (!state.last?.report) throw new Error(state.last?.error ?? 'the check broke off');
  return state.last.report;
}
