import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BmcAccess, NodePower, PowerDriver } from '../../../core/plugin/api.ts';
import { bmcError, bmcSecret, node } from '../../../core/plugin/api.ts';
import type { TaskRun } from '../../../core/task/task-definition.ts';
import { macA, macB, refused, setUp } from '../testing/machines.ts';
import { machineBmcController, planBmc } from './bmc-controller.ts';
import { machineBmcOperations, machineBootTask } from './bmc-operations.ts';
import { machine, machineSecret } from './machine-kind.ts';
import { machineOperations } from './machine-operations.ts';

const driver = { name: 'ipmi', summary: '', takes: ['cipherSuite', 'privilege'] } as unknown as PowerDriver;
const operations = [...machineOperations, ...machineBmcOperations(() => [driver])];
const bmc = { address: '10.10.3.14', user: 'pvc', password: 'secret\n' };
const spec = { driver: 'ipmi', address: '10.10.3.14', user: 'pvc', cipherSuite: 17, privilege: 'OPERATOR' } as const;

async function withMachine() {
  const world = await setUp(operations);
  await world.mutate('add', { mac: macA, name: 'hv4', address: '10.10.0.14' });
  return world;
}

describe('the BMC of a machine that is no node yet', () => {
  it('is described, shown without its password, and forgotten with it', async () => {
    const { documents, mutate, query } = await withMachine();
    await mutate('bmc-set', { machine: 'hv4', ...bmc });
    assert.deepEqual((await documents.need(machine, macA)).spec.bmc, spec);
    assert.deepEqual((await documents.need(machineSecret, macA)).spec, { password: 'secret' });
    const shown = JSON.stringify(await query('info', { machine: macA }));
    assert.match(shown, /10\.10\.3\.14 \(ipmi, user pvc\)/);
    assert.doesNotMatch(shown, /secret/);
    await mutate('bmc-remove', { machine: 'hv4' });
    assert.equal((await documents.need(machine, macA)).spec.bmc, undefined);
    assert.equal(await documents.get(machineSecret, macA), undefined);
    await assert.rejects(mutate('bmc-remove', { machine: 'hv4' }), refused('MACHINE_NO_BMC', /has no BMC/));
  });

  it('goes with the machine', async () => {
    const { documents, mutate } = await withMachine();
    await mutate('bmc-set', { machine: macA, ...bmc });
    await mutate('remove', { machine: macA });
    assert.equal(await documents.get(machineSecret, macA), undefined);
  });

  it('is nobody else’s, and its driver is known', async () => {
    const { mutate, documents, write } = await withMachine();
    await mutate('add', { mac: macB, name: 'hv5', address: '10.10.0.15' });
    await mutate('bmc-set', { machine: 'hv4', ...bmc });
    await assert.rejects(mutate('bmc-set', { machine: 'hv5', ...bmc }), refused('BMC_SHARED', new RegExp(macA)));
    const before = await documents.need(node, 'hv1');
    await write([
      { do: 'spec', kind: node, before, spec: { ...before.spec, bmc: { ...spec, address: '10.10.3.11' } } },
    ]);
    const ofNode = { ...bmc, address: '10.10.3.11' };
    await assert.rejects(mutate('bmc-set', { machine: 'hv5', ...ofNode }), refused('BMC_SHARED', /hv1/));
    await assert.rejects(
      mutate('bmc-set', { machine: 'hv5', ...bmc, driver: 'telnet' }),
      refused('BMC_DRIVER_UNKNOWN', /telnet/),
    );
    await assert.rejects(mutate('bmc-set', { machine: 'hv9', ...bmc }), refused('MACHINE_NOT_FOUND', /hv9/));
  });

  it('boots the machine from the network, which is a task', async () => {
    const { documents, mutate } = await withMachine();
    await assert.rejects(mutate('boot', { machine: 'hv4' }), refused('MACHINE_NO_BMC', /has no BMC/));
    await mutate('bmc-set', { machine: 'hv4', ...bmc });
    await mutate('boot', { machine: 'hv4' });
    const told: BmcAccess[] = [];
    const troubles: Error[] = [];
    const power = {
      async netbootBy(access: BmcAccess) {
        for (const trouble of troubles) throw trouble;
        told.push(access);
      },
    } as unknown as NodePower;
    const run = { spec: { target: { id: macA } }, signal: new AbortController().signal } as unknown as TaskRun;
    const task = machineBootTask({ documents, power });
    assert.deepEqual(await task.run(run), { mac: macA });
    assert.deepEqual(told, [{ ...spec, node: 'hv4', password: 'secret' }]);
    troubles.push(bmcError('BMC_UNREACHABLE', { node: 'hv4', address: bmc.address, reason: 'no answer' }));
    await assert.rejects(Promise.resolve(task.run(run)), refused('MACHINE_NOT_BOOTED', /does not answer: no answer/));
  });

  it('becomes that of the node that has come from the machine, once', async () => {
    const { documents, mutate, write } = await withMachine();
    await mutate('bmc-set', { machine: 'hv4', ...bmc });
    const doc = await documents.need(machine, macA);
    assert.deepEqual(planBmc(doc, undefined).steps, [], 'there is no node');
    assert.deepEqual(planBmc(doc, false).steps, [], 'it is another node of that name');
    const status = {
      state: 'ready' as const,
      ...{ sinceMs: 1, reason: '', attempt: 1, seenMs: 1, hardware: null, word: null, token: null },
      ...{ failures: 0, boots: [] },
    };
    assert.equal(planBmc({ ...doc, status }, false).steps.length, 1);
    assert.deepEqual(planBmc({ ...doc, status }, true).steps, [], 'it has one');
    await write([
      {
        ...{ do: 'create', kind: node, id: 'hv4' },
        spec: { role: 'hypervisor', domainState: 'ready', address: '10.10.0.14' },
      },
    ]);
    const controller = machineBmcController({ documents, write });
    const step = { do: 'describe', text: '', timeoutMs: 1 };
    for (let times = 0; times < 2; times += 1) await controller.apply(step, macA, new AbortController().signal);
    const given = await documents.need(machine, macA);
    assert.deepEqual((await documents.need(node, 'hv4')).spec.bmc, spec);
    assert.deepEqual((await documents.need(bmcSecret, 'hv4')).spec, { password: 'secret' });
    assert.deepEqual(planBmc({ ...given, status }, false).steps, [], 'somebody has taken it from the node');
    assert.equal(planBmc({ ...given, status }, undefined).steps[0]?.do, 'forget', 'the node was removed');
    await controller.apply({ ...step, do: 'forget' }, macA, new AbortController().signal);
    assert.deepEqual((await documents.need(machine, macA)).spec, doc.spec);
  });
});
