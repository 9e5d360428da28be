/**
 * Uploads and downloads of a third-party plugin in the packed program: 200 MiB through every door and to another
 * node, and what is left when one side dies in the middle.
 * @module
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { pluginFile } from './broken-plugins.ts';
import { installPlugin } from './install-plugin.ts';
import { daemonPid, nodeProcesses } from './node-process.ts';
import { NodeSession } from './node-session.ts';
import { type Answer, suiteLab } from './test-lab.ts';

const MiB = 1024 * 1024;
const size = 200 * MiB;
/** Buffers of Node, its sockets and TLS, until the garbage collector has come round. A body that is held would be all 200. */
const mayGrow = 96 * MiB;
const pluginPath = '/etc/pvc/plugins.d/blob.cjs';
const big = '/var/lib/big';

/** Keeps what it is sent in /var/lib/blobs; `pauseMs` makes it slow at each piece. */
const plugin = pluginFile(
  'blob',
  `
  const { z, defineUpload, defineDownload } = pvc.api;
  const fs = require('node:fs');
  const { pipeline } = require('node:stream/promises');
  const directory = '/var/lib/blobs';
  const pause = (ms) => ms === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
  const input = z.strictObject({
    blob: z.string().regex(/^[a-z0-9-]+$/),
    node: z.string().optional(),
    pauseMs: z.int().default(0),
  });
  const common = { input, on: async (_context, { node }) => node };
  pvc.hooks.operations.tap(() => [
    defineUpload({
      ...common,
      name: 'blob.upload',
      summary: 'Send a blob',
      http: { method: 'PUT', path: '/blobs/{blob}' },
      cli: { command: 'blob upload', arguments: [{ field: 'blob' }] },
      role: 'operator',
      output: z.object({ bytes: z.int() }),
      sizeUnknown: true,
      async receive(_context, { blob, pauseMs }, body, { progress }) {
        fs.mkdirSync(directory, { recursive: true });
        const part = directory + '/' + blob + '.part';
        try {
          let bytes = 0;
          await pipeline(
            (async function* () {
              for await (const piece of body) { bytes += piece.length; await pause(pauseMs); yield piece; }
            })(),
            fs.createWriteStream(part),
          );
          progress('putting it in its place', 0.5);
          await pause(pauseMs === 0 ? 0 : 500);
          fs.renameSync(part, directory + '/' + blob);
          return { bytes };
        } finally {
          fs.rmSync(part, { force: true });
        }
      },
    }),
    defineDownload({
      ...common,
      input: input.extend({ sized: z.boolean().default(true), breakAt: z.int().optional() }),
      name: 'blob.download',
      summary: 'Fetch a blob',
      http: { method: 'GET', path: '/blobs/{blob}' },
      cli: { command: 'blob download', arguments: [{ field: 'blob' }] },
      role: 'viewer',
      async send(_context, { blob, pauseMs, sized, breakAt }) {
        const path = directory + '/' + blob;
        return {
          ...(sized ? { sizeBytes: fs.statSync(path).size } : {}),
          body: (async function* () {
            let bytes = 0;
            fs.writeFileSync(path + '.read', '');
            try {
              for await (const piece of fs.createReadStream(path)) {
                await pause(pauseMs);
                yield piece;
                bytes += piece.length;
                if (bytes >= breakAt) throw new Error('the disk is gone');
              }
            } finally {
              fs.rmSync(path + '.read');
            }
          })(),
        };
      },
    }),
  ]);
`,
);

describe('streams of bytes', { timeout: 600_000 }, () => {
  const opened = suiteLab({ nodes: 2 });
  const lab = opened;
  let environment: string[] = [];

  const pvc = (...args: readonly string[]): Promise<Answer> => lab().pvc('hv1', args, { timeoutMs: 120_000 });
  const overHttps = (...args: readonly string[]) =>
    lab().exec('hv1', ['env', ...environment, 'pvc', '--url', 'https://127.0.0.1:7370', ...args], {
      accept: 'any',
      timeoutMs: 120_000,
    });
  const sum = async (node: string, path: string): Promise<string> =>
    (await lab().exec(node, ['sha256sum', path])).stdout.split(' ')[0] ?? '';
  const blobs = async (node = 'hv1'): Promise<string[]> =>
    (await lab().exec(node, ['ls', '-A', '/var/lib/blobs'])).stdout.split('\n').filter((name) => name !== '');
  const lastRecord = async (operation: string): Promise<readonly string[]> => {
    const records = (await pvc('cluster', 'audit', '--format', 'json')).json() as {
      operation: string;
      changes: string[];
    }[];
    return records.find((record) => record.operation === operation)?.changes ?? [];
  };

  /** How much more memory the daemons had at their most while `body` ran, in bytes. */
  async function growth(nodes: readonly string[], body: () => Promise<void>): Promise<number[]> {
    const pids = await Promise.all(nodes.map((node) => daemonPid(lab(), node, 'pvc')));
    const peak = async (pid: number): Promise<number> =>
      Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
    // proc(5): 5 sets the peak back to what is held now.
    await Promise.all(pids.map((pid) => writeFile(`/proc/${pid}/clear_refs`, '5')));
    const first = await Promise.all(pids.map(peak));
    await body();
    const last = await Promise.all(pids.map(peak));
    return last.map((bytes, index) => bytes - (first[index] ?? 0));
  }

  async function assertBounded(t: { diagnostic(text: string): void }, nodes: string[], body: () => Promise<void>) {
    const grown = await growth(nodes, body);
    t.diagnostic(
      `the daemons of ${nodes.join(', ')} grew by ${grown.map((one) => Math.round(one / MiB)).join(', ')} MiB`,
    );
    for (const one of grown) assert.ok(one < mayGrow, `a daemon grew by ${Math.round(one / MiB)} MiB`);
  }

  before(async () => {
    await installPlugin(lab(), pluginPath, plugin);
    await lab().waitFor('both nodes to run', async () => {
      const nodes = (await pvc('node', 'list', '--format', 'json')).json() as { daemon: string }[];
      return nodes.length === 2 && nodes.every(({ daemon }) => daemon === 'run');
    });
    await lab().exec('hv1', ['sh', '-c', `head -c ${size} /dev/urandom > ${big}`]);
    const pem = await lab().readFile('hv1', '/var/lib/pvc/tls/node.pem');
    environment = [`PVC_TOKEN=${await lab().token()}`, `PVC_FINGERPRINT=${new X509Certificate(pem).fingerprint256}`];
  });

  it('go through the socket and HTTPS, there and back, in little memory', async (t) => {
    const expected = await sum('hv1', big);
    for (const [door, run] of [
      ['socket', async (...args: string[]) => void (await pvc(...args)).ok()],
      [
        'https',
        async (...args: string[]) => {
          const ran = await overHttps(...args);
          assert.equal(ran.code, 0, ran.stderr);
        },
      ],
    ] as const)
      await t.test(door, async (t) => {
        await assertBounded(t, ['hv1'], () => run('blob', 'upload', door, big));
        assert.equal(await sum('hv1', `/var/lib/blobs/${door}`), expected);
        assert.deepEqual(await lastRecord('blob.upload'), [`${size} bytes to receive`, `received ${size} bytes`]);
        for (const sized of ['--sized', '--no-sized']) {
          await assertBounded(t, ['hv1'], () => run('blob', 'download', door, '/var/lib/back', '--force', sized));
          assert.equal(await sum('hv1', '/var/lib/back'), expected);
        }
        assert.deepEqual(await lastRecord('blob.download'), ['bytes to send', `sent ${size} bytes`]);
      });
    await lab().exec('hv1', ['rm', '/var/lib/back']);
  });

  it('pass through a node to the one that must have them, and back', async (t) => {
    await assertBounded(
      t,
      ['hv1', 'hv2'],
      async () => void (await pvc('blob', 'upload', 'far', big, '--node', 'hv2')).ok(),
    );
    assert.equal(await sum('hv2', '/var/lib/blobs/far'), await sum('hv1', big));
    await assertBounded(
      t,
      ['hv1', 'hv2'],
      async () => void (await pvc('blob', 'download', 'far', '/var/lib/back', '--node', 'hv2')).ok(),
    );
    assert.equal(await sum('hv1', '/var/lib/back'), await sum('hv1', big));
    await lab().exec('hv1', ['rm', '/var/lib/back']);
  });

  it('come and go through pipes, and curl', async () => {
    await lab().exec('hv1', ['sh', '-c', `head -c 5000000 ${big} | pvc blob upload piped -`]);
    const back = await lab().exec('hv1', ['sh', '-c', 'pvc blob download piped - | sha256sum']);
    assert.equal(back.stdout.split(' ')[0], await sum('hv1', '/var/lib/blobs/piped'));
    const curl = ['curl', '-sS', '--unix-socket', '/run/pvc/pvc.sock'];
    const sent = await lab().exec('hv1', [...curl, '-T', '/var/lib/blobs/piped', 'http://pvc/api/v1/blobs/curled']);
    assert.match(sent.stdout, /event: result\ndata: \{"result":\{"bytes":5000000\}/);
    await lab().exec('hv1', [...curl, '-o', '/var/lib/curled', 'http://pvc/api/v1/blobs/curled']);
    assert.equal(await sum('hv1', '/var/lib/curled'), await sum('hv1', '/var/lib/blobs/piped'));
  });

  it('show on a terminal how they get on, and leave nothing after Ctrl-C', async () => {
    await using upload = await NodeSession.onTerminal(lab(), 'hv1', [
      'pvc',
      'blob',
      'upload',
      'keys',
      big,
      '--pause-ms',
      '50',
    ]);
    await upload.sees(/[1-9]\d* % {2}[\d.]+ MiB of 200 MiB, [\d.]+ [KM]iB\/s, .* left/);
    upload.send('\u0003');
    assert.equal(await upload.ended(), 130);
    await lab().waitFor('the part to be gone', async () => !(await blobs()).some((name) => name.startsWith('keys')));
    assert.match((await lastRecord('blob.upload'))[1] ?? '', /^failed after \d+ bytes: (?:STREAM_LEFT|UPLOAD_BROKEN)/);

    await using download = await NodeSession.onTerminal(lab(), 'hv1', [
      'pvc',
      'blob',
      'download',
      'socket',
      '/var/lib/dl/x',
      '--pause-ms',
      '50',
    ]);
    // The directory is not there yet.
    assert.equal(await download.ended(), 1);
    await lab().exec('hv1', ['mkdir', '/var/lib/dl']);
    await using again = await NodeSession.onTerminal(lab(), 'hv1', [
      'pvc',
      'blob',
      'download',
      'socket',
      '/var/lib/dl/x',
      '--pause-ms',
      '50',
    ]);
    await again.sees(/[\d.]+ MiB of 200 MiB/);
    again.send('\u0003');
    assert.equal(await again.ended(), 130);
    assert.equal((await lab().exec('hv1', ['ls', '-A', '/var/lib/dl'])).stdout, '');
  });

  it('are undone when the client is killed', async () => {
    for (const words of [
      ['upload', 'killed', big],
      ['download', 'socket', '/var/lib/dl/killed'],
    ]) {
      await using session = await NodeSession.start(lab(), 'hv1', ['pvc', 'blob', ...words, '--pause-ms', '50']);
      const mark = words[0] === 'upload' ? 'killed.part' : 'socket.read';
      await lab().waitFor('it to have begun', async () => (await blobs()).includes(mark));
      for (const { pid } of await nodeProcesses(lab(), 'hv1', (found) => found.includes('--pause-ms')))
        process.kill(pid, 'SIGKILL');
      await lab().waitFor('the handler to have let go', async () => !(await blobs()).includes(mark));
      await session.ended();
    }
    assert.ok(!(await blobs()).includes('killed'));
    // Nobody is left who could take the unfinished file away; it is hidden, and not where the whole one would be.
    assert.match((await lab().exec('hv1', ['ls', '-A', '/var/lib/dl'])).stdout, /^\.[0-9a-f]{12}\.tmp\n$/);
    await lab().exec('hv1', ['sh', '-c', 'rm /var/lib/dl/.*.tmp']);
  });

  it('are known to be broken when the daemon is killed, and go on working when it runs again', async () => {
    for (const [words, mark, code] of [
      [['upload', 'dead', big], 'dead.part', 'UPLOAD_LOST'],
      [['download', 'socket', '/var/lib/dl/dead'], 'socket.read', 'DOWNLOAD_LOST'],
      [['download', 'socket', '/var/lib/dl/dead', '--no-sized'], 'socket.read', 'DOWNLOAD_LOST'],
    ] as const) {
      await using session = await NodeSession.start(lab(), 'hv1', ['pvc', 'blob', ...words, '--pause-ms', '50']);
      await lab().waitFor('it to have begun', async () => (await blobs()).includes(mark));
      // The handler of a download begins before its answer does.
      if (words[0] === 'download')
        await lab().waitFor('bytes to have come', async () =>
          (await lab().exec('hv1', ['find', '/var/lib/dl', '-name', '.*.tmp', '-size', '+0'])).stdout.includes('.tmp'),
        );
      await lab().daemon('hv1', 'kill');
      assert.equal(await session.ended(), 7, session.text);
      assert.match(session.text, new RegExp(code));
      await lab().exec('hv1', ['rm', '-f', `/var/lib/blobs/${mark}`]);
      await lab().waitFor('the daemon to answer', async () => (await pvc('cluster', 'status')).code === 0);
    }
    assert.equal((await lab().exec('hv1', ['ls', '-A', '/var/lib/dl'])).stdout, '');
    (await pvc('blob', 'upload', 'alive', big)).ok();
  });

  it('are ended in order when the daemon stops', async () => {
    await using session = await NodeSession.start(lab(), 'hv1', [
      'pvc',
      'blob',
      'upload',
      'stopped',
      big,
      '--pause-ms',
      '50',
    ]);
    await lab().waitFor('it to have begun', async () => (await blobs()).includes('stopped.part'));
    await lab().daemon('hv1', 'restart');
    assert.equal(await session.ended(), 7, session.text);
    assert.match(session.text, /API_CLOSING|UPLOAD_LOST/);
    assert.ok(!(await blobs()).some((name) => name.startsWith('stopped')));
    await lab().waitFor('the daemon to answer', async () => (await pvc('cluster', 'status')).code === 0);
    assert.match((await lastRecord('blob.upload'))[1] ?? '', /^failed after \d+ bytes: API_CLOSING/);
  });

  it('that fail half-way are no file', async () => {
    for (const sized of ['--sized', '--no-sized']) {
      const broken = await pvc('blob', 'download', 'socket', '/var/lib/dl/half', '--break-at', '50000000', sized);
      assert.equal(broken.code, 7, broken.stderr);
      assert.match(broken.stderr, /DOWNLOAD_LOST/);
      const curl = await lab().exec(
        'hv1',
        [
          'curl',
          '-sS',
          '--unix-socket',
          '/run/pvc/pvc.sock',
          '-o',
          '/dev/null',
          `http://pvc/api/v1/blobs/socket?breakAt=50000000&sized=${sized === '--sized'}`,
        ],
        { accept: 'any' },
      );
      assert.notEqual(curl.code, 0, 'curl knows as well');
    }
    assert.equal((await lab().exec('hv1', ['ls', '-A', '/var/lib/dl'])).stdout, '');
    const far = await pvc('blob', 'download', 'far', '/var/lib/dl/half', '--node', 'hv2', '--break-at', '50000000');
    assert.equal(far.code, 7, far.stderr);
  });
});
