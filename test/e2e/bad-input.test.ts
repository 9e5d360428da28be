/**
 * Bad input through every door, and a machine in bad condition: a clear error with a stable code, an exit
 * code or status and a hint, and nothing changed; the guest that runs is never touched.
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { pathOn } from '../lab/exec.ts';
import { namespaceName } from '../lab/topology.ts';
import {
  badCommands,
  badFiles,
  badRequests,
  directory,
  editStore,
  runningGuest,
  runningGuestXml,
  storeDigest,
  storePath,
} from './bad-input.ts';
import { type TestLab, withLab } from './test-lab.ts';

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
  readonly details: string[];
  readonly status: number;
}
interface Info {
  readonly state: string;
  readonly conditions?: { readonly message: string }[];
}

const socket = '/run/pvc/pvc.sock';
const boot = ['--kernel', '/var/lib/pvc-guest/vmlinuz', '--initrd', '/var/lib/pvc-guest/initrd', '--memory', '160'];

/** Runs a command that must fail, and gives back its error. */
async function refused(lab: TestLab, args: readonly string[], exit: number, code: string): Promise<Problem> {
  const answer = await lab.pvc('hv1', ['--format', 'json', ...args], { timeoutMs: 60_000 });
  assert.equal(answer.code, exit, `${answer.command}\n${answer.stderr}${answer.stdout}`);
  const last = answer.stderr.trim().split('\n').at(-1) ?? '';
  const problem = JSON.parse(last) as Problem;
  assert.equal(problem.code, code, last);
  assert.ok(problem.detail.length > 10 && problem.hint.length > 10, last);
  return problem;
}

/** Sends a request with curl on the node. */
async function requested(
  lab: TestLab,
  curl: readonly string[],
): Promise<{ status: number; problem: Partial<Problem>; type: string }> {
  const { stdout } = await lab.exec(
    'hv1',
    ['curl', '-sk', '-m', '20', '-w', '\n%{http_code} %{content_type}', ...curl],
    { accept: 'any' },
  );
  const at = stdout.lastIndexOf('\n');
  const [status, type = ''] = stdout.slice(at + 1).split(' ');
  return { status: Number(status), type, problem: JSON.parse(stdout.slice(0, at) || '{}') as Partial<Problem> };
}

const info = async (lab: TestLab, name: string): Promise<Info> =>
  (await lab.pvc('hv1', ['vm', 'info', name, '--format', 'json'])).json() as Info;
/** The process of the guest: another one would be a restart. */
const processOf = async (lab: TestLab, name: string): Promise<string> =>
  (await lab.exec('hv1', ['pgrep', '-f', `guest=${name},`])).stdout;
const answers = async (lab: TestLab): Promise<boolean> => (await lab.pvc('hv1', ['cluster', 'status'])).code === 0;
const faults = async (lab: TestLab): Promise<{ message: string; hint: string }[]> =>
  (await lab.pvc('hv1', ['fault', 'list', '--format', 'json'])).json() as { message: string; hint: string }[];

// Each has a lab of its own, so they need not wait for each other.
describe('bad input', { concurrency: 2 }, () => {
  it('is refused with a code, a hint and a reason, and changes nothing', async (t) => {
    await withLab({}, async (lab) => {
      for (const [name, text] of Object.entries(badFiles)) await lab.writeFile('hv1', `${directory}/${name}`, text);
      await lab.writeFile('hv1', '/root/web1.xml', runningGuestXml);
      (await lab.pvc('hv1', ['vm', 'define', '/root/web1.xml', '--start'])).ok();
      (await lab.pvc('hv1', ['vm', 'create', 'web2', ...boot])).ok();
      const before = await storeDigest(lab);
      const started = await processOf(lab, runningGuest.name);

      await t.test('on the command line', (inner) => onTheCommandLine(inner, lab));
      assert.equal(await storeDigest(lab), before);
      await t.test('in requests', (inner) => inRequests(inner, lab));
      assert.equal(await storeDigest(lab), before);
      await t.test('as half a request', () => asHalfARequest(lab));
      assert.equal(await storeDigest(lab), before);
      await t.test('by those who may not', () => byThoseWhoMayNot(lab));
      await t.test('in the configuration', () => inTheConfiguration(lab));
      await t.test('that only shows when a guest starts is told by task, guest and fault', () => whenAGuestStarts(lab));
      await t.test('that tries to be a command stays text', () => asCommands(lab));

      assert.equal((await info(lab, runningGuest.name)).state, 'running');
      assert.equal(await processOf(lab, runningGuest.name), started, 'the guest ran through all of it');
    });
  });

  it('from the machine itself leaves the store whole and the guest running', async (t) => {
    await withLab({}, async (lab) => {
      await lab.writeFile('hv1', '/root/web1.xml', runningGuestXml);
      (await lab.pvc('hv1', ['vm', 'define', '/root/web1.xml', '--start'])).ok();
      const started = await processOf(lab, runningGuest.name);
      await t.test('a port in use', () => aPortInUse(lab));
      await t.test('a second init, a wrong configuration, an expired token', () => withoutADaemon(lab));
      await t.test('a damaged store', () => aDamagedStore(lab));
      await t.test('a full disk', () => aFullDisk(lab));
      assert.equal(await processOf(lab, runningGuest.name), started, 'the guest ran through all of it');
    });
  });
});

async function onTheCommandLine(t: TestContext, lab: TestLab): Promise<void> {
  const before = await storeDigest(lab);
  for (const { what, args, exit, code, says } of badCommands) {
    await t.test(what, async () => {
      const problem = await refused(lab, args, exit, code);
      assert.match([problem.detail, ...problem.details].join('\n'), says);
      assert.equal(await storeDigest(lab), before);
    });
  }
  await t.test('the end of a task that has ended', async () => {
    const [id = ''] = (await lab.pvc('hv1', ['task', 'list', '--format', 'name'])).ok().stdout.split('\n');
    assert.match((await refused(lab, ['task', 'cancel', id], 4, 'TASK_ENDED')).detail, /has ended already/);
  });
  await t.test('reads well for a person', async () => {
    const answer = await lab.pvc('hv1', ['vm', 'define', `${directory}/malformed.xml`]);
    assert.match(answer.stderr, /^error: Line 2, column 10 .*\nhint: .*\ncode: VM_XML_MALFORMED\n$/);
    const format = await lab.pvc('hv1', ['vm', 'list', '--format', 'xml']);
    assert.deepEqual([format.code, format.stdout], [2, '']);
    assert.match(format.stderr, /^error: --format: "xml" is not one of pretty, json, yaml, name\.\nhint: /);
  });
}

async function inRequests(t: TestContext, lab: TestLab): Promise<void> {
  const before = await storeDigest(lab);
  for (const { what, curl, path, status, code, says } of badRequests) {
    await t.test(what, async () => {
      const {
        status: found,
        type,
        problem,
      } = await requested(lab, ['--unix-socket', socket, ...curl, `http://localhost${path}`]);
      assert.deepEqual(
        [found, problem.code, type],
        [status, code, 'application/problem+json'],
        JSON.stringify(problem),
      );
      assert.equal(problem.status, status);
      assert.ok((problem.detail ?? '') !== '' && (problem.hint ?? '') !== '', JSON.stringify(problem));
      if (says !== undefined) assert.match(JSON.stringify(problem), says);
      assert.equal(await storeDigest(lab), before);
    });
  }
}

/** Requests that end in the middle, and what is no request at all. */
async function asHalfARequest(lab: TestLab): Promise<void> {
  const path = await pathOn(lab.record, 'hv1', socket);
  for (const text of [
    'POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"xml":"<domain',
    'POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Le',
    'GET /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '\u0016\u0003\u0001\u0000\u0000',
    '',
  ]) {
    const stream = createConnection(path);
    let said = '';
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    stream.end(text);
    await once(stream, 'close');
    assert.doesNotMatch(said, /^HTTP\/1\.1 2/, text);
  }
  assert.ok(await answers(lab));
}

async function byThoseWhoMayNot(lab: TestLab): Promise<void> {
  const created = (
    await lab.pvc('hv1', ['token', 'create', 'looker', '--role', 'viewer', '--format', 'json'])
  ).json() as { result: { token: string } };
  const { token } = created.result;
  const before = await storeDigest(lab);
  const api = 'https://127.0.0.1:7370';
  const bearer = (text: string): string[] => ['-H', `Authorization: Bearer ${text}`];
  for (const [what, curl, path, status, code] of [
    ['no token', [], '/api/v1/vms', 401, 'TOKEN_NEEDED'],
    ['no token for the metrics', [], '/metrics', 401, 'TOKEN_NEEDED'],
    ['a token that is none', bearer('pvc_nothing_at_all'), '/api/v1/vms', 401, 'TOKEN_REFUSED'],
    ['a token with a wrong secret', bearer(`${token.slice(0, -4)}AAAA`), '/api/v1/vms', 401, 'TOKEN_REFUSED'],
    ['a password', ['-u', 'root:root'], '/api/v1/vms', 401, 'TOKEN_REFUSED'],
    ['a viewer who starts a guest', [...bearer(token), '-X', 'POST'], '/api/v1/vms/web2/start', 403, 'ROLE_TOO_LOW'],
    [
      'a viewer who makes a token',
      [...bearer(token), '-H', 'Content-Type: application/json', '-d', '{"name":"x","role":"admin"}'],
      '/api/v1/tokens',
      403,
      'ROLE_TOO_LOW',
    ],
    ['a viewer who opens a console', bearer(token), '/api/v1/vms/web1/console', 403, 'ROLE_TOO_LOW'],
  ] as const) {
    const found = await requested(lab, [...curl, `${api}${path}`]);
    assert.deepEqual([found.status, found.problem.code], [status, code], what);
    assert.notEqual(found.problem.hint ?? '', '', what);
  }
  assert.equal(
    (await requested(lab, [...bearer(token), `${api}/api/v1/vms`])).status,
    200,
    'what a viewer may do is done',
  );
  assert.equal(await storeDigest(lab), before);
}

async function inTheConfiguration(lab: TestLab): Promise<void> {
  for (const [what, text, says] of [
    ['YAML that is none', 'node: {name: hv1\napi: x\n', /^2:1 /],
    ['a tab', 'log:\n\tlevel: info\n', /^2:1 Tabs are not allowed/],
    ['a key twice', 'api: {port: 1}\napi: {port: 2}\n', /^2:1 Map keys must be unique$/],
    ['an unknown setting', 'node:\n  name: hv1\napi:\n  colour: red\n', /^4:3 api\.colour: no such setting/],
    ['a value out of range', 'api:\n  port: 99999\n', /^2:3 api\.port: /],
    ['a value of the wrong type', 'api:\n  https: perhaps\n', /^2:3 api\.https: /],
    [
      'an unknown setting of a plugin',
      'plugins:\n  libvirt:\n    sokket: 1\n',
      /^3:5 plugins\.libvirt\.sokket: no such setting/,
    ],
    ['a section of no plugin', 'plugins:\n  nobody: {}\n', /^2:3 plugins\.nobody: no plugin of that name/],
    ['no mapping', '- a\n', /^1:1 \(file\)/],
    ['no text', '\u0001\u0002', /^1:\d+ /],
  ] as const) {
    await lab.writeFile('hv1', '/root/bad.yaml', text);
    const problem = await refused(lab, ['config', 'check', '--config', '/root/bad.yaml'], 2, 'CONFIG_INVALID');
    assert.match(problem.details[0] ?? '', says, what);
    assert.equal(
      (await lab.pvc('hv1', ['config', 'check', '--config', '/root/bad.yaml'])).stderr.includes('warning'),
      false,
    );
  }
  // Somebody's mistake in the file does not keep the command line from a daemon that runs.
  const list = await lab.pvc('hv1', ['vm', 'list', '--config', '/root/bad.yaml']);
  assert.deepEqual([list.code, list.stderr.match(/warning: /g)?.length], [0, 1]);
}

/** What is wrong in a definition and can only be seen on the node. */
async function whenAGuestStarts(lab: TestLab): Promise<void> {
  for (const [name, args, says] of [
    ['nodisk', ['--disk', '/nowhere/disk.img'], /\/nowhere\/disk\.img.*No such file/s],
    ['nobridge', ['--nic', 'brnothing'], /brnothing/],
    ['nokernel', ['--kernel', '/nowhere/vmlinuz'], /\/nowhere\/vmlinuz.*No such file/s],
  ] as const) {
    (await lab.pvc('hv1', ['vm', 'create', name, '--memory', '128', ...args])).ok();
    const problem = await refused(lab, ['vm', 'start', name], 1, 'VM_START_FAILED');
    assert.match(problem.detail, says);
    assert.match(problem.hint, new RegExp(`pvc vm stop ${name}`));
    const [task] = (await lab.pvc('hv1', ['task', 'list', '--target', name, '--format', 'json'])).json() as {
      state: string;
      error: Problem;
    }[];
    assert.deepEqual([task?.state, task?.error.code], ['failed', 'VM_START_FAILED']);
    await lab.waitFor(`the condition of ${name}`, async () =>
      (await info(lab, name)).conditions?.some(({ message }) => says.test(message)),
    );
    assert.match((await lab.pvc('hv1', ['vm', 'info', name])).ok().stdout, says);
    await lab.waitFor(`the fault of ${name}`, async () =>
      (await faults(lab)).some(({ message }) => says.test(message)),
    );
    (await lab.pvc('hv1', ['vm', 'stop', name, '--yes'])).ok();
    await lab.waitFor('the fault to go', async () => !(await faults(lab)).some(({ message }) => says.test(message)));
    (await lab.pvc('hv1', ['vm', 'undefine', name, '--yes'])).ok();
  }
}

async function asCommands(lab: TestLab): Promise<void> {
  const command = '$(touch /tmp/pwned) `touch /tmp/pwned` "; touch /tmp/pwned; #';
  const markup = `</cmdline><x y='1'>&amp;`;
  (
    await lab.pvc('hv1', [
      'vm',
      'create',
      'inject',
      ...boot,
      '--cmdline',
      `console=ttyS0 quiet ${command} ${markup}`,
      '--description',
      '</description><devices/>',
    ])
  ).ok();
  const escaped = `${command} &lt;/cmdline&gt;&lt;x y='1'&gt;&amp;amp;</cmdline>`;
  assert.ok((await lab.pvc('hv1', ['vm', 'dump', 'inject'])).ok().stdout.includes(escaped));
  (await lab.pvc('hv1', ['vm', 'start', 'inject'])).ok();
  // libvirt escapes quotes as well.
  const live = (await lab.pvc('hv1', ['vm', 'live-xml', 'inject'])).ok().stdout;
  assert.ok(live.replaceAll('&apos;', "'").replaceAll('&quot;', '"').includes(escaped), live);
  (await lab.pvc('hv1', ['vm', 'stop', 'inject', '--yes'])).ok();
  await lab.writeFile('hv1', `/root/$(touch pwned).xml`, badFiles['malformed.xml'] ?? '');
  await refused(lab, ['vm', 'define', '/root/$(touch pwned).xml'], 2, 'VM_XML_MALFORMED');
  const found = await lab.exec('hv1', ['find', '/tmp', '/root', '-name', 'pwned']);
  assert.equal(found.stdout, '');
}

/** Somebody else has the API's port: the node works through its socket, and opens the port once it is free. */
async function aPortInUse(lab: TestLab): Promise<void> {
  await lab.daemon('hv1', 'stop');
  const occupant = spawn(
    'nsenter',
    [
      `--net=/run/netns/${namespaceName(lab.name, 'hv1')}`,
      process.execPath,
      '-e',
      "require('node:net').createServer().listen(7370, '0.0.0.0', () => console.log('listens'))",
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await once(occupant.stdout, 'data');
    await lab.daemon('hv1', 'start');
    await lab.waitFor('the daemon to answer', () => answers(lab));
    const fault = await lab.waitFor('a fault', async () =>
      (await faults(lab)).find(({ message }) => /HTTPS API is closed.*7370/.test(message)),
    );
    assert.ok(fault.hint.length > 10);
    (await lab.pvc('hv1', ['vm', 'pause', runningGuest.name])).ok();
    (await lab.pvc('hv1', ['vm', 'resume', runningGuest.name])).ok();
  } finally {
    const ended = once(occupant, 'exit');
    occupant.kill();
    await ended;
  }
  await lab.waitFor(
    'the port to be opened',
    async () => (await requested(lab, ['https://127.0.0.1:7370/api/v1/vms'])).status === 401,
  );
  await lab.waitFor('the fault to go', async () => (await faults(lab)).length === 0);
}

async function withoutADaemon(lab: TestLab): Promise<void> {
  const token = (
    await lab.pvc('hv1', ['token', 'create', 'old', '--role', 'admin', '--expires', '1d', '--format', 'json'])
  ).json() as { result: { token: string } };
  await lab.daemon('hv1', 'stop');
  await refused(lab, ['vm', 'list'], 7, 'NOT_CONNECTED');
  const before = [
    await storeDigest(lab),
    (
      await lab.exec('hv1', [
        'sh',
        '-c',
        'cd /var/lib/pvc && find . -name "*.pem" -o -name "*.key" -o -name "*.crt" | sort | xargs -r sha256sum',
      ])
    ).stdout,
  ];
  assert.match(
    (await refused(lab, ['cluster', 'init', '--name', 'again'], 4, 'CLUSTER_EXISTS')).hint,
    /move that file away/,
  );
  assert.deepEqual(
    [
      await storeDigest(lab),
      (
        await lab.exec('hv1', [
          'sh',
          '-c',
          'cd /var/lib/pvc && find . -name "*.pem" -o -name "*.key" -o -name "*.crt" | sort | xargs -r sha256sum',
        ])
      ).stdout,
    ],
    before,
  );

  await lab.writeFile('hv1', '/root/bad.yaml', 'api:\n  colour: red\n');
  assert.deepEqual((await refused(lab, ['daemon', '--config', '/root/bad.yaml'], 2, 'CONFIG_INVALID')).details, [
    '2:3 api.colour: no such setting',
  ]);

  // A day later.
  await editStore(lab, (database) => {
    const changed = database
      .prepare(
        `UPDATE entry SET value = json_set(value, '$.d.expiresMs', 1) WHERE key LIKE '/token/%/spec' AND value LIKE '%"old"%'`,
      )
      .run();
    assert.equal(changed.changes, 1);
  });
  await lab.daemon('hv1', 'start');
  await lab.waitFor('the daemon to answer', () => answers(lab));
  const bearer = ['-H', `Authorization: Bearer ${token.result.token}`];
  const found = await lab.waitFor('the API to answer', async () => {
    const got = await requested(lab, [...bearer, 'https://127.0.0.1:7370/api/v1/vms']);
    return got.status !== 0 && got;
  });
  assert.deepEqual([found.status, found.problem.code], [401, 'TOKEN_REFUSED']);
}

/** The daemon refuses what it cannot read, leaves it as it is, and works again once it is restored. */
async function aDamagedStore(lab: TestLab): Promise<void> {
  await lab.daemon('hv1', 'stop');
  const sh = (script: string): Promise<{ stdout: string }> => lab.exec('hv1', ['sh', '-c', script]);
  await sh('rm -rf /root/kept; cp -a /var/lib/pvc /root/kept');
  for (const [what, damage, exit, code] of [
    ['text instead of a store', `rm -f ${storePath}*; seq 5000 > ${storePath}`, 1, 'STORE_CORRUPT'],
    [
      'pages overwritten',
      `dd if=/dev/urandom of=${storePath} bs=4096 seek=1 count=8 conv=notrunc 2>/dev/null`,
      1,
      'STORE_CORRUPT',
    ],
    ['an empty file', `rm -f ${storePath}*; : > ${storePath}`, 4, 'CLUSTER_NOT_INITIALISED'],
  ] as const) {
    await sh(damage);
    const sum = (await sh(`sha256sum < ${storePath}`)).stdout;
    const problem = await refused(lab, ['daemon'], exit, code);
    assert.match(problem.detail, /store\.sqlite/, what);
    if (code === 'STORE_CORRUPT') {
      await refused(lab, ['cluster', 'init'], exit, code);
      await refused(lab, ['vm', 'list', '--store', `sqlite:${storePath}`], exit, code);
      assert.equal((await sh(`sha256sum < ${storePath}`)).stdout, sum, `${what}: the file was changed`);
    }
    await sh(`rm -f ${storePath}*; cp -a /root/kept/store.sqlite* /var/lib/pvc/`);
  }
  await refused(lab, ['vm', 'list', '--store', 'sqlite:/nowhere/store.sqlite'], 2, 'USAGE');
  await lab.daemon('hv1', 'start');
  await lab.waitFor('the daemon to answer', () => answers(lab));
  assert.equal((await info(lab, runningGuest.name)).state, 'running');
}

async function aFullDisk(lab: TestLab): Promise<void> {
  const sh = (script: string): Promise<{ stdout: string }> => lab.exec('hv1', ['sh', '-c', script]);
  await lab.daemon('hv1', 'stop');
  await sh(
    'cp -a /var/lib/pvc /root/whole && mount -t tmpfs -o size=24m tmpfs /var/lib/pvc && cp -a /root/whole/. /var/lib/pvc/',
  );
  await lab.daemon('hv1', 'start');
  await lab.waitFor('the daemon to answer', () => answers(lab));
  await sh('dd if=/dev/zero of=/var/lib/pvc/fill bs=4k 2>/dev/null; true');
  // The log of the store has room for some more; then there is none.
  const text = 'x'.repeat(4000);
  let refusal: Problem | undefined;
  let made = 0;
  for (; refusal === undefined && made < 200; made += 1) {
    const answer = await lab.pvc('hv1', [
      'vm',
      'create',
      `full${made}`,
      '--memory',
      '64',
      '--description',
      text,
      '--format',
      'json',
    ]);
    if (answer.code !== 0) {
      refusal = JSON.parse(answer.stderr.trim().split('\n').at(-1) ?? '') as Problem;
      assert.equal(answer.code, 1);
      break;
    }
  }
  assert.equal(refusal?.code, 'STORE_FULL', `after ${made} guests`);
  assert.match(refusal?.hint ?? '', /nothing was changed/);
  assert.equal((await lab.pvc('hv1', ['vm', 'info', `full${made}`])).code, 3, 'what was refused is not there');
  assert.equal((await info(lab, runningGuest.name)).state, 'running');
  await sh('rm /var/lib/pvc/fill');
  await lab.waitFor(
    'room again',
    async () => (await lab.pvc('hv1', ['vm', 'create', `full${made}`, '--memory', '64'])).code === 0,
  );
  await lab.daemon('hv1', 'stop');
  await sh('umount /var/lib/pvc');
  await lab.daemon('hv1', 'start');
  await lab.waitFor('the daemon to answer', () => answers(lab));
}
