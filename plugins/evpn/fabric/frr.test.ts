import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { Runtime, ServiceDefinition } from '../../../core/plugin/api.ts';
import { Frr } from './frr.ts';
import { confMark, confPath, daemonsPath } from './frr-conf.ts';
import { vtyshScript } from './vtysh.ts';

const daemons = ['zebra', 'bgpd'];
const conf = `${confMark}\nrouter bgp 65500\n`;

async function setUp(files: Readonly<Record<string, string>> = {}) {
  const host = createVirtualHost();
  const installed = { [daemonsPath]: 'bgpd=no\n', '/usr/lib/frr/frr-reload.py': '' };
  for (const [path, text] of Object.entries({ ...installed, ...files })) {
    await host.files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    await host.files.writeAtomic(path, text);
  }
  await host.files.makeDirectory('/run/pvc');
  host.processes.on(['install'], {});
  const services: ServiceDefinition[] = [];
  const restarts: string[] = [];
  const runtime = {
    host,
    node: 'hv1',
    directories: { run: '/run/pvc', state: '/var/lib/pvc' },
    signal: new AbortController().signal,
    supervise(service: ServiceDefinition) {
      services.push(service);
      return { restart: async () => void restarts.push(service.name) };
    },
  } as unknown as Runtime;
  const commands = () => host.processes.calls.map(({ argv }) => argv.join(' '));
  return { host, frr: new Frr(runtime), services, restarts, commands };
}

/** Awaits something that waits on the virtual clock. */
async function through<T>(host: Awaited<ReturnType<typeof setUp>>['host'], work: Promise<T>): Promise<T> {
  let ended = false;
  const watched = work.finally(() => {
    ended = true;
  });
  watched.catch(() => undefined);
  for (let turn = 0; !ended && turn < 200; turn += 1) await host.clock.advance(100);
  return watched;
}

describe('the files of FRR', () => {
  it('are written, with BGP switched on', async () => {
    const { host, frr } = await setUp({ [confPath]: 'log syslog informational\n' });
    await frr.writeFiles(conf, daemons);
    assert.equal(await host.files.readText(confPath), conf);
    assert.equal(await host.files.readText(daemonsPath), 'bgpd=yes\n');
  });

  it('are left alone where they are somebody else’s', async () => {
    const { host, frr } = await setUp({ [confPath]: 'router ospf\n' });
    await assert.rejects(frr.writeFiles(conf, daemons), { code: 'FRR_FOREIGN' });
    assert.equal(await host.files.readText(confPath), 'router ospf\n');
    assert.equal(await host.files.readText(daemonsPath), 'bgpd=no\n');
  });

  it('are missed where FRR is not installed, or only half of it', async () => {
    for (const path of [daemonsPath, '/usr/lib/frr/frr-reload.py']) {
      const { host, frr } = await setUp();
      await host.files.remove(path);
      await assert.rejects(frr.writeFiles(conf, daemons), { code: 'FRR_MISSING' });
      assert.equal(await frr.conf(), undefined);
    }
  });
});

describe('FRR as a service', () => {
  it('is kept running once, by its own keeper', async () => {
    const { frr, services, restarts } = await setUp();
    await frr.serve(daemons);
    await frr.serve(daemons);
    assert.deepEqual(
      services.map(({ unit, argv }) => [unit, argv]),
      [['frr.service', ['/usr/lib/frr/watchfrr', 'zebra', 'bgpd']]],
    );
    assert.deepEqual([frr.serving, restarts], [true, []]);
  });

  it('has the daemon of its newer versions as well', async () => {
    const { frr, services } = await setUp({ '/usr/lib/frr/mgmtd': '' });
    await frr.serve(daemons);
    assert.deepEqual(services[0]?.argv.slice(1), ['mgmtd', 'zebra', 'bgpd']);
  });

  it('is started again when it runs without BGP, as Debian starts it', async () => {
    const { frr, restarts } = await setUp({ '/run/frr/zebra.vty': '' });
    await frr.serve(daemons);
    assert.deepEqual(restarts, ['frr']);
  });

  it('that runs whole is adopted', async () => {
    const { frr, restarts } = await setUp({ '/run/frr/zebra.vty': '', '/run/frr/bgpd.vty': '' });
    await frr.serve(daemons);
    assert.deepEqual(restarts, []);
  });
});

describe('a new configuration', () => {
  const peers = (dynamic: boolean) =>
    JSON.stringify({
      peers: {
        '10.10.0.12': { state: 'Established', dynamicPeer: dynamic },
        '10.10.0.14': { state: 'Established', dynamicPeer: true },
      },
    });

  it('is read without touching sessions', async () => {
    const { host, frr, commands } = await setUp();
    host.processes.on(['vtysh'], { stdout: peers(false) });
    host.processes.on(['/usr/lib/frr/frr-reload.py'], {});
    await through(host, frr.reload(conf, ['10.10.0.12'], []));
    assert.ok(!commands().some((command) => command.includes('clear')));
    assert.equal(await frr.loaded(), conf);
  });

  it('cuts off only neighbours that came before they were named', async () => {
    const { host, frr, commands } = await setUp();
    host.processes.on(['vtysh'], { stdout: peers(true) });
    host.processes.on(['/usr/lib/frr/frr-reload.py'], {});
    await through(host, frr.reload(conf, ['10.10.0.12'], []));
    assert.deepEqual(
      commands().filter((command) => command.includes('clear')),
      ['vtysh -d bgpd -c clear bgp 10.10.0.12'],
    );
  });

  it('has its passwords told by a file for root alone, and kept from frr-reload.py', async () => {
    const { host, frr, commands } = await setUp();
    host.processes.on(['vtysh'], { stdout: '{}' });
    host.processes.on(['/usr/lib/frr/frr-reload.py'], {});
    const lines = ['router bgp 65500', ' neighbor 10.10.2.1 password S3cret'];
    const told: (string | undefined)[] = [];
    const { exec } = host.processes;
    host.processes.exec = async (argv, options) => {
      if (argv.includes('-f')) told.push(await host.files.readText(argv.at(-1) ?? ''));
      return exec.call(host.processes, argv, options);
    };
    await through(host, frr.reload(conf, [], lines));
    assert.ok(!commands().some((command) => command.includes('S3cret')));
    assert.deepEqual(commands().slice(-2), [
      '/usr/lib/frr/frr-reload.py --reload --bindir /var/lib/pvc/frr /etc/frr/frr.conf',
      'vtysh -d bgpd -f /run/pvc/frr-passwords',
    ]);
    assert.deepEqual(told, [`${lines.join('\n')}\n`]);
    assert.equal(await host.files.readText('/run/pvc/frr-passwords'), undefined);
    assert.equal(await host.files.readText('/var/lib/pvc/frr/vtysh'), vtyshScript);
  });

  it('does not count as read without its passwords, and nobody says them again', async () => {
    const { host, frr } = await setUp();
    host.processes.on(['/usr/lib/frr/frr-reload.py'], {});
    host.processes.on(['vtysh'], { code: 2, stderr: 'line 2: % Unknown command:  neighbor 10.10.2.1 password S3cret' });
    await assert.rejects(
      through(host, frr.reload(conf, [], ['router bgp 65500', ' neighbor 10.10.2.1 password S3cret'])),
      (error: Error) => /exit 2/.test(error.message) && !error.message.includes('S3cret'),
    );
    assert.equal(await frr.loaded(), undefined);
    assert.equal(await host.files.readText('/run/pvc/frr-passwords'), undefined);
  });

  it('counts as read only when FRR has said so', async () => {
    const { host, frr } = await setUp();
    host.processes.on(['vtysh'], { stdout: '{}' });
    host.processes.on(['/usr/lib/frr/frr-reload.py'], {
      code: 1,
      stderr: 'line 1\nvtysh failed to process new config',
    });
    await assert.rejects(through(host, frr.reload(conf, [], [])), /vtysh failed to process/);
    assert.equal(await frr.loaded(), undefined);
  });

  it('is not asked of an FRR that does not answer, answers half, or is not there', async () => {
    const { host, frr } = await setUp();
    assert.equal(await frr.sessions(), undefined);
    host.processes.on(['vtysh'], { stdout: '{"peers":{"10.' });
    assert.equal(await frr.sessions(), undefined);
    host.processes.on(['vtysh'], { code: 1, stdout: 'bgpd is not running' });
    assert.equal(await frr.sessions(), undefined);
    host.processes.on(['vtysh'], { stdout: '{}', tookMs: Number.POSITIVE_INFINITY });
    assert.equal(await through(host, frr.sessions()), undefined);
  });
});
