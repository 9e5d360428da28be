import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema } from '../../config/schema.ts';
import { PvcError } from '../../error/error.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import type { BmcSpec } from '../../model/bmc-kind.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import { Documents } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { describeOwnBmc, takeBmcOfFile } from './own-bmc.ts';

const { bmc } = configSchema.parse({ bmc: { address: '192.0.2.1', user: 'pvc', passwordFile: '/etc/pvc/bmc' } });

async function setUp(known?: BmcSpec) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const spec = { role: 'hypervisor', domainState: 'ready', ...(known === undefined ? {} : { bmc: known }) } as const;
  const { ops, topics } = documents.commitOf([{ do: 'create', kind: nodeKind, id: 'hv1', spec }]);
  await documents.store.commit(ops, topics);
  const performed: unknown[] = [];
  const perform = async (...words: unknown[]) => void performed.push(words);
  assert.ok(bmc);
  const parts = { host, documents, node: 'hv1', perform };
  return { host, parts, performed, take: () => describeOwnBmc(parts, bmc) };
}

describe('the BMC that the configuration file names', () => {
  it('is described with the password of its file', async () => {
    const { host, performed, take } = await setUp();
    await host.files.makeDirectory('/etc/pvc');
    await host.files.writeAtomic('/etc/pvc/bmc', 'secret\n', 0o600);
    await take();
    assert.deepEqual(performed, [
      [
        'node.bmc-set',
        {
          ...{ node: 'hv1', driver: 'ipmi', address: '192.0.2.1', user: 'pvc' },
          ...{ password: 'secret\n' },
        },
      ],
    ]);
  });

  it('does not overrule what a command has said', async () => {
    const { performed, take } = await setUp({
      ...{ driver: 'ipmi', address: '192.0.2.9', user: 'other', cipherSuite: 3, privilege: 'OPERATOR' },
    });
    await take();
    assert.deepEqual(performed, []);
  });

  it('is told to lack its password', async () => {
    const { performed, take } = await setUp();
    await assert.rejects(take(), (error) => error instanceof PvcError && error.code === 'BMC_PASSWORD_FILE');
    assert.deepEqual(performed, []);
  });

  it('is a fault while it is not taken', async () => {
    assert.ok(bmc);
    const { host, parts } = await setUp();
    const raised = new Map<string, string>();
    const faults = {
      raise: (id: string, { message }: { readonly message: string }) => void raised.set(id, message),
      clear: (id: string) => void raised.delete(id),
    };
    await takeBmcOfFile({ ...parts, faults }, bmc);
    assert.match([...raised.values()].join(), /was not taken: .* there is no file \/etc\/pvc\/bmc/);
    await host.files.makeDirectory('/etc/pvc');
    await host.files.writeAtomic('/etc/pvc/bmc', 'secret\n', 0o600);
    await takeBmcOfFile({ ...parts, faults }, bmc);
    assert.equal(raised.size, 0);
  });
});
