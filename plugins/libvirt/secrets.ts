/**
 * Secrets of other plugins that libvirt gives to guests' disks: those of storage. libvirtd is told on every new
 * connection and whenever they change; it keeps them to itself (`private`).
 * @module
 */
import { createHash } from 'node:crypto';
import { errorText, type FoldHook, faultId, type Runtime } from '../../core/plugin/api.ts';
import { el, printXml } from './domain/xml.ts';
import type { LibvirtLink } from './libvirt-link.ts';

export interface LibvirtSecret {
  /** By which a domain's disk names it. */
  readonly uuid: string;
  /** What it is for, to be seen in `virsh secret-list`. */
  readonly usage: string;
  readonly value: Uint8Array;
}

/** Secrets change seldom, and a guest that is started looks by itself. */
const lookMs = 10_000;

/** What makes a secret that a plugin gives unusable; undefined: nothing. */
export function secretsProblem(value: unknown): string | undefined {
  const fits = (one: Partial<LibvirtSecret>): boolean =>
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(one.uuid ?? '') &&
    typeof one.usage === 'string' &&
    one.value instanceof Uint8Array;
  return Array.isArray(value) && value.every(fits) ? undefined : 'something that is no list of secrets';
}

const xmlOf = ({ uuid, usage }: LibvirtSecret): string =>
  printXml(
    el(
      'secret',
      { ephemeral: 'no', private: 'yes' },
      el('uuid', {}, uuid),
      el('usage', { type: 'ceph' }, el('name', {}, usage)),
    ),
  );

export class LibvirtSecrets {
  readonly #runtime: Runtime;
  readonly #link: LibvirtLink;
  readonly #hook: FoldHook<readonly LibvirtSecret[], null>;
  /** What this connection has been told, by UUID, as a digest. */
  readonly #told = new Map<string, string>();
  #telling: Promise<void> = Promise.resolve();

  constructor(runtime: Runtime, link: LibvirtLink, hook: FoldHook<readonly LibvirtSecret[], null>) {
    this.#runtime = runtime;
    this.#link = link;
    this.#hook = hook;
    link.listen((uuid) => {
      if (uuid !== 'all') return;
      this.#told.clear();
      void this.#attempt();
    });
  }

  /** Keeps libvirt in step until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#hook.tappedBy().length === 0) return;
    while (!signal.aborted) {
      if (this.#link.connected) await this.#attempt();
      await this.#runtime.host.clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }

  /** Resolves once libvirt knows all of them. @throws PvcError what libvirt or a plugin says */
  tell(): Promise<void> {
    const turn = this.#telling.then(() => this.#tell());
    this.#telling = turn.catch(() => undefined);
    return turn;
  }

  async #tell(): Promise<void> {
    const { value: secrets } = await this.#hook.call([], null);
    for (const secret of secrets) {
      const digest = createHash('sha256').update(secret.value).digest('hex');
      if (this.#told.get(secret.uuid) === digest) continue;
      await this.#link.driver.setSecret(xmlOf(secret), secret.value);
      this.#told.set(secret.uuid, digest);
    }
  }

  async #attempt(): Promise<void> {
    const { faults, node } = this.#runtime;
    const fault = faultId('libvirt-secrets', node);
    try {
      await this.tell();
      faults.clear(fault);
    } catch (error) {
      if (!this.#link.connected) return;
      faults.raise(fault, {
        severity: 'warning',
        message: `libvirt on ${node} could not be given the keys of the storage: ${errorText(error)}`,
        hint: 'Guests with disks there cannot be started on it. It is tried again by itself.',
        object: `node ${node}`,
      });
    }
  }
}
