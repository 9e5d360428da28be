import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../error/error.ts';
import { createVirtualHost, type VirtualHost } from '../../host/virtual-host.ts';
import { bmcSecret } from '../../model/bmc-kind.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import { type BmcAccess, bmcError, type Power, type PowerDriver } from '../../plugin/power.ts';
import { Documents } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { BmcPower } from './bmc-power.ts';

const password = 'told to nobody';
const bmc = {
  driver: 'pretend',
  address: '192.0.2.12',
  user: 'pvc',
  cipherSuite: 17,
  privilege: 'OPERATOR',
} as const;
const values = { node: 'hv2', address: bmc.address, user: 'pvc' };
const unreachable = () => bmcError('BMC_UNREACHABLE', { ...values, reason: 'silence' });

/** A machine and its BMC; `orders` are what reached it, `fails` what calls throw, in their order. */
class Machine implements PowerDriver {
  readonly name = 'pretend';
  readonly summary = 'for tests';
  readonly takes = [];
  readonly orders: string[] = [];
  readonly fails: (Error | undefined)[] = [];
  readonly seen: BmcAccess[] = [];
  power: Power = 'on';
  /** What it reads, whatever is true. */
  lie: Power | undefined;
  /** An order is carried out, and its answer is lost. */
  answersOrders = true;
  hangs = false;

  async #call<T>(bmcAccess: BmcAccess, order: string, act: () => T): Promise<T> {
    this.seen.push(bmcAccess);
    this.orders.push(order);
    if (this.hangs) return new Promise(() => undefined);
    const failure = this.fails.shift();
    if (failure !== undefined) throw failure;
    const result = act();
    if (order !== 'status' && !this.answersOrders) throw unreachable();
    return result;
  }

  status(access: BmcAccess): Promise<Power> {
    return this.#call(access, 'status', () => this.lie ?? this.power);
  }

  async off(access: BmcAccess): Promise<void> {
    await this.#call(access, 'off', () => (this.power = 'off'));
  }

  async on(access: BmcAccess): Promise<void> {
    await this.#call(access, 'on', () => (this.power = 'on'));
  }

  async reset(access: BmcAccess): Promise<void> {
    await this.#call(access, 'reset', () => undefined);
  }

  async bootFromNetwork(access: BmcAccess): Promise<void> {
    await this.#call(access, 'bootFromNetwork', () => undefined);
  }

  get switched(): string[] {
    return this.orders.filter((order) => order !== 'status');
  }
}

async function setUp(described: boolean = true) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const { ops, topics } = documents.commitOf([
    {
      do: 'create',
      kind: nodeKind,
      id: 'hv2',
      spec: { role: 'hypervisor', domainState: 'ready', ...(described ? { bmc } : {}) },
    },
    ...(described ? [{ do: 'create', kind: bmcSecret, id: 'hv2', spec: { password } } as const] : []),
  ]);
  assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  const machine = new Machine();
  return { host, machine, power: new BmcPower(host, documents, () => [machine]) };
}

/** Lets time pass until the call has ended. @returns its value or its error, and how long it took in ms */
async function ended<T>(host: VirtualHost, call: Promise<T>): Promise<{ value?: T; code?: string; tookMs: number }> {
  const startedMs = host.clock.monotonicMs();
  let result: { value?: T; code?: string } | undefined;
  void call.then(
    (value) => (result = { value }),
    (error: unknown) => (result = { code: error instanceof PvcError ? error.code : String(error) }),
  );
  for (let ms = 0; ms < 200_000 && result === undefined; ms += 100) await host.clock.advance(100);
  assert.ok(result, 'it has not ended within 200 s');
  return { ...result, tookMs: host.clock.monotonicMs() - startedMs };
}

const { signal } = new AbortController();

describe('the power of a node', () => {
  it('is read with the password and the description that the store holds', async () => {
    const { host, machine, power } = await setUp();
    assert.equal((await ended(host, power.status('hv2', signal))).value, 'on');
    assert.deepEqual(machine.seen, [{ ...bmc, node: 'hv2', password }]);
    assert.equal(await power.has('hv2'), true);
  });

  it('is told to be unknown where no BMC is described, and where no plugin speaks its protocol', async () => {
    const bare = await setUp(false);
    assert.equal((await ended(bare.host, bare.power.status('hv2', signal))).code, 'BMC_NONE');
    assert.equal(await bare.power.has('hv2'), false);
    const { host } = bare;
    const { machine, power } = await setUp();
    Object.assign(machine, { name: 'other' });
    assert.equal((await ended(host, power.off('hv2', signal))).code, 'BMC_DRIVER_UNKNOWN');
    assert.deepEqual(machine.orders, []);
  });

  it('is not cut any more when whoever wants it is told, right before an order, that it must not be', async () => {
    const { host, machine, power } = await setUp();
    machine.lie = 'on';
    let orders = 0;
    const before = async (): Promise<void> => {
      orders += 1;
      if (orders === 2) throw unreachable();
    };
    assert.equal((await ended(host, power.off('hv2', signal, before))).code, 'BMC_UNREACHABLE');
    assert.deepEqual(machine.switched, ['off']);
    Object.assign(machine, { lie: 'off', orders: [] });
    await ended(
      host,
      power.off('hv2', signal, () => assert.fail('no order is needed')),
    );
    assert.deepEqual(machine.switched, []);
  });

  it('is cut, and read back', async () => {
    const { host, machine, power } = await setUp();
    await ended(host, power.off('hv2', signal));
    assert.equal(machine.power, 'off');
    assert.deepEqual(machine.orders, ['status', 'off', 'status']);
  });

  it('is not cut where it is off already', async () => {
    const { host, machine, power } = await setUp();
    machine.power = 'off';
    assert.deepEqual(Object.keys(await ended(host, power.off('hv2', signal))), ['value', 'tookMs']);
    assert.deepEqual(machine.orders, ['status']);
  });

  it('counts as cut when the answer to the order was lost and the BMC reads off', async () => {
    const { host, machine, power } = await setUp();
    machine.answersOrders = false;
    assert.equal((await ended(host, power.off('hv2', signal))).code, undefined);
    assert.deepEqual(machine.switched, ['off']);
  });

  it('never counts as cut while the BMC reads on, and that is told in bounded time', async () => {
    const { host, machine, power } = await setUp();
    machine.lie = 'on';
    const { code, tookMs } = await ended(host, power.off('hv2', signal));
    assert.equal(code, 'POWER_NOT_PROVEN');
    assert.deepEqual(machine.switched, ['off', 'off', 'off']);
    assert.ok(tookMs < 40_000, `${tookMs} ms`);
  });

  it('is not waited for longer than ten seconds by one who only asks', async () => {
    const { host, machine, power } = await setUp();
    machine.hangs = true;
    const { code, tookMs } = await ended(host, power.status('hv2', signal));
    assert.equal(code, 'BMC_UNREACHABLE');
    assert.deepEqual(machine.orders, ['status']);
    assert.ok(tookMs < 10_000, `${tookMs} ms`);
  });

  it('is asked for again after silence before it is switched, and no third time', async () => {
    const { host, machine, power } = await setUp();
    machine.fails.push(unreachable());
    assert.equal((await ended(host, power.off('hv2', signal))).code, undefined);
    assert.deepEqual(machine.orders, ['status', 'status', 'off', 'status']);
    machine.hangs = true;
    machine.orders.length = 0;
    const { code, tookMs } = await ended(host, power.on('hv2', signal));
    assert.equal(code, 'BMC_UNREACHABLE');
    assert.deepEqual(machine.orders, ['status', 'status']);
    assert.ok(tookMs < 20_000, `${tookMs} ms`);
  });

  for (const code of ['BMC_DENIED', 'BMC_PRIVILEGE', 'BMC_CIPHER_SUITE'] as const)
    it(`is not asked for again after ${code}: many BMCs lock the account`, async () => {
      const { host, machine, power } = await setUp();
      machine.fails.push(bmcError(code, { ...values, reason: 'no' }));
      assert.equal((await ended(host, power.off('hv2', signal))).code, code);
      assert.deepEqual(machine.orders, ['status']);
    });

  it('is not ordered again when the order itself is refused for good', async () => {
    const { host, machine, power } = await setUp();
    machine.fails.push(undefined, bmcError('BMC_PRIVILEGE', { ...values, reason: 'no' }));
    assert.equal((await ended(host, power.off('hv2', signal))).code, 'BMC_PRIVILEGE');
    assert.deepEqual(machine.orders, ['status', 'off']);
  });

  it('is ordered again after "busy", and after the third time that is told', async () => {
    const { host, machine, power } = await setUp();
    const busy = bmcError('BMC_BUSY', { ...values, reason: 'node busy' });
    machine.fails.push(undefined, busy);
    assert.equal((await ended(host, power.off('hv2', signal))).code, undefined);
    assert.equal(machine.power, 'off');
    assert.deepEqual(machine.switched, ['off', 'off']);
    machine.on = async () => {
      machine.orders.push('on');
      throw busy;
    };
    machine.orders.length = 0;
    assert.equal((await ended(host, power.on('hv2', signal))).code, 'BMC_BUSY');
    assert.deepEqual(machine.switched, ['on', 'on', 'on']);
  });

  it('is reset only where it is on', async () => {
    const { host, machine, power } = await setUp();
    assert.equal((await ended(host, power.reset('hv2', signal))).code, undefined);
    assert.deepEqual(machine.orders, ['status', 'reset', 'status']);
    machine.power = 'off';
    assert.equal((await ended(host, power.reset('hv2', signal))).code, 'POWER_OFF');
  });

  it('boots from the network where it is on and where it is off, and asks again for what may pass', async () => {
    const { host, machine, power } = await setUp();
    machine.fails.push(bmcError('BMC_BUSY', { ...values, reason: 'node busy' }));
    assert.equal((await ended(host, power.netboot('hv2', signal))).code, undefined);
    assert.deepEqual(machine.switched, ['bootFromNetwork', 'bootFromNetwork', 'reset']);
    machine.power = 'off';
    machine.orders.length = 0;
    assert.equal((await ended(host, power.netboot('hv2', signal))).code, undefined);
    assert.deepEqual(machine.switched, ['bootFromNetwork', 'on']);
    machine.orders.length = 0;
    machine.fails.push(bmcError('BMC_PRIVILEGE', { ...values, reason: 'no' }));
    assert.equal((await ended(host, power.netboot('hv2', signal))).code, 'BMC_PRIVILEGE');
    assert.deepEqual(machine.switched, ['bootFromNetwork'], 'one that boots from its disk is not reset for nothing');
    Object.defineProperty(machine, 'bootFromNetwork', { value: undefined });
    assert.equal((await ended(host, power.netboot('hv2', signal))).code, 'BMC_NO_NETBOOT');
  });

  it('is reset again when the BMC did not take the order, for nothing that it reads would tell', async () => {
    const { host, machine, power } = await setUp();
    machine.fails.push(undefined, bmcError('BMC_BUSY', { ...values, reason: 'node busy' }));
    assert.equal((await ended(host, power.reset('hv2', signal))).code, undefined);
    assert.deepEqual(machine.switched, ['reset', 'reset']);
  });

  it('is left alone once the caller has gone', async () => {
    const { host, machine, power } = await setUp();
    machine.lie = 'on';
    const leaving = new AbortController();
    const call = ended(host, power.off('hv2', leaving.signal));
    host.clock.after(1_000, () => leaving.abort(new Error('the task was cancelled')));
    const { code, tookMs } = await call;
    assert.match(String(code), /cancelled/);
    assert.ok(tookMs < 2_000, `${tookMs} ms`);
    assert.deepEqual(machine.switched, ['off']);
  });

  it('leaves no password in the log', async () => {
    const { host, machine, power } = await setUp();
    machine.lie = 'on';
    machine.answersOrders = false;
    await ended(host, power.off('hv2', signal));
    assert.ok(host.logLines.length > 0);
    assert.doesNotMatch(host.logLines.join('\n'), new RegExp(password));
  });
});
