/**
 * A router of the site that hears of guests by BGP: their prefixes come, move with the primary, and go, and what goes to
 * and fro between a guest and the world outside follows, as far as the firewall lets it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connects, serve } from './plugged-end.ts';
import { suiteLab } from './test-lab.ts';
import { NetworkGuest } from './test-network.ts';
import { routerAsn, TestRouter } from './test-router.ts';

const office = '192.168.50.0/24';
const gateway = '192.168.50.1';
const outside = '10.10.2.1';
const upstreamOf = (node: string): string => `10.10.2.1${node.slice(2)}`;

describe('a router of the site', { timeout: 600_000 }, () => {
  const lab = suiteLab({ nodes: 3 });
  let router: TestRouter;
  let guest: NetworkGuest;

  const primary = (): Promise<string> => lab().waitFor('a primary', () => lab().primary('hv2'));
  /** Waits until the best way to a prefix leads to the primary; the seconds that took. */
  async function leadsToPrimary(prefix: string): Promise<number> {
    const fromMs = performance.now();
    await lab().waitFor(
      `the way to ${prefix} to lead to the primary`,
      async () => (await router.nextHops(prefix))[0] === upstreamOf(await primary()),
      { timeoutMs: 90_000 },
    );
    return Math.round(performance.now() - fromMs) / 1000;
  }

  /** Hands the role over, or takes it away, while the guest pings its gateway and the router outside. */
  async function watched(t: TestContext, what: string, act: () => Promise<void>): Promise<void> {
    const addresses = [gateway, outside];
    const silences = await guest.silences(addresses, act);
    for (const [index, { worstS, lost }] of silences.entries()) {
      t.diagnostic(`${what}: ${addresses[index]} silent for ${worstS.toFixed(1)} s, ${lost} pings lost in all`);
      assert.ok(worstS < 60);
    }
  }
  const hasGateway = async (node: string): Promise<boolean> =>
    (await lab().exec(node, ['ip', '-o', 'address', 'show', 'to', gateway])).stdout.trim() !== '';

  before(async () => {
    router = await TestRouter.start(lab());
    const settings = `    upstream:\n      routers: [{ address: 10.10.2.1, asn: ${routerAsn}, bfd: true }]\n`;
    for (const node of lab().nodes) {
      const kept = await lab().readFile(node, '/etc/pvc/pvc.yaml');
      await lab().writeFile(
        node,
        '/etc/pvc/pvc.yaml',
        /^plugins:\n/m.test(kept)
          ? kept.replace(/^plugins:\n/m, `plugins:\n  evpn:\n${settings}`)
          : `${kept}plugins:\n  evpn:\n${settings}`,
      );
      await lab().daemon(node, 'restart');
    }
    await lab().waitFor('all nodes to run', async () =>
      (await lab().ask('hv2', 'node.list', {})).every(({ daemon }) => daemon === 'run'),
    );
  });
  after(() => router.close());

  it('hears of a network that has a gateway, and of nothing else', async (t: TestContext) => {
    (await lab().pvc('hv1', ['network', 'add', 'bare'])).ok();
    (await lab().pvc('hv1', ['network', 'add', 'office', '--ipv4', office, '--gateway4', 'first'])).ok();
    t.diagnostic(`heard after ${await leadsToPrimary(office)} s`);
    assert.deepEqual(await router.known(), [office]);
  });

  it('reaches the gateway', async () => {
    await lab().exec('outside', ['ping', '-c', '1', '-W', '5', gateway]);
  });

  it('reaches a guest where an entry lets it in, and is reached where none forbids it', async (t: TestContext) => {
    guest = await NetworkGuest.start(lab(), 'web1', 'hv1', 'office', 5);
    await guest.guest.shell(
      `ip route add default via ${gateway}; for port in 22 23; do (nc -ll -p $port -e cat </dev/null >/dev/null 2>&1 &); done`,
    );
    for (const port of [25, 26]) await serve(lab(), 'outside', port);
    const acl = async (...words: string[]) => (await lab().pvc('hv1', ['network', 'acl', ...words, '--yes'])).ok();
    const comesIn = (port: number) => connects(lab(), 'outside', guest.address, port);
    const goesOut = async (port: number) =>
      (await guest.guest.shell(`nc -w 3 ${outside} ${port} </dev/null >/dev/null 2>&1; echo code $?`)).includes(
        'code 0',
      );
    const counted = async (): Promise<(string | number | null)[][]> =>
      (await lab().ask('hv1', 'network.acl-list', { network: 'office' })).map(({ direction, rule, packets }) => [
        ...[direction, rule, packets],
      ]);
    await lab().waitFor('the guest to get out', () => goesOut(25));
    for (const port of [22, 23]) assert.equal(await comesIn(port), false, `in to ${port}`);

    await acl('add', 'office', 'in', 'tcp dport 22 accept');
    await lab().waitFor('the world to get in', () => comesIn(22));
    assert.equal(await comesIn(23), false);
    await acl('add', 'office', 'out', 'tcp dport 25 reject');
    await lab().waitFor('the guest to be kept in', async () => !(await goesOut(25)));
    assert.ok(await goesOut(26));
    const told = await lab().waitFor('both entries to have counted', async () => {
      const rows = await counted();
      return rows.length === 2 && rows.every(([, , packets]) => Number(packets) > 0) && rows;
    });
    t.diagnostic(told.map((row) => row.join(' ')).join('; '));

    for (const direction of ['in', 'out']) await acl('remove', 'office', direction, '10');
    await lab().waitFor('the world to be kept out again', async () => !(await comesIn(22)));
    await lab().waitFor('the guest to get out again', () => goesOut(25));
  });

  it('follows the primary', async (t: TestContext) => {
    const old = await primary();
    await watched(t, 'hand-over', async () => {
      const fromMs = performance.now();
      (await lab().pvc('hv2', ['node', 'secondary', old])).ok();
      const now = await lab().waitFor('another primary', async () => {
        const named = await primary();
        return named !== old && (await hasGateway(named)) && named;
      });
      t.diagnostic(`${now} has the gateway ${Math.round(performance.now() - fromMs) / 1000} s after the command`);
      t.diagnostic(`the way is the new one after ${await leadsToPrimary(office)} s`);
    });
    await lab().waitFor('the old way to be gone', async () => (await router.nextHops(office)).length === 1);
  });

  it('does not go on sending to a primary that lost its power', async (t: TestContext) => {
    // The guest's own node stays.
    if ((await primary()) === 'hv1') (await lab().pvc('hv1', ['node', 'secondary', 'hv1'])).ok();
    const old = await lab().waitFor('another primary', async () => {
      const named = await primary();
      return named !== 'hv1' && named;
    });
    await leadsToPrimary(office);
    await watched(t, 'power cut', async () => {
      await lab().power(old, 'off');
      const now = await lab().waitFor(
        'another primary',
        async () => {
          const named = await lab().primary('hv1');
          return named !== undefined && named !== old && named;
        },
        { timeoutMs: 90_000 },
      );
      const fromMs = performance.now();
      await lab().waitFor('the way to lead there', async () => (await router.nextHops(office))[0] === upstreamOf(now), {
        timeoutMs: 90_000,
      });
      t.diagnostic(`the way is the new one ${Math.round(performance.now() - fromMs) / 1000} s after the takeover`);
    });
    await lab().power(old, 'on');
    await lab().waitFor(
      'it to be back',
      async () => (await lab().ask('hv1', 'node.list', {})).every(({ daemon }) => daemon === 'run'),
      { timeoutMs: 120_000 },
    );
  });

  it('hears no more of a network without a gateway', async () => {
    (await lab().pvc('hv1', ['network', 'modify', 'office', '--gateway4', 'none'])).ok();
    await lab().waitFor('the prefix to be gone', async () => (await router.known()).length === 0, {
      timeoutMs: 90_000,
    });
  });

  it('that is gone is told as a fault, and is heard again when it is back', async () => {
    await lab().cable('hv1', 'upstream', 'down');
    await lab().waitFor(
      'a fault',
      async () =>
        (await lab().ask('hv2', 'fault.list', {})).some(({ message }) =>
          message.includes('hv1 has no BGP session with the router 10.10.2.1'),
        ),
      { timeoutMs: 90_000 },
    );
    await lab().cable('hv1', 'upstream', 'up');
    await lab().waitFor(
      'the fault to be gone',
      async () =>
        !(await lab().ask('hv2', 'fault.list', {})).some(({ message }) => message.includes('has no BGP session')),
      { timeoutMs: 90_000 },
    );
  });
});
