import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fence, freshFence } from '../../../core/model/fence-kind.ts';
import { bmcSecret, defineKind, node, z } from '../../../core/plugin/api.ts';
import { nodeStatus } from '../../../test/fixtures/node-status.ts';
import { hardware, macA, macB, refused, setUp } from '../testing/machines.ts';
import { machine } from './machine-kind.ts';
import { type MachineInfo, machineOperations } from './machine-operations.ts';
import { replaceOperations } from './replace-operation.ts';

const macC = '52:54:00:00:00:0c';
const bootId = 'the last life';

/** Something that belongs to a node, as a guest does. */
const thing = defineKind<{ node: string }, unknown>({
  name: 'thing',
  plural: 'things',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ node: z.string() }),
  status: z.unknown(),
  concerns: (spec) => [spec.node],
});

/** The node hv4, which came from the machine A, and whose daemon is not there. */
async function scene(belongs = true) {
  const all = await setUp([...machineOperations, ...replaceOperations]);
  const { write, mutate, book } = all;
  await mutate('add', { mac: macA, name: 'hv4', address: '10.10.0.14' });
  await book.note(macA, { type: 'seen', hardware, firmware: 'bios', objection: null, before: null, word: null });
  const spec = { role: 'hypervisor', domainState: 'ready', address: '10.10.0.14' } as const;
  await write([{ do: 'create', kind: node, id: 'hv4', spec }]);
  const doc = await all.documents.need(node, 'hv4');
  await write([{ do: 'status', kind: node, before: doc, status: { ...nodeStatus('hv4'), bootId } }]);
  if (belongs) await write([{ do: 'create', kind: thing, id: 't1', spec: { node: 'hv4' } }]);
  /** @param life which the proof is about */
  const prove = async (life: string): Promise<void> => {
    const evidence = [{ by: 'its BMC', text: 'reads off', covers: ['machine'], atMs: 1, bootId: life }];
    const opened = { node: 'hv4', openedMs: 1, by: 'pvc' };
    await write([{ do: 'create', kind: fence, id: '0123456789ab', spec: opened, status: { ...freshFence, evidence } }]);
  };
  const info = (mac: string) => all.query('info', { machine: mac }) as Promise<MachineInfo>;
  return { ...all, prove, info };
}

describe('a node gets another machine', () => {
  it('that boots in its place, once its old one is proven off', async () => {
    const { mutate, prove, info, documents } = await scene();
    const replace = () => mutate('replace', { node: 'hv4', mac: macB });
    await assert.rejects(
      replace(),
      refused('NODE_NOT_REPLACED', /1 of the kind thing.*nothing proves that its machine is off/),
    );
    await prove(bootId);
    const { result } = await replace();
    assert.deepEqual(result, { node: 'hv4', mac: macB, address: '10.10.0.14', before: macA });
    const young = await info(macB);
    assert.deepEqual([young.state, young.name, young.address], ['accepted', 'hv4', '10.10.0.14']);
    assert.equal(await documents.find(machine, 'name', 'hv4'), macB);
    await assert.rejects(info(macA), refused('MACHINE_NOT_FOUND', /0a/));
  });

  it('and no more the BMC of its old one, which reads off for ever', async () => {
    const { mutate, documents, write } = await scene(false);
    const before = await documents.need(node, 'hv4');
    const bmc = { driver: 'ipmi', address: '10.10.3.14', user: 'pvc', cipherSuite: 17, privilege: 'OPERATOR' } as const;
    await write([
      { do: 'spec', kind: node, before, spec: { ...before.spec, bmc } },
      { do: 'create', kind: bmcSecret, id: 'hv4', spec: { password: 'of the old one' } },
    ]);
    await mutate('replace', { node: 'hv4', mac: macB });
    assert.equal((await documents.need(node, 'hv4')).spec.bmc, undefined);
    assert.equal(await documents.get(bmcSecret, 'hv4'), undefined);
  });

  it('at once when nothing belongs to it', async () => {
    const { mutate, info } = await scene(false);
    await mutate('replace', { node: 'hv4', mac: macB });
    assert.equal((await info(macB)).name, 'hv4');
  });

  it('not on what is proven of an older life of the machine', async () => {
    const { mutate, prove } = await scene();
    await prove('an older life');
    await assert.rejects(mutate('replace', { node: 'hv4', mac: macB }), refused('NODE_NOT_REPLACED', /nothing proves/));
  });

  it('not while its daemon runs', async () => {
    const { mutate, documents } = await scene(false);
    await documents.store.commit([{ op: 'create', key: '/alive/hv4', value: '1', ephemeral: true }], []);
    await assert.rejects(
      mutate('replace', { node: 'hv4', mac: macB }),
      refused('NODE_NOT_REPLACED', /its daemon runs/),
    );
  });

  it('but no coordinator does, and no machine that is something else or the same', async () => {
    const { mutate, documents } = await scene(false);
    await mutate('add', { mac: macC, name: 'hv6', address: '10.10.0.16' });
    const before = await documents.list(machine);
    for (const [input, code, message] of [
      [{ node: 'hv1', mac: macB }, 'COORDINATOR_NOT_REPLACED', /hv1 is a coordinator/],
      [{ node: 'hv4', mac: macA }, 'NODE_NOT_REPLACED', /is its machine already/],
      [{ node: 'hv4', mac: macC }, 'MACHINE_KNOWN', /hv6/],
      [{ node: 'none', mac: macB }, 'OBJECT_NOT_FOUND', /none/],
    ] as const)
      await assert.rejects(mutate('replace', input), refused(code, message));
    assert.deepEqual(await documents.list(machine), before);
  });
});
