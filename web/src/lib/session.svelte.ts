/** Who is signed in, and the live schema as they may see it. */

import * as admin from '../api/admin';
import { onSignedOut, Problem } from '../api/client';
import { list } from '../api/records';
import { answerChallenge } from '../api/security';
import * as sessions from '../api/session';
import type { Field, ObjectDef, SessionUser } from '../api/types';
import { t, translated, useLocale } from '../i18n/index.svelte';
import { setFirstWeekday, setTimeZone } from './format';
import { live } from './live.svelte';
import { fieldOf, included, recordFields } from './metadata';
import { titles } from './titles.svelte';

class SessionState {
  status = $state<'starting' | 'in' | 'out' | 'failed'>('starting');
  user = $state.raw<SessionUser | null>(null);
  objects = $state.raw<ObjectDef[]>([]);
  /** The session ended while the app was open: say so at sign-in. */
  expired = $state(false);
  problem = $state.raw<unknown>(null);

  main = $derived(this.objects.filter((o) => !o.system && o.permissions.read));
  /** Records that somebody works on: they have a timeline or belong to someone. */
  worked = $derived(
    this.main.filter(
      (o) => o.timeline || o.origin !== 'core' || o.fields.some((f) => f.kind === 'user' && !f.read_only),
    ),
  );
  isAdmin = $derived(this.user?.is_admin ?? false);

  async start(): Promise<void> {
    onSignedOut(() => {
      if (this.status !== 'in') return;
      this.expired = true;
      this.#leave();
    });
    live.onSchema(() => void this.reloadSchema());
    titles.name = (page, object) => page.items.map((r) => included(r, this.object(object)));
    try {
      await this.#enter((await sessions.current()).user);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.status = 'out';
      else {
        this.problem = error;
        this.status = 'failed';
      }
    }
  }

  /** @throws Problem */
  async signIn(email: string, password: string): Promise<void> {
    await this.#enter((await sessions.signIn(email, password)).user);
    this.expired = false;
  }

  /**
   * The second step. Where it enrolled an app, there are recovery codes to be shown first: `enter` then opens the app.
   * @throws Problem
   */
  async answer(challenge: string, code: string): Promise<{ codes: string[]; enter: () => Promise<void> }> {
    const { user, recovery_codes } = await answerChallenge(challenge, code);
    const enter = async () => {
      await this.#enter(user);
      this.expired = false;
    };
    return { codes: recovery_codes ?? [], enter };
  }

  async signOut(): Promise<void> {
    await sessions.signOut().catch(() => undefined);
    this.#leave();
  }

  async #enter(user: SessionUser): Promise<void> {
    this.user = user;
    titles.put({ id: user.id, object: 'users', title: user.name || user.email || '' });
    // Plugins word their labels in the language that is asked for, so that comes first.
    await useLocale(user.locale ?? undefined);
    await this.reloadSchema();
    this.status = 'in';
    live.start();
    void this.#readSettings();
    sessions.me().then(
      (me) => {
        const zone = (me.values as Record<string, unknown> | undefined)?.time_zone ?? me.time_zone;
        if (typeof zone === 'string') setTimeZone(zone);
      },
      () => undefined,
    );
  }

  /** How the workspace counts weeks; who may not read its settings gets the language's own way. */
  async #readSettings(): Promise<void> {
    const page = await list('settings', { limit: 1, total: false }).catch(() => null);
    const starts: Record<string, number> = { monday: 1, saturday: 6, sunday: 7 };
    setFirstWeekday(starts[String(page?.items[0]?.values.week_start)] ?? null);
  }

  #leave() {
    live.stop();
    titles.clear();
    this.user = null;
    this.objects = [];
    this.status = 'out';
  }

  /** Goes on in another language. */
  async speak(language: string): Promise<void> {
    await useLocale(language, true);
    await this.reloadSchema();
  }

  async reloadSchema(): Promise<void> {
    this.objects = (await admin.objects()).items;
  }

  object(key: string): ObjectDef | undefined {
    return this.objects.find((o) => o.key === key);
  }

  field(object: string, key: string): Field | undefined {
    return fieldOf(this.object(object), key) ?? this.recordFields().find((f) => f.key === key);
  }

  recordFields(): Field[] {
    return recordFields({
      created_at: t('record.created_at'),
      updated_at: t('record.updated_at'),
      created_by: t('record.created_by'),
      updated_by: t('record.updated_by'),
    });
  }

  /** Fields as lists offer them: the object's, then those of every record. */
  listFields(object: ObjectDef): Field[] {
    return [...object.fields.filter((f) => !f.hidden && f.kind !== 'secret'), ...this.recordFields()];
  }
}

export const session = new SessionState();

export const objectLabel = (object: ObjectDef) => translated([`object.${object.key}.one`], object.label);
export const objectPlural = (object: ObjectDef) => translated([`object.${object.key}.many`], object.label_plural);
export const fieldLabel = (object: string, field: { key: string; label: string }) =>
  translated([`field.${object}.${field.key}`, `field.${field.key}`], field.label);
export const optionLabel = (object: string, field: string, option: { key: string; label: string }) =>
  translated(
    [`option.${object}.${field}.${option.key}`, `option.${field}.${option.key}`, `option.${option.key}`],
    option.label,
  );
export const actionLabel = (action: { name: string; label: string }) =>
  translated([`action.${action.name}`], action.label);
