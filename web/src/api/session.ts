/** Signing in and out, and the actor's own settings. */

import { call, get, patch, post, remove } from './client';
import type { Session } from './types';

export const current = () => get<Session>('/session');
export const signIn = (email: string, password: string) => post<Session>('/session', { email, password });
export const signOut = () => remove('/session');

export const me = () => get<Record<string, unknown>>('/me');
export const updateMe = (values: Record<string, unknown>) => patch<Record<string, unknown>>('/me', { values });
export const changePassword = (from: string, to: string) =>
  call<void>('POST', '/me/password', { body: { current: from, new: to } });
