import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../host/virtual-clock.ts';
import { VirtualFiles } from '../host/virtual-files.ts';
import { apiUrl, connectionFilePath, urlText } from './connection-file.ts';
import { type FakeRun, type FakeRunOptions, runFake } from './testing/run-fake.ts';

const path = '/root/ann/.config/pvc/connections.json';
const digest = 'AB'.repeat(32);
const pinned = digest.replace(/..(?=.)/g, '$&:');
const token = 'pvc_0123456789abcdef';
const environment = { HOME: '/root/ann' };

/** A home without a daemon, and a server with a certificate of its own. */
function home(): { files: VirtualFiles; run: (line: string, options?: FakeRunOptions) => Promise<FakeRun> } {
  const files = new VirtualFiles(new VirtualClock());
  const parts = {
    certificateOf: async () => ({
      fingerprint: pinned,
      subject: 'pvc lab',
      validUntil: 'Mar  1 12:00:00 2040 GMT',
      trusted: false,
    }),
  };
  return {
    files,
    run: (line, options = {}) =>
      runFake(line, { files, environment, input: `${token}\n`, ...options, parts: { ...parts, ...options.parts } }),
  };
}

describe('pvc connection add', () => {
  it('shows the certificate and asks, then for the token without echo', async () => {
    const { files, run } = home();
    const { code, out, err, terminal } = await run('connection add lab hv1', { columns: 80, typed: ['y', token] });
    assert.equal(code, 0);
    assert.match(
      err,
      /Server:.*https:\/\/hv1:7370\n.*Certificate:.*pvc lab\n.*Valid until:.*Mar {2}1 12:00:00 2040 GMT\n.*SHA-256:/s,
    );
    assert.deepEqual(terminal.questions, [
      'Is this the certificate of that cluster (`pvc cluster status` there shows it)? [y/N] ',
      'Token: (hidden)',
    ]);
    assert.equal(out, 'Connection lab to https://hv1:7370 was added. It is the current connection now.\n');
    assert.deepEqual(JSON.parse((await files.readText(path)) ?? ''), {
      version: 1,
      current: 'lab',
      connections: { lab: { url: 'https://hv1:7370', token, fingerprint: pinned } },
    });
    assert.equal((await files.stat(path))?.mode, 0o600);
    assert.equal((await files.stat('/root/ann/.config/pvc'))?.mode, 0o700);
  });

  it('refuses to guess in a script, and trusts a given fingerprint', async () => {
    const { files, run } = home();
    const refused = await run('connection add lab hv1 --token-stdin');
    assert.equal(refused.code, 2);
    assert.match(refused.err, /hint: .*--yes/);
    assert.deepEqual(files.snapshot(), {});
    const added = await run(`connection add lab hv1 --token-stdin --fingerprint sha256:${digest.toLowerCase()}`, {
      parts: {
        certificateOf: async () => {
          throw new Error('must not be asked');
        },
      },
    });
    assert.equal(added.code, 0);
    assert.equal(JSON.parse((await files.readText(path)) ?? '').connections.lab.fingerprint, pinned);
  });

  it('pins nothing where an authority vouches', async () => {
    const { files, run } = home();
    await run('connection add lab https://hv1:443/ --token-stdin', {
      parts: { certificateOf: async () => ({ fingerprint: pinned, subject: 's', validUntil: 'v', trusted: true }) },
    });
    assert.deepEqual(JSON.parse((await files.readText(path)) ?? '').connections.lab, { url: 'https://hv1', token });
  });

  it('never shows a token', async () => {
    const { files, run } = home();
    await files.makeDirectory('/etc');
    await files.writeAtomic('/etc/token', `${token}\n`);
    const runs = [
      await run('connection add lab hv1 --yes --token-file /etc/token'),
      await run('connection list'),
      await run('connection list -f json'),
      await run('connection show lab -f yaml'),
      await run('connection show'),
      await run('connection show -f json'),
      await run('connection use lab --debug'),
      await run('connection add lab hv1 --yes --token-stdin --debug'),
    ];
    for (const { out, err } of runs) assert.ok(!`${out}${err}`.includes(token));
    assert.equal(runs.at(-1)?.code, 5);
  });

  it('says what is wrong', async () => {
    const { run } = home();
    const cases: [string, FakeRunOptions, number, RegExp][] = [
      ['connection add lab http://hv1', {}, 2, /"http:\/\/hv1" is not an https address/],
      ['connection add lab https://u:p@hv1', {}, 2, /not an https address/],
      ['connection add local hv1', {}, 2, /^error: NAME: a connection name is/],
      ['connection add lab hv1 --fingerprint 12', {}, 2, /--fingerprint: a fingerprint is the SHA-256/],
      ['connection add lab hv1 --yes --token-stdin', { input: 'two words\n' }, 2, /That is not a token/],
      ['connection add lab hv1 --yes', {}, 2, /Asking for the token needs a terminal.*--token-stdin/s],
      ['connection add lab hv1 --yes --token-file /absent', {}, 2, /--token-file: the file \/absent cannot be read/],
      ['connection add lab hv1 --yes --token-stdin --token-file /x', {}, 2, /contradict/],
      ['connection add lab hv1 --yes --token-stdin', { environment: {} }, 2, /neither XDG_CONFIG_HOME nor HOME/],
      ['connection use lab', {}, 3, /There is no connection lab/],
      ['connection show lab', {}, 3, /There is no connection lab/],
      ['connection remove lab', {}, 3, /There is no connection lab/],
    ];
    for (const [line, options, code, problem] of cases) {
      const done = await run(line, options);
      assert.equal(done.code, code, line);
      assert.match(done.err, problem, line);
      assert.equal(done.out, '', line);
    }
  });
});

describe('connections', () => {
  const added = async () => {
    const made = home();
    await made.run(`connection add lab hv1 --token-stdin --fingerprint ${digest}`);
    await made.run(`connection add prod hv2:99 --token-stdin --fingerprint ${digest}`);
    return made;
  };

  it('are listed, chosen and removed', async () => {
    const { run, files } = await added();
    assert.equal(
      (await run('connection list')).out,
      '   NAME  URL               CERTIFICATE\n*  lab   https://hv1:7370  AB:AB:AB:AB:AB:AB:AB:AB\n   prod  https://hv2:99    AB:AB:AB:AB:AB:AB:AB:AB\n',
    );
    assert.equal((await run('connection list -f name')).out, 'lab\nprod\n');
    assert.equal((await run('connection use prod')).out, 'Connection prod is the current one.\n');
    assert.equal(JSON.parse((await files.readText(path)) ?? '').current, 'prod');
    assert.equal((await run('connection rm prod')).code, 0);
    assert.deepEqual(Object.keys(JSON.parse((await files.readText(path)) ?? '').connections), ['lab']);
    assert.equal(JSON.parse((await files.readText(path)) ?? '').current, undefined);
  });

  it('are used as the line, the environment and the machine say', async () => {
    const { run, files } = await added();
    const lab = { url: 'https://hv1:7370', token, fingerprint: pinned };
    const prod = { url: 'https://hv2:99', token, fingerprint: pinned };
    const local = { socket: '/run/pvc/pvc.sock' };
    const chosen = async (line: string, more: Record<string, string> = {}) =>
      (await run(`${line} vm list`, { environment: { ...environment, ...more }, answers: { 'vm.list': [] } }))
        .connections[0];
    assert.deepEqual(await chosen(''), lab);
    assert.deepEqual(await chosen('-c prod'), prod);
    assert.deepEqual(await chosen('', { PVC_CONNECTION: 'prod' }), prod);
    assert.deepEqual(await chosen('-c lab', { PVC_CONNECTION: 'prod' }), lab);
    assert.deepEqual(await chosen('--socket /x', { PVC_CONNECTION: 'prod' }), { socket: '/x' });
    assert.deepEqual(await chosen('', { PVC_STORE: 'sqlite:/x' }), { store: 'sqlite:/x' });
    assert.deepEqual(await chosen('--url https://hv2:99/'), prod);
    assert.deepEqual(await chosen('--url other', { PVC_TOKEN: 'abc' }), { url: 'https://other:7370', token: 'abc' });
    await files.makeDirectory('/run/pvc');
    await files.writeAtomic('/run/pvc/pvc.sock', '');
    assert.deepEqual(await chosen(''), local);
    assert.deepEqual(await chosen('-c prod'), prod);
    assert.deepEqual(await chosen('-c local'), local);
    const elsewhere = { parts: { localSocket: () => '/srv/pvc.sock' }, answers: { 'vm.list': [] } };
    assert.deepEqual(
      (await run('vm list', elsewhere)).connections,
      [lab],
      'the socket that is configured is not there',
    );
    assert.deepEqual((await run('vm list -c local', elsewhere)).connections, [{ socket: '/srv/pvc.sock' }]);
  });

  it('that are missing are explained', async () => {
    const { run } = home();
    for (const options of [{}, { environment: {} }]) {
      const { code, err } = await run('vm list', options);
      assert.equal(code, 7);
      assert.match(err, /There is no PVC daemon on this machine .*\nhint: Start the daemon \(`systemctl start pvcd`\)/);
    }
    assert.equal((await run('vm list -c nope')).code, 3);
  });

  it('in a damaged file are not lost, and the file is not shown', async () => {
    const { run, files } = await added();
    const before = ((await files.readText(path)) ?? '').slice(0, -5);
    await files.writeAtomic(path, before);
    const { code, err } = await run('connection list --debug');
    assert.equal(code, 1);
    assert.match(err, /connections\.json cannot be used: it is not JSON/);
    assert.ok(!err.includes(token));
    assert.equal(await files.readText(path), before);
  });
});

describe('addresses', () => {
  it('are https with the port of PVC', () => {
    const cases: [string, string | undefined][] = [
      ['hv1', 'https://hv1:7370'],
      ['hv1:99', 'https://hv1:99'],
      ['https://[fd00::1]', 'https://[fd00::1]:7370'],
      ['https://hv1:443', 'https://hv1'],
      ['https://hv1/pvc/', 'https://hv1:7370/pvc'],
      ['ftp://hv1', undefined],
      ['https://hv1?x', undefined],
      ['', undefined],
    ];
    for (const [text, url] of cases) {
      const parsed = apiUrl(text);
      assert.equal(parsed === undefined ? undefined : urlText(parsed), url, text);
    }
  });

  it('of the file follow the environment', () => {
    assert.equal(connectionFilePath({ XDG_CONFIG_HOME: '/x', HOME: '/h' }), '/x/pvc/connections.json');
    assert.equal(connectionFilePath({ HOME: '/h' }), '/h/.config/pvc/connections.json');
  });
});
