/**
 * A router of the site that hears of guests by BGP: their prefixes come, move with the primary, and go, and what goes to
 * and fro between a guest and the world outside follows, as far as the firewall lets it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { type AddressWatch, watchAddress } from '../lab/address-watch.ts';
import { upstreamBridge } from '../lab/topology.ts';
import { watchArgv } from './argv-watch.ts';
import { connects, serve } from './plugged-end.ts';
import { suiteLab } from './test-lab.ts';
import { NetworkGuest, type Silence } from './test-network.ts';
import { routerAsn, TestRouter } from './test-router.ts';

const office = '192.168.50.0/24';
const gateway = '192.168.50.1';
const outside = '10.10.2.1';
/** On the upstream network, with whoever is primary. */
const [floating, floating6] = ['10.10.2.10', 'fd00:2::10'];
const passwordFile = '/etc/pvc/router-password';
/** With what a shell or vtysh might take for its own. */
const passwords = { first: `Fi|st!#"'$x`, next: 'N3xt?Passw0rd' };
const clusterOf = (node: string): string => `10.10.0.1${node.slice(2)}`;
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
    const watches: AddressWatch[] = [floating, floating6].map((address) =>
      watchAddress(lab().record.topology, address),
    );
    let silences: Silence[];
    try {
      silences = await guest.silences(addresses, act);
    } finally {
      await Promise.all(watches.map((watch) => watch.stop()));
    }
    for (const watch of watches) {
      assert.deepEqual(watch.overlaps, []);
      assert.ok(watch.looks() > 10);
    }
    const gaps = watches.map((watch) => (watch.longestGapMs() / 1000).toFixed(1)).join(' and ');
    t.diagnostic(`${what}: nobody had the floating addresses for ${gaps} s`);
    for (const [index, { worstS, lost }] of silences.entries()) {
      t.diagnostic(`${what}: ${addresses[index]} silent for ${worstS.toFixed(1)} s, ${lost} pings lost in all`);
      assert.ok(worstS < 60);
    }
  }
  const hasGateway = async (node: string): Promise<boolean> =>
    (await lab().exec(node, ['ip', '-o', 'address', 'show', 'to', gateway])).stdout.trim() !== '';

  /** An address of its own beside that which all floating ones of IPv6 are. It goes with the power. */
  const hasIpv6 = (node: string) =>
    lab().exec(node, ['ip', 'address', 'add', `fd00:2::1${node.slice(2)}/64`, 'dev', upstreamBridge, 'nodad']);
  /** Waits until the primary, and it alone, has the floating addresses, and answers there. */
  async function answersAtFloating(): Promise<void> {
    await lab().waitFor('the API at the floating address', async () => {
      const curl = ['curl', '-sk', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', `https://${floating}:7370/`];
      return (await lab().exec('outside', curl, { accept: 'any' })).stdout === '200';
    });
    for (const address of [floating, floating6]) {
      await lab().waitFor(`names at ${address}`, async () => {
        const dig = ['dig', '+short', '+tries=1', '+time=2', `@${address}`, 'gateway.office.example'];
        return (await lab().exec('outside', dig, { accept: 'any' })).stdout.trim() === gateway;
      });
      const now = await primary();
      for (const node of lab().nodes) {
        const { stdout } = await lab().exec(node, ['ip', '-o', 'address', 'show', 'to', address]);
        assert.equal(stdout.trim() !== '', node === now, `${address} on ${node}, ${now} is primary`);
      }
    }
  }
  const tell = async (node: string, password: string): Promise<void> => {
    await lab().writeFile(node, passwordFile, `${password}\n`);
    await lab().exec(node, ['chmod', '600', passwordFile]);
  };
  /** Waits until that node's trouble with the router is told, or no trouble of any node is. */
  const told = (what: string, message: RegExp) =>
    lab().waitFor(
      what,
      async () => (await lab().ask('hv2', 'fault.list', {})).find((fault) => message.test(fault.message)),
      { timeoutMs: 90_000 },
    );
  const allHeard = () =>
    lab().waitFor(
      'all nodes to be heard',
      async () =>
        (await router.established()) === lab().nodes.length &&
        !(await lab().ask('hv2', 'fault.list', {})).some(({ message }) => message.includes('has no BGP session')),
      { timeoutMs: 90_000 },
    );

  before(async () => {
    const { stdout } = await lab().exec('outside', ['ip', '-o', 'address', 'show', 'to', outside]);
    await lab().exec('outside', ['ip', 'address', 'add', 'fd00:2::1/64', 'dev', stdout.split(/\s+/)[1] ?? '', 'nodad']);
    router = await TestRouter.start(lab());
    await router.setPassword(passwords.first);
    for (const node of lab().nodes) {
      await tell(node, passwords.first);
      await hasIpv6(node);
      const path = '/etc/pvc/pvc.yaml';
      const config = (parse(await lab().readFile(node, path)) ?? {}) as { plugins?: object };
      const routers = [{ address: outside, asn: routerAsn, bfd: true, passwordFile }];
      const evpn = { bfd: true, upstream: { routers, floating: [floating, floating6] } };
      const powerdns = { addresses: [floating, floating6] };
      await lab().writeFile(node, path, stringify({ ...config, plugins: { ...config.plugins, evpn, powerdns } }));
      await lab().daemon(node, 'restart');
    }
    await lab().waitFor('all nodes to run', async () =>
      (await lab().ask('hv2', 'node.list', {})).every(({ daemon }) => daemon === 'run'),
    );
  });
  after(() => router.close());

  it('hears of a network that has a gateway, and of nothing else', async (t: TestContext) => {
    (await lab().pvc('hv1', ['network', 'add', 'bare'])).ok();
    (
      await lab().pvc('hv1', [
        'network',
        'add',
        'office',
        '--ipv4',
        office,
        '--gateway4',
        'first',
        '--domain',
        'office.example',
      ])
    ).ok();
    t.diagnostic(`heard after ${await leadsToPrimary(office)} s`);
    assert.deepEqual(await router.known(), [office]);
  });

  it('is watched by BFD from every node, and so are the nodes by each other', async () => {
    for (const node of lab().nodes) {
      const shown = ['vtysh', '-d', 'bfdd', '-c', 'show bfd peers json'];
      const wanted = [
        outside,
        ...lab()
          .nodes.filter((other) => other !== node)
          .map(clusterOf),
      ].toSorted();
      await lab().waitFor(
        `${node} to see everybody`,
        async () => {
          const { code, stdout } = await lab().exec(node, shown, { accept: 'any' });
          const peers = code === 0 ? (JSON.parse(stdout) as { peer: string; status: string }[]) : [];
          const seen = peers.filter(({ status }) => status === 'up').map(({ peer }) => peer);
          return seen.toSorted().join(' ') === wanted.join(' ');
        },
        { timeoutMs: 90_000 },
      );
    }
  });

  it('reaches the gateway', async () => {
    await lab().exec('outside', ['ping', '-c', '1', '-W', '5', gateway]);
  });

  it('reaches the API and the names at the floating addresses', answersAtFloating);

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
    await answersAtFloating();
  });

  it('does not go on sending to a primary whose daemon stands still, which has its gateways still', async (t: TestContext) => {
    const old = await primary();
    await leadsToPrimary(office);
    await watched(t, 'SIGSTOP', async () => {
      await lab().daemon(old, 'pause');
      const asked = lab().nodes.find((node) => node !== old) ?? assert.fail('one node only');
      try {
        await lab().waitFor(
          'another primary, and the only way to lead there',
          async () => {
            const named = await lab().primary(asked);
            if (named === undefined || named === old) return false;
            const hops = await router.nextHops(office);
            return hops.join() === upstreamOf(named);
          },
          { timeoutMs: 90_000 },
        );
        assert.ok(await hasGateway(old), 'the kernel has not taken it');
      } finally {
        await lab().daemon(old, 'resume');
      }
      await lab().waitFor('it to have none any more', async () => !(await hasGateway(old)));
    });
    await allHeard();
    await answersAtFloating();
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
    await hasIpv6(old);
    await answersAtFloating();
  });

  it('hears no more of a network without a gateway', async () => {
    (await lab().pvc('hv1', ['network', 'modify', 'office', '--gateway4', 'none'])).ok();
    await lab().waitFor('the prefix to be gone', async () => (await router.known()).length === 0, {
      timeoutMs: 90_000,
    });
  });

  it('that is gone is told as a fault, and is heard again when it is back', async () => {
    await lab().cable('hv1', 'upstream', 'down');
    await told('a fault', /hv1 has no BGP session with the router 10\.10\.2\.1/);
    await lab().cable('hv1', 'upstream', 'up');
    await allHeard();
  });

  it('is spoken with under the password that it has, which is told to nobody else', async (t: TestContext) => {
    const watch = watchArgv();
    try {
      await router.setPassword(passwords.next);
      const fault = await told('a wrong password to be told', /has no BGP session with the router 10\.10\.2\.1/);
      assert.match(fault.hint, /the same password/);
      assert.equal(await router.established(), 0);
      for (const node of lab().nodes) await tell(node, passwords.next);
      const fromMs = performance.now();
      await allHeard();
      t.diagnostic(`a new password is in use after ${Math.round(performance.now() - fromMs) / 1000} s`);

      await lab().exec('hv1', ['rm', passwordFile]);
      await told('its absence to be told', /hv1 has no .*10\.10\.2\.1 \(there is no file \/etc\/pvc\/router-password/);
      await tell('hv1', passwords.next);
      await allHeard();
      // What else changes leaves the session alone.
      const since = await router.upSinceS('10.10.2.11');
      (await lab().pvc('hv1', ['network', 'add', 'late', '--ipv4', '10.21.0.0/24', '--gateway4', 'first'])).ok();
      await lab().waitFor('its prefix to be heard', async () => (await router.known()).includes('10.21.0.0/24'));
      assert.ok(Math.abs((await router.upSinceS('10.10.2.11')) - since) < 2);
    } finally {
      await watch.stop();
    }
    const lines = [...watch.seen];
    for (const shown of ['frr-reload.py --reload', '-d bgpd -f /run/pvc/frr-passwords'])
      assert.ok(
        lines.some((line) => line.includes(shown)),
        `the watch has not seen ${shown}`,
      );
    for (const password of Object.values(passwords)) {
      assert.deepEqual(
        lines.filter((line) => line.includes(password)),
        [],
      );
      for (const node of lab().nodes) {
        const logs = ['/var/log/frr', '/var/log/pvc', '/run/frr'];
        const { stdout } = await lab().exec(node, ['grep', '-rlF', '-e', password, ...logs], { accept: 'any' });
        assert.equal(stdout, '', `the password is in files of ${node}`);
      }
      assert.ok(!(await lab().evidence()).includes(password));
    }
  });
});
