/** Who opens the vault, and its data key. For administrators; only rotating changes anything, the rest is for the command line. */

import { get, post } from './client';

export interface VaultKey {
  label: string;
  kind: 'passphrase' | 'recovery' | 'key';
  /** Its public half. */
  recipient: string;
  /** Null: from a version that did not note it. */
  added_at: string | null;
  /** The server opened the vault with it. */
  in_use: boolean;
}

export interface Rotation {
  done_bytes: number;
  /** An estimate until the end is near. */
  all_bytes: number;
  /** Why the last step failed; it is repeated. */
  failed: string | null;
}

export interface Keys {
  recipients: VaultKey[];
  /** Newest last. */
  data_keys: { id: number; made_at: string | null }[];
  rotation: Rotation | null;
}

export const keys = () => get<Keys>('/keys');
export const rotateKey = () => post<Keys>('/keys/rotate');
