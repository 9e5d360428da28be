/** The only hand that writes how machines are: on the primary, one event after the other. @module */
import { PvcError, type Runtime } from '../../../core/plugin/api.ts';
import { machine } from './machine-kind.ts';
import type { MachineDoc } from './machine-rules.ts';
import { type MachineEvent, next } from './machine-state.ts';

/** Somebody accepts or changes it meanwhile; never so often. */
const mostTries = 5;

export class MachineBook {
  readonly #runtime: Pick<Runtime, 'documents' | 'host' | 'write'>;

  constructor(runtime: Pick<Runtime, 'documents' | 'host' | 'write'>) {
    this.#runtime = runtime;
  }

  /**
   * Notes what has happened to a machine.
   * @returns the machine as it is now; undefined: there is none
   * @throws PvcError NOT_PRIMARY, STORE_UNKNOWN, OBJECT_CHANGED
   */
  async note(mac: string, event: MachineEvent): Promise<MachineDoc | undefined> {
    const { documents, host, write } = this.#runtime;
    for (let tries = 1; ; tries += 1) {
      const before = await documents.get(machine, mac);
      if (before === undefined) return undefined;
      const status = next(before, event, Math.round(host.clock.wallMs()));
      if (status === before.status) return before;
      try {
        await write([{ do: 'status', kind: machine, before, status }], { asPrimary: true });
        return { ...before, status };
      } catch (error) {
        if (!(error instanceof PvcError) || error.code !== 'OBJECT_CHANGED' || tries === mostTries) throw error;
      }
    }
  }
}
