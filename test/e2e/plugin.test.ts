/**
 * A third-party plugin of one file, outside of the repository, in the packed program: everything that it
 * can add; and plugins that are wrong in every way, beside which the node works on.
 * @module
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { daemonProcess } from '../lab/daemon.ts';
import { repository } from '../lab/repository.ts';
import { type BrokenPlugin, hanging, misbehaving, neverLoaded, pluginFile } from './broken-plugins.ts';
import { type TestLab, withLab } from './test-lab.ts';

const directory = '/etc/pvc/plugins.d';
const example = (name: string): Promise<string> => readFile(join(repository, 'docs/examples', name), 'utf8');

interface PluginDetail {
  readonly state: string;
  readonly path: string;
  readonly hooks: string[];
  readonly operations: string[];
  readonly kinds: string[];
  readonly problems: { readonly where: string; readonly message: string }[];
}
interface Fault {
  readonly object: string;
  readonly message: string;
  readonly hint: string;
  readonly severity: string;
}

async function json<T>(lab: TestLab, ...args: readonly string[]): Promise<T> {
  return (await lab.pvc('hv1', [...args, '--format', 'json'])).json() as T;
}

/** Puts plugins onto the node, lists them in its configuration and starts its daemon anew. */
async function install(lab: TestLab, files: Readonly<Record<string, string>>, settings = ''): Promise<void> {
  await lab.exec('hv1', ['rm', '-rf', directory]);
  for (const [name, text] of Object.entries(files)) await lab.writeFile('hv1', `${directory}/${name}`, text);
  const kept = (await lab.readFile('hv1', '/etc/pvc/pvc.yaml')).replace(/\n {2}load: .*\n(?: {2}hello: .*\n)?/, '\n');
  const load = Object.keys(files).map((name) => `{ path: ${directory}/${name} }`);
  await lab.writeFile(
    'hv1',
    '/etc/pvc/pvc.yaml',
    kept.replace(/^plugins:\n/m, `plugins:\n  load: [${load.join(', ')}]\n${settings}`),
  );
  await lab.daemon('hv1', 'restart');
  await lab.waitFor('the daemon to answer', async () => (await lab.pvc('hv1', ['cluster', 'status'])).code === 0);
}

/** A small guest that boots from its kernel: nothing on disk to prepare. */
async function defineGuest(lab: TestLab, name: string): Promise<void> {
  const boot = [
    '--kernel',
    '/var/lib/pvc-guest/vmlinuz',
    '--initrd',
    '/var/lib/pvc-guest/initrd',
    '--cmdline',
    'console=ttyS0',
  ];
  (await lab.pvc('hv1', ['vm', 'create', name, '--memory', '160', '--vcpus', '1', ...boot])).ok();
}

async function startAndStop(lab: TestLab, name: string): Promise<void> {
  (await lab.pvc('hv1', ['vm', 'start', name], { timeoutMs: 90_000 })).ok();
  assert.equal((await json<{ state: string }>(lab, 'vm', 'info', name)).state, 'running');
  (await lab.pvc('hv1', ['vm', 'stop', name, '--yes'], { timeoutMs: 90_000 })).ok();
  await lab.waitFor(
    'the guest to be stopped',
    async () => (await json<{ state: string }>(lab, 'vm', 'info', name)).state === 'stopped',
  );
}

// Each has a lab of its own, so they need not wait for each other.
describe('a third-party plugin', { concurrency: 2 }, () => {
  it('of one file adds kind, operations, commands, completion, task, check, metric, setting and a part of the domain', async (t) => {
    await withLab({}, async (lab) => {
      await defineGuest(lab, 'web1');

      await t.test('in CommonJS', async () => {
        await install(
          lab,
          { 'hello.cjs': await example('hello-plugin.cjs') },
          '  hello: { limit: 1, mark: a mark of the test }\n',
        );
        (await lab.pvc('hv1', ['config', 'check'])).ok();
        const shown = await json<PluginDetail>(lab, 'plugin', 'show', 'hello');
        assert.deepEqual(
          [shown.state, shown.path, shown.kinds, shown.problems],
          ['loaded', `${directory}/hello.cjs`, ['greeting'], []],
        );
        assert.ok(shown.operations.includes('greeting.say') && shown.hooks.includes('libvirt.domain'));

        // A plan of its mutation writes nothing.
        (await lab.pvc('hv1', ['greeting', 'add', 'morning', '--text', 'Good morning', '--plan'])).ok();
        assert.deepEqual(await json(lab, 'greeting', 'list'), []);
        (await lab.pvc('hv1', ['greeting', 'add', 'morning', '--text', 'Good morning'])).ok();
        assert.deepEqual(await json(lab, 'greeting', 'list'), [{ name: 'morning', text: 'Good morning' }]);
        assert.match((await lab.pvc('hv1', ['greeting', 'list'])).ok().stdout, /NAME +TEXT\nmorning +Good morning/);
        const again = await lab.pvc('hv1', ['greeting', 'add', 'morning']);
        assert.deepEqual([again.code, /OBJECT_EXISTS/.test(again.stderr)], [5, true]);
        const wrong = await lab.pvc('hv1', ['greeting', 'add', 'a/b']);
        assert.deepEqual([wrong.code, /a name is 1 to 63/.test(wrong.stderr)], [2, true]);
        assert.match(
          (await lab.pvc('hv1', ['greeting', 'add', '--help'])).ok().stdout,
          /Name of the greeting[\s\S]*--text/,
        );

        // Names are left out where the cluster does not answer at once, as on a busy machine.
        await lab.waitFor(
          'its name to be completed',
          async () =>
            (await lab.pvc('hv1', ['__complete', '--', 'greeting', 'say', 'mo'])).ok().stdout.split('\t')[0] ===
            'morning',
        );
        assert.match((await lab.pvc('hv1', ['__complete', '--', 'gree'])).ok().stdout, /^greeting\t/);
        assert.match(
          (await lab.pvc('hv1', ['__complete', '--', 'greeting', 'say', 'morning', '--t'])).ok().stdout,
          /^--times\t/m,
        );

        (await lab.pvc('hv1', ['greeting', 'say', 'morning', '--times', '3'])).ok();
        const [task] = await json<{ action: string; state: string; result: unknown }[]>(lab, 'task', 'list');
        assert.deepEqual([task?.action, task?.state], ['greeting.say', 'succeeded']);

        // Over HTTPS like every other operation, with its description.
        const [token, port] = [await lab.token(), '7370'];
        const curl = async (path: string): Promise<string> =>
          (
            await lab.exec('hv1', [
              'curl',
              '-sk',
              '-H',
              `Authorization: Bearer ${token}`,
              `https://127.0.0.1:${port}${path}`,
            ])
          ).stdout;
        assert.deepEqual(JSON.parse(await curl('/api/v1/greetings')), [{ name: 'morning', text: 'Good morning' }]);
        assert.match(
          await curl('/api/v1/openapi.json'),
          /"\/api\/v1\/greetings\/\{greeting\}\/say"|"\/greetings\/\{greeting\}\/say"/,
        );
        assert.match(await curl('/metrics'), /^pvc_hello_greetings\{node="hv1"\} 1$/m);

        (await lab.pvc('hv1', ['greeting', 'add', 'evening'])).ok();
        await lab.waitFor('its check to become a fault', async () =>
          (await json<Fault[]>(lab, 'fault', 'list')).some(({ message }) => message === '2 greetings are more than 1.'),
        );
        assert.match(
          (await lab.pvc('hv1', ['cluster', 'status'])).ok().stdout,
          /Greetings: +2[\s\S]*2 greetings are more than 1\./,
        );
        (await lab.pvc('hv1', ['greeting', 'remove', 'evening', '--yes'])).ok();
        await lab.waitFor('the fault to go', async () => (await json<Fault[]>(lab, 'fault', 'list')).length === 0);

        (await lab.pvc('hv1', ['vm', 'start', 'web1'])).ok();
        const live = (await lab.pvc('hv1', ['vm', 'live-xml', 'web1'])).ok().stdout;
        assert.match(live, /<smbios mode='sysinfo'\/>/);
        assert.match(live, /<entry>a mark of the test: web1<\/entry>/);
        assert.deepEqual((await json<{ restartNeeded?: string[] }>(lab, 'vm', 'info', 'web1')).restartNeeded ?? [], []);
      });

      for (const [format, name, text] of [
        ['TypeScript', 'hello.ts', await example('hello-plugin.ts')],
        [
          'an ECMAScript module',
          'hello.mjs',
          (await example('hello-plugin.cjs'))
            .replace("'use strict';", '')
            .replace('module.exports =', 'export default'),
        ],
      ] as const) {
        await t.test(`in ${format}, with what was stored before`, async () => {
          await install(lab, { [name]: text });
          const shown = await json<PluginDetail>(lab, 'plugin', 'show', 'hello');
          assert.deepEqual([shown.state, shown.path, shown.problems], ['loaded', `${directory}/${name}`, []]);
          assert.deepEqual(await json(lab, 'greeting', 'list'), [{ name: 'morning', text: 'Good morning' }]);
          assert.deepEqual(await json(lab, 'fault', 'list'), []);
        });
      }

      await t.test('that is taken away leaves the node and its guests as they are', async () => {
        await install(lab, {});
        assert.equal((await lab.pvc('hv1', ['greeting', 'list'])).code, 2);
        assert.equal((await json<{ state: string }>(lab, 'vm', 'info', 'web1')).state, 'running');
        assert.equal((await lab.pvc('hv1', ['plugin', 'show', 'hello'])).code, 3);
      });
    });
  });

  it('that is wrong is shown as a fault, and the node works on', async (t) => {
    await withLab({}, async (lab) => {
      await defineGuest(lab, 'web1');
      const files = (plugins: readonly BrokenPlugin[]): Record<string, string> =>
        Object.fromEntries(plugins.map(({ name, text }) => [`${name}.cjs`, text]));
      const faults = (): Promise<Fault[]> => json<Fault[]>(lab, 'fault', 'list');

      /** The plugin's state, its trouble and its fault, in every place where an administrator looks. */
      const isShown = async ({ name, state, trouble }: BrokenPlugin): Promise<void> => {
        const shown = await lab.waitFor(`the trouble of ${name}`, async () => {
          const detail = await json<PluginDetail>(lab, 'plugin', 'show', name);
          return detail.problems.some(({ message }) => trouble.test(message)) && detail;
        });
        assert.equal(shown.state, state, name);
        assert.match((await lab.pvc('hv1', ['plugin', 'list'])).ok().stdout, new RegExp(`^${name} .* ${state} `, 'm'));
        const fault = await lab.waitFor(`the fault of ${name}`, async () =>
          (await faults()).find(({ object, message }) => object === `plugin ${name}` && trouble.test(message)),
        );
        assert.match(fault.hint, new RegExp(`pvc plugin show ${name}`));
        assert.match(
          (await lab.pvc('hv1', ['cluster', 'status'])).ok().stdout,
          new RegExp(`The plugin ${name} has failed`),
        );
      };

      await t.test('before and while it is loaded', async () => {
        await install(
          lab,
          {
            ...files(neverLoaded),
            'no-manifest.cjs': 'module.exports = { name: "no-manifest", apply() {} };\n',
            'writable.cjs': pluginFile('writable', ''),
            'hello.cjs': await example('hello-plugin.cjs'),
            // A setting of a plugin that failed must not keep the daemon from starting.
          },
          '  hello: { limit: 3 }\n',
        );
        for (const plugin of neverLoaded) await isShown(plugin);
        await isShown({ name: 'no-manifest.cjs', text: '', state: 'failed', trouble: /no "@pvc-plugin/ });
        assert.equal((await lab.pvc('hv1', ['half', 'list'])).code, 2, 'half a plugin contributes nothing');
        assert.equal(
          (await json<PluginDetail>(lab, 'plugin', 'show', 'hello')).state,
          'loaded',
          'the others are there',
        );
        const problems = (await lab.pvc('hv1', ['config', 'check'])).ok().stderr;
        for (const { name } of neverLoaded) assert.match(problems, new RegExp(`warning: plugin ${name}`));

        await lab.exec('hv1', ['chmod', '666', `${directory}/writable.cjs`]);
        await lab.exec('hv1', ['chown', 'nobody', `${directory}/hello.cjs`]);
        await lab.daemon('hv1', 'restart');
        await lab.waitFor('the daemon to answer', async () => (await lab.pvc('hv1', ['cluster', 'status'])).code === 0);
        await isShown({ name: 'writable.cjs', text: '', state: 'failed', trouble: /can be written by others/ });
        await isShown({ name: 'hello.cjs', text: '', state: 'failed', trouble: /does not belong to root/ });
        await startAndStop(lab, 'web1');
      });

      await t.test('in what it gives and does', async () => {
        await install(lab, files(misbehaving));
        const pid = await daemonProcess(lab.record, 'hv1');
        for (const plugin of misbehaving) await isShown(plugin);
        const stolen = (await json<PluginDetail>(lab, 'plugin', 'show', 'thief')).problems
          .map(({ message }) => message)
          .join('\n');
        for (const what of [
          /operation vm\.list is already declared by libvirt|route GET \/vms belongs to vm\.list|command "vm list" belongs to vm\.list/,
          /already a kind node/,
          /task vm\.start, which libvirt has already/,
        ])
          assert.match(stolen, what);
        assert.match((await lab.pvc('hv1', ['vm', 'list'])).ok().stdout, /web1/);
        assert.match((await lab.pvc('hv1', ['thief', 'own'])).ok().stdout, /from thief\.own/);
        assert.equal((await lab.pvc('hv1', ['thief', 'route'])).code, 2);
        (await lab.pvc('hv1', ['node', 'info', 'hv1'])).ok();
        await startAndStop(lab, 'web1');
        assert.equal(await daemonProcess(lab.record, 'hv1'), pid, 'the daemon has not ended');
      });

      await t.test('in never returning', async () => {
        await install(lab, files([hanging]));
        await isShown(hanging);
        await startAndStop(lab, 'web1');
        (await lab.pvc('hv1', ['vm', 'meta', 'web1', '--priority', '600'])).ok();
        assert.match(
          (await lab.exec('hv1', ['curl', '-s', '--unix-socket', '/run/pvc/pvc.sock', 'http://localhost/metrics']))
            .stdout,
          /^pvc_metrics_unreadable\{node="hv1"\} 1$/m,
        );
      });

      await t.test('and put right is no fault any more', async () => {
        await install(lab, { 'hello.cjs': await example('hello-plugin.cjs') });
        await lab.waitFor('no fault to be left', async () => (await faults()).length === 0, { timeoutMs: 60_000 });
      });
    });
  });
});
