/** What admins change: objects, fields, users, tokens. */

import { get, patch, post, put, remove } from './client';
import type { Field, KindInfo, KithRecord, ObjectDef } from './types';

export const objects = () => get<{ items: ObjectDef[]; revision: number }>('/objects');
export const kinds = async (): Promise<KindInfo[]> => {
  const answer = await get<KindInfo[] | { items: KindInfo[] }>('/kinds');
  return Array.isArray(answer) ? answer : answer.items;
};

export type ObjectDraft = Partial<
  Pick<ObjectDef, 'key' | 'label' | 'label_plural' | 'icon' | 'description' | 'title' | 'subtitle' | 'timeline'>
>;
export const addObject = (draft: ObjectDraft) => post<ObjectDef>('/objects', draft);
export const changeObject = (key: string, draft: ObjectDraft) => patch<ObjectDef>(`/objects/${key}`, draft);
export const removeObject = (key: string) => remove(`/objects/${key}`);

export type FieldDraft = Partial<Omit<Field, 'id' | 'sortable' | 'operators' | 'access' | 'origin'>>;
export const addField = (object: string, draft: FieldDraft) => post<Field>(`/objects/${object}/fields`, draft);
export const changeField = (object: string, key: string, draft: FieldDraft) =>
  patch<Field>(`/objects/${object}/fields/${encodeURIComponent(key)}`, draft);
export const removeField = (object: string, key: string) =>
  remove(`/objects/${object}/fields/${encodeURIComponent(key)}`);
export const orderFields = (object: string, keys: string[]) =>
  put<unknown>(`/objects/${object}/fields/order`, { keys });

export const addUser = (draft: { email: string; name: string; role: string; password?: string }) =>
  post<KithRecord>('/users', draft);
export const setPassword = (id: string, password: string) => post<void>(`/users/${id}/password`, { password });
export const addToken = (draft: { name: string; scopes: string[]; expires_at?: string | null }) =>
  post<{ token: string; record: KithRecord }>('/tokens', draft);
