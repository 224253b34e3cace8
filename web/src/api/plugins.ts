/** Plugins as administrators manage them. */

import { call, get, post, put, remove } from './client';
import { follow } from './stream';
import type { InputSchema, Values } from './types';

export type Danger = 'high' | 'medium' | 'low' | 'adds';

export interface Permission {
  key: string;
  items: string[];
  danger: Danger;
  text: string;
}

export interface Changes {
  added: Permission[];
  removed: Permission[];
}

interface About {
  name: string;
  version: string;
  description: string;
  license: string;
  homepage: string;
  icon: string;
}

export type PluginVersion = About & { sha256: string; size_bytes: number; author: string | null };

export type PluginLine = PluginVersion & {
  id: string;
  state: 'enabled' | 'disabled' | 'failed';
  message: string | null;
  granted: boolean;
  previous: PluginVersion | null;
  pending: PluginVersion | null;
  installed_at: string;
  installed_by: string;
};

/** A plugin that Kith brings along; nothing of it runs before it is installed. */
export type Bundled = About & {
  id: string;
  size_bytes: number;
  installed: string | null;
  /** Than what is installed or waits for a grant. */
  newer: boolean;
};

export interface Overview {
  capability: string;
  calls: number;
  failures: number;
  micros: number;
  slowest_micros: number;
  circuit: 'closed' | 'open' | 'half-open';
}

export interface PluginSecret {
  name: string;
  label: string;
  hosts: string[];
  reveal: boolean;
  set: boolean;
}

export type PluginView = Omit<PluginLine, 'pending'> & {
  permissions: Permission[];
  settings: Values;
  settings_schema: InputSchema | null;
  secrets: PluginSecret[];
  pending: (PluginVersion & { permissions: Permission[]; changes: Changes }) | null;
  capabilities: string[];
  /** The very file that Kith brings along. */
  bundled?: boolean;
  overview: Overview[];
};

/** What a file would bring. */
export type Offer = About & {
  id: string;
  author: string | null;
  permissions: Permission[];
  settings_schema: InputSchema | null;
  installed: { version: string; changes: Changes; asks_for_more: boolean } | null;
  refusal: { code: string; detail: string } | null;
};

export interface LogLine {
  at: string;
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  message: string;
  attributes?: [string, string][];
  call: string;
}

export interface PluginCall {
  at: string;
  id: string;
  capability: string;
  name?: string;
  micros: number;
  error?: string;
}

/** An event that a plugin did not take: tried again at `due_at`, or given up where that is null. */
export interface PluginFailure {
  id: string;
  reason: string;
  /** The record that changed, what happened to it, and the journal's entry that holds the change. */
  about: string;
  object: string;
  /** Null: it is erased. */
  title: string | null;
  change: string;
  seq: number;
  attempts: number;
  at: string;
  due_at: string | null;
}

const part = encodeURIComponent;
const at = (id: string, what = '') => `/plugins/${part(id)}${what}`;

export const plugins = () => get<{ items: PluginLine[]; bundled: Bundled[] }>('/plugins');
export const plugin = (id: string) => get<PluginView>(at(id));

/** What is installed: a file, or the id of a plugin that Kith brings along. */
export type Source = File | string;

function form(source: Source, consent: Record<string, boolean> = {}): FormData {
  const data = new FormData();
  for (const [key, given] of Object.entries(consent)) if (given) data.set(key, 'true');
  data.set(typeof source === 'string' ? 'bundled' : 'file', source);
  return data;
}

export const inspectPlugin = (source: Source) => call<Offer>('POST', '/plugins/inspect', { form: form(source) });
export const installPlugin = (source: Source, consent: { grant: boolean; downgrade?: boolean; author?: boolean }) =>
  call<PluginView>('POST', '/plugins', { form: form(source, consent) });
export const removePlugin = (id: string, keep: boolean) => remove(`${at(id)}?keep=${keep}`);
export const stepPlugin = (id: string, step: 'grant' | 'enable' | 'disable' | 'rollback') =>
  post<PluginView>(at(id, `/${step}`));
export const declinePlugin = (id: string) => remove(at(id, '/pending'));
export const setPluginSettings = (id: string, settings: Values) => put<Values>(at(id, '/settings'), settings);
export const setPluginSecret = (id: string, name: string, value: string) =>
  put<void>(at(id, `/secrets/${part(name)}`), { value });
export const clearPluginSecret = (id: string, name: string) => remove(at(id, `/secrets/${part(name)}`));
/** Begins with `ready` and the lines that are kept; then `log` and `call` as they come, and `missed` where they came too fast. */
export const pluginStream = (id: string, on: Record<string, (data: string) => void>) =>
  follow(at(id, '/stream?history=true'), on);
export const pluginCalls = (id: string) => get<{ items: PluginCall[]; overview: Overview[] }>(at(id, '/calls'));
export const pluginFailures = async (id: string) => (await get<{ items: PluginFailure[] }>(at(id, '/failures'))).items;
export const replayFailure = (id: string, failure: string) => post<void>(at(id, `/failures/${part(failure)}/replay`));
export const dismissFailure = (id: string, failure: string) => remove(at(id, `/failures/${part(failure)}`));
