/** Virtual functions against a kernel in memory: made, given to cards, taken back, told of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sriovConfig } from './sriov-config.ts';
import { devicesOf, factOfDevice, factOfNetworks, networkFunctionsFact } from './sriov-facts.ts';
import { planFunctions, type SeenDevice } from './sriov-plan.ts';
import { SriovMachine } from './testing/sriov-machine.ts';
import { noMac, otherNoMac, pciAddress, readFunctionMacs } from './vf-reading.ts';
import { VirtualCards } from './virtual-cards.ts';

const device = 'ens1f0';
const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'] as const;

/** @param cards where each card is: its guest's node */
async function setUp(vfs: number, cards: Record<string, string>) {
  const machine = new SriovMachine(device);
  const physical = machine.physical({ vfs });
  if (vfs > 0) await physical.makeFunctions(device, vfs);
  const daemon = () =>
    new VirtualCards(
      {
        node: 'hv1',
        signal: new AbortController().signal,
        ask: async (operation, input) => {
          assert.equal(operation, 'vm.nic-list');
          const { node } = input as { node?: string };
          return Object.entries(cards)
            .filter(([, at]) => node === undefined || node === at)
            .map(([mac]) => ({ mac, vm: 'web1' }));
        },
      },
      physical,
    );
  return { machine, physical, daemon };
}

const wanted = (mac: string, vlan?: number) => ({ mac, device, vlan });

describe('virtual functions of cards', () => {
  it('are given to one card each, also when both ask at once, and none is left for a third', async () => {
    const { machine, daemon } = await setUp(2, { [macs[0]]: 'hv1', [macs[1]]: 'hv1', [macs[2]]: 'hv1' });
    const cards = daemon();
    const taken = await Promise.all(macs.map((mac) => cards.take(wanted(mac, 130))));
    assert.deepEqual(
      taken.map((one) => one?.pci),
      ['0000:65:02.0', '0000:65:02.1', undefined],
    );
    assert.deepEqual(
      machine.functions.map(({ mac, vlan }) => [mac, vlan]),
      [
        [macs[0], 130],
        [macs[1], 130],
      ],
    );
    assert.equal(await cards.refusal(wanted(macs[0]), 1500), undefined);
    assert.match(
      (await cards.refusal(wanted(macs[2]), 1500)) ?? '',
      /none of the 2 virtual functions of ens1f0 is free/,
    );
    assert.match((await cards.refusal(wanted(macs[0]), 9000)) ?? '', /MTU of 1500, less than 9000/);
  });

  it('stay with their card when the daemon is killed between giving and start', async () => {
    const { machine, daemon } = await setUp(2, { [macs[0]]: 'hv1', [macs[1]]: 'hv1' });
    await daemon().take(wanted(macs[1]));
    const next = daemon();
    assert.equal((await next.take(wanted(macs[0])))?.index, 1);
    assert.equal((await next.take(wanted(macs[1])))?.index, 0);
    assert.deepEqual(
      machine.functions.map(({ mac }) => mac),
      [macs[1], macs[0]],
    );
  });

  it('are free again once their guest is elsewhere, and are taken back', async () => {
    const places: Record<string, string> = { [macs[0]]: 'hv1', [macs[1]]: 'hv1' };
    const { machine, physical, daemon } = await setUp(1, places);
    const cards = daemon();
    await cards.take(wanted(macs[0]));
    await cards.takeBack(device, 0);
    assert.equal(machine.functions[0]?.mac, macs[0], 'not while the guest is here');
    places[macs[0]] = 'hv2';
    const seen = await physical.look(device);
    assert.ok(typeof seen !== 'string');
    assert.deepEqual(
      (await cards.leftBehind(seen)).map(({ index }) => index),
      [0],
    );
    await cards.takeBack(device, 0);
    assert.equal(machine.functions[0]?.mac, noMac);
    assert.equal((await cards.take(wanted(macs[1])))?.index, 0);
  });

  it('are taken back also where the driver refuses zeros', async () => {
    const places: Record<string, string> = { [macs[0]]: 'hv1' };
    const { machine, daemon } = await setUp(1, places);
    machine.refusesZeros = true;
    await daemon().take(wanted(macs[0]));
    places[macs[0]] = 'hv2';
    await daemon().takeBack(device, 0);
    assert.equal(machine.functions[0]?.mac, otherNoMac);
  });

  it('that the node or somebody else uses are never given, and not counted', async () => {
    const { machine, physical, daemon } = await setUp(3, { [macs[0]]: 'hv1' });
    const [first, second] = machine.functions;
    assert.ok(first && second);
    first.up = true;
    second.driver = 'vfio-pci';
    const seen = await physical.look(device);
    assert.ok(typeof seen !== 'string');
    assert.equal((await daemon().use(seen)).capacity, 1);
    assert.equal((await daemon().take(wanted(macs[0])))?.index, 2);
  });

  it('are set up as the configuration says', async () => {
    const { machine } = await setUp(1, {});
    await machine.physical({ vfs: 1, spoofCheck: false, trust: true }).give(device, 0, macs[0], undefined);
    assert.deepEqual(machine.functions[0]?.words, ['spoofchk', 'off', 'trust', 'on']);
    assert.equal(machine.functions[0]?.vlan, 0);
  });

  it('are none of a link that is not there', async () => {
    const { machine, daemon } = await setUp(0, {});
    assert.equal(await machine.physical().look('ens9'), 'no link');
    assert.match(
      (await daemon().refusal({ mac: macs[0], device: 'ens9', vlan: undefined }, 1500)) ?? '',
      /no link ens9/,
    );
  });
});

describe('the plan for the functions of a node', () => {
  const see = async (vfs: number, machine: SriovMachine): Promise<SeenDevice> => ({
    wanted: { device, vfs },
    seen: await machine.physical().look(device),
    leftBehind: [],
  });
  const carryOut = async (vfs: number, machine: SriovMachine): Promise<void> => {
    for (const step of planFunctions([await see(vfs, machine)]).steps)
      if (step.do === 'make') await machine.physical().makeFunctions(step.device, step.count);
  };

  it('makes them, changes their number by way of none, and leaves what is right', async () => {
    const machine = new SriovMachine(device);
    await carryOut(4, machine);
    await carryOut(4, machine);
    await carryOut(6, machine);
    assert.deepEqual(machine.counts, [4, 0, 6]);
  });

  it('makes them up after it was killed halfway', async () => {
    const machine = new SriovMachine(device);
    await carryOut(4, machine);
    await machine.physical().makeFunctions(device, 0);
    await carryOut(6, machine);
    assert.equal(machine.functions.length, 6);
  });

  it('does not change their number while one is in use', async () => {
    const machine = new SriovMachine(device);
    await carryOut(4, machine);
    Object.assign(machine.functions[2] ?? {}, { driver: 'vfio-pci' });
    Object.assign(machine.functions[3] ?? {}, { up: true });
    await assert.rejects(carryOut(6, machine), /has 4 virtual functions.*wants 6.*2 by a guest, 3 by this node/);
    assert.deepEqual(machine.counts, [4]);
  });

  it('says what keeps a card from having them, and goes on with the others', async () => {
    const machine = new SriovMachine(device);
    const missing: SeenDevice = { wanted: { device: 'ens9', vfs: 1 }, seen: 'no link', leftBehind: [] };
    const unable: SeenDevice = { wanted: { device: 'eno1', vfs: 1 }, seen: 'no SR-IOV', leftBehind: [] };
    assert.throws(() => planFunctions([missing, unable]), /no link ens9.*; the link eno1 cannot do SR-IOV/);
    await assert.rejects(carryOut(9, machine), /gives at most 8 virtual functions; plugins.evpn.sriov wants 9/);
    assert.deepEqual(
      planFunctions([missing, await see(4, machine)]).steps.map(({ text }) => text),
      ['make 4 virtual functions of ens1f0'],
    );
  });
});

describe('what is told and read', () => {
  it('is read back as it was told', () => {
    const told = { device, made: 8, most: 64, given: [{ index: 3, mac: macs[0] }] };
    const none = { device: 'ens2f1', made: 0, most: 64, given: [] };
    assert.deepEqual(devicesOf({ ...factOfDevice(told), ...factOfDevice(none), 'vlan mtu': 1500 }), [told, none]);
    assert.deepEqual(devicesOf({ 'sriov x': 'rubbish' }), []);
  });

  it('names each network of functions, also where there is no such card', () => {
    const networks = [
      { name: 'fast', device },
      { name: 'slow', device: 'ens9' },
    ];
    assert.deepEqual(factOfNetworks(networks, new Map([[device, 8]])), {
      [networkFunctionsFact]: 'fast=ens1f0/8 slow=ens9/0',
    });
    assert.deepEqual(factOfNetworks([], new Map()), {});
  });

  it('are the MAC addresses of functions, under either name', () => {
    const shown = JSON.stringify([{ vfinfo_list: [{ vf: 0, mac: '52:54:00:AA:00:01' }, { vf: 2 }] }, {}]);
    assert.deepEqual(
      [...readFunctionMacs(shown)],
      [
        [0, '52:54:00:aa:00:01'],
        [2, noMac],
      ],
    );
  });

  it('is an address on the PCI bus, and nothing else', () => {
    assert.deepEqual(pciAddress('0000:65:02.1'), { domain: '0x0000', bus: '0x65', slot: '0x02', function: '0x1' });
    for (const bad of ['', '65:02.1', '0000:65:02.8', 'virtfn0']) assert.throws(() => pciAddress(bad), /no address/);
  });

  it('are settings without doubles, names and numbers that can be', () => {
    assert.deepEqual(sriovConfig.parse([{ device, vfs: 8 }]), [{ device, vfs: 8 }]);
    for (const bad of [
      [{ device, vfs: 0 }],
      [{ device, vfs: 65_536 }],
      [{ device: '../x', vfs: 1 }],
      [
        { device, vfs: 1 },
        { device, vfs: 2 },
      ],
    ])
      assert.equal(sriovConfig.safeParse(bad).success, false, JSON.stringify(bad));
  });
});
