/** Prefixes of guests as a router of the site hears them by BGP: they come, move with the primary, and go. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { suiteLab } from './test-lab.ts';
import { routerAsn, TestRouter } from './test-router.ts';

const office = '10.20.0.0/24';
const upstreamOf = (node: string): string => `10.10.2.1${node.slice(2)}`;

describe('a router of the site', { timeout: 600_000 }, () => {
  const lab = suiteLab({ nodes: 3 });
  let router: TestRouter;

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
    await lab().exec('outside', ['ping', '-c', '1', '-W', '5', '10.20.0.1']);
  });

  it('follows the primary', async (t: TestContext) => {
    const old = await primary();
    (await lab().pvc('hv2', ['node', 'secondary', old])).ok();
    await lab().waitFor('another primary', async () => (await primary()) !== old);
    t.diagnostic(`the way is the new one after ${await leadsToPrimary(office)} s`);
    await lab().waitFor('the old way to be gone', async () => (await router.nextHops(office)).length === 1);
  });

  it('does not go on sending to a primary that lost its power', async (t: TestContext) => {
    const old = await primary();
    const asked = lab().nodes.find((node) => node !== old) ?? assert.fail('one node only');
    await lab().power(old, 'off');
    const now = await lab().waitFor(
      'another primary',
      async () => {
        const named = await lab().primary(asked);
        return named !== old && named;
      },
      { timeoutMs: 90_000 },
    );
    const fromMs = performance.now();
    await lab().waitFor('the way to lead there', async () => (await router.nextHops(office))[0] === upstreamOf(now), {
      timeoutMs: 90_000,
    });
    t.diagnostic(`the way is the new one ${Math.round(performance.now() - fromMs) / 1000} s after the takeover`);
    await lab().power(old, 'on');
    await lab().waitFor(
      'it to be back',
      async () => (await lab().ask(asked, 'node.list', {})).every(({ daemon }) => daemon === 'run'),
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
