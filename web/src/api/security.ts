/** Second factor, sessions and the strength of passwords. Seeds and recovery codes are in one answer each and kept nowhere. */

import { call, get, post, remove } from './client';
import type { Session } from './types';

export interface SecondFactor {
  enabled: boolean;
  required: boolean;
  since: string | null;
  recovery_codes_left: number;
}

export interface Enrolment {
  secret: string;
  uri: string;
  /** SVG */
  qr: string;
}

export interface SessionLine {
  id: string;
  client: string;
  address: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  second_factor: boolean;
  current: boolean;
}

export interface Strength {
  score: 0 | 1 | 2 | 3 | 4;
  ok: boolean;
  code: string | null;
  message: string | null;
}

export type SignedIn = Session & { recovery_codes?: string[] };
export type RecoveryCodes = { recovery_codes: string[] };

export const answerChallenge = (challenge: string, code: string) =>
  post<SignedIn>('/session/second-factor', { challenge, code });

export const secondFactor = () => get<SecondFactor>('/me/second-factor');
export const beginSecondFactor = (password: string, code: string | null) =>
  post<Enrolment>('/me/second-factor', { password, code });
export const confirmSecondFactor = (code: string) => post<RecoveryCodes>('/me/second-factor/confirm', { code });
export const renewCodes = (code: string) => post<RecoveryCodes>('/me/second-factor/recovery-codes', { code });
export const removeSecondFactor = (code: string) => call<void>('DELETE', '/me/second-factor', { body: { code } });
export const resetSecondFactor = (user: string) => remove(`/users/${user}/second-factor`);

/** Null: one's own. */
const whose = (user: string | null) => (user === null ? '/me/sessions' : `/users/${user}/sessions`);
export const sessions = (user: string | null) => get<{ items: SessionLine[] }>(whose(user));
export const endSession = (user: string | null, id: string) => remove(`${whose(user)}/${id}`);
/** All of a user's; of one's own, all but this one. */
export const endSessions = (user: string | null) => call<{ ended: number }>('DELETE', whose(user));

export const strength = (password: string, about: { email?: string; name?: string }) =>
  post<Strength>('/password-strength', { password, ...about });
