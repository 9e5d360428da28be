import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RouterHealth } from './router-health.ts';
import { type RouterSession, readRouterSessions } from './router-sessions.ts';
import { type Router, upstreamConfig } from './upstream-config.ts';

const session = (address: string, established = true): RouterSession => ({ address, established, told: 2, heard: 1 });
const [open, secret] = ['10.10.2.1', '10.10.2.2'].map((address) => ({ address, asn: 64_512, bfd: false }));
const routers = [open, { ...secret, passwordFile: '/etc/pvc/router' }] as Router[];

function setUp() {
  const world: { serving: boolean; sessions: RouterSession[] | undefined; troubles: Map<string, string> } = {
    serving: true,
    sessions: [],
    troubles: new Map(),
  };
  const health = new RouterHealth({
    node: 'hv1',
    routers,
    serving: () => world.serving,
    sessions: async () => world.sessions,
    troubles: () => world.troubles,
  });
  const look = async () => (await health.check().run(new AbortController().signal))?.message;
  return { world, health, look };
}

describe('the routers of the site', () => {
  it('are a trouble when one is not heard twice in a row', async () => {
    const { world, look } = setUp();
    world.sessions = [session('10.10.2.1'), session('10.10.2.2', false)];
    assert.equal(await look(), undefined);
    assert.match((await look()) ?? '', /^hv1 has no BGP session with the router 10\.10\.2\.2\. /);
    world.sessions = [session('10.10.2.1'), session('10.10.2.2')];
    assert.equal(await look(), undefined);
    world.sessions = undefined;
    await look();
    assert.match((await look()) ?? '', /10\.10\.2\.1, 10\.10\.2\.2: its own FRR does not answer/);
  });

  it('are told of with their passwords, where these may be the reason', async () => {
    const { world, health, look } = setUp();
    const hint = async () => (await health.check().run(new AbortController().signal))?.hint;
    world.sessions = [session('10.10.2.2')];
    await look();
    assert.doesNotMatch((await hint()) ?? '', /password/);
    world.sessions = [session('10.10.2.1')];
    world.troubles.set('10.10.2.2', 'there is no file /etc/pvc/router with its password');
    await look();
    assert.match(
      (await look()) ?? '',
      /the router 10\.10\.2\.2 \(there is no file \/etc\/pvc\/router with its password\)\. /,
    );
    assert.match((await hint()) ?? '', /the same password/);
  });

  it('are not asked for while there are no networks', async () => {
    const { world, look } = setUp();
    world.serving = false;
    await look();
    assert.equal(await look(), undefined);
  });

  it('are told of in metrics, but not other neighbours', async () => {
    const { world, health, look } = setUp();
    world.sessions = [session('10.10.2.1'), session('10.10.2.9')];
    await look();
    const figures = await Promise.all(health.metrics().map(async ({ collect }) => collect()));
    assert.deepEqual(
      figures.flat(),
      [1, 2, 1].map((value) => ({ value, labels: { router: '10.10.2.1' } })),
    );
  });
});

describe('sessions with routers', () => {
  it('are read from both families', () => {
    const text = JSON.stringify({
      ipv4Unicast: { peers: { '10.10.2.1': { state: 'Established', pfxRcd: 0, pfxSnt: 3 } } },
      ipv6Unicast: { peers: { 'fd00:2:0::1': { state: 'Active' } } },
      l2VpnEvpn: { peers: { '10.10.0.12': { state: 'Established', pfxRcd: 9 } } },
    });
    assert.deepEqual(readRouterSessions(text), [
      { address: '10.10.2.1', established: true, told: 3, heard: 0 },
      { address: 'fd00:2::1', established: false, told: 0, heard: 0 },
    ]);
    assert.deepEqual(readRouterSessions('{}'), []);
    for (const broken of ['', 'bgpd is not running', '{"ipv4Unicast":{"peers":{"10.'])
      assert.throws(() => readRouterSessions(broken));
  });
});

describe('settings of routers', () => {
  const faults = (settings: unknown) => upstreamConfig.safeParse(settings).error?.issues.map(({ message }) => message);
  const router = { address: '10.10.2.1', asn: 64_512 };

  it('have addresses and numbers that BGP knows', () => {
    assert.equal(faults({ routers: [router, { ...router, address: 'fd00:2::1' }] }), undefined);
    for (const bad of [
      { ...router, address: '10.10.2.999' },
      { ...router, address: 'router1' },
      { ...router, asn: 0 },
      { ...router, asn: 2 ** 32 - 1 },
      { ...router, password: 'x' },
      { ...router, passwordFile: 'router' },
      { address: '10.10.2.1' },
    ])
      assert.equal(faults({ routers: [bad] })?.length, 1, JSON.stringify(bad));
    assert.equal(faults({ receive: 'some' })?.length, 1);
  });

  it('name floating addresses, each once', () => {
    assert.equal(faults({ floating: ['198.51.100.10', '2001:db8::10'] }), undefined);
    assert.equal(faults({ floating: ['198.51.100.10/24'] })?.length, 1);
    assert.deepEqual(faults({ floating: ['2001:db8::10', '2001:DB8:0::10'] }), ['an address is named twice']);
  });

  it('name no router twice, however it is written', () => {
    const twice = [router, router];
    assert.deepEqual(faults({ routers: twice }), ['a router is named twice']);
    const v6 = ['fd00:2::1', 'FD00:2:0::0001'].map((address) => ({ ...router, address }));
    assert.deepEqual(faults({ routers: v6 }), ['a router is named twice']);
  });
});
