/**
 * The daemons of this node's OSDs. The controller keeps them running and tasks end them: each number's turn comes one
 * after the other, so that nothing that was just ended is started by somebody who looked before.
 * @module
 */
import type { Runtime, ServiceStatus } from '../../../core/plugin/api.ts';
import { runDirectory } from '../cluster/ceph-files.ts';
import { cephService } from '../cluster/services.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { activateLvm } from './lvm-osd.ts';
import { osd } from './osd-kind.ts';
import { prepareKnown } from './plain-osd.ts';

export class OsdDaemons {
  readonly #runtime: Runtime;
  readonly #ceph: CephCommand;
  readonly #services = new Map<string, ReturnType<Runtime['supervise']>>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(runtime: Runtime, ceph: CephCommand) {
    this.#runtime = runtime;
    this.#ceph = ceph;
  }

  /** Numbers of the OSDs that are looked after. */
  get numbers(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Undefined: nobody looks after it. */
  status(id: string): ServiceStatus | undefined {
    return this.#services.get(id)?.status();
  }

  /** Has it running from now on, unless its document wants it no more. */
  serve(id: string): Promise<void> {
    return this.#inTurn(id, async () => {
      const { documents, host, node } = this.#runtime;
      const doc = await documents.get(osd, id);
      if (this.#services.has(id) || doc?.spec.serve !== true || doc.spec.node !== node) return;
      await runDirectory(this.#ceph);
      const known = { id: Number(id), ...doc.spec };
      if (doc.spec.backing.type === 'lvm') await activateLvm(host, this.#ceph, known);
      else await prepareKnown(host, this.#ceph, known);
      this.#services.set(id, this.#runtime.supervise(cephService(host, 'osd', id)));
    });
  }

  /** Ends it, also one that an earlier life of this daemon left running. @throws Error when it does not end */
  end(id: string): Promise<void> {
    return this.#inTurn(id, async () => {
      const service = this.#services.get(id) ?? this.#runtime.supervise(cephService(this.#runtime.host, 'osd', id));
      this.#services.set(id, service);
      await service.end();
      this.#services.delete(id);
    });
  }

  #inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(act, act);
    this.#turns.set(id, turn);
    return turn;
  }
}
