/** A small cluster with machines for tests: a memory store, and operations as an administrator calls them. @module */
import assert from 'node:assert/strict';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Executor } from '../../../core/operation/execute.ts';
import type { Actor, Mutation, Query } from '../../../core/operation/operation.ts';
import { cluster, node, PvcError } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { createMemoryStore } from '../../../core/store/memory.ts';
import { MachineBook } from '../machine/machine-book.ts';

const actor: Actor = { name: 'root', role: 'admin', via: 'socket' };
const { signal } = new AbortController();
export const macA = '52:54:00:00:00:0a';
export const macB = '52:54:00:00:00:0b';
export const uuid = '5c0e3f6e-2e1d-4f7a-9d39-0123456789ab';
export const hardware = {
  uuid,
  manufacturer: 'ACME',
  product: 'R1',
  serial: 'S1',
  memoryMiB: 4096,
  disks: [],
  nics: [],
};

export async function setUp(operations: readonly { readonly name: string }[]) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const write = async (writes: Parameters<Documents['commitOf']>[0]) => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const networks = { cluster: { cidr: '10.10.0.0/24', floating: '10.10.0.10' } };
  await write([
    {
      ...{ do: 'create', kind: cluster, id: 'cluster' },
      spec: { name: 'c', createdMs: 0, maintenance: false, networks },
    },
    {
      ...{ do: 'create', kind: node, id: 'hv1' },
      spec: { role: 'coordinator', domainState: 'ready', address: '10.10.0.11' },
    },
  ]);
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  /** Calls operations by the end of their names, `add` of `machine.add`. */
  const calls = (operations: readonly { readonly name: string }[]) => {
    const named = (verb: string) => operations.find(({ name }) => name.endsWith(`.${verb}`)) as unknown;
    return {
      mutate: (verb: string, input: object) => executor.mutate(named(verb) as Mutation, input, actor),
      query: (verb: string, input: object) => executor.query(named(verb) as Query, input, actor, signal),
    };
  };
  return { documents, write, book: new MachineBook({ documents, host, write }), calls, ...calls(operations) };
}

/** For `assert.rejects`. */
export const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PvcError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.notEqual(error.hint, '');
  return true;
};
