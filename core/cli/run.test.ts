import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineErrors, PvcError } from '../error/error.ts';
import { defineMutation } from '../operation/operation.ts';
import { defineLocalCommand } from './local-command.ts';
import { runFake } from './testing/run-fake.ts';
import { sampleRegistry } from './testing/sample-registry.ts';

const testError = defineErrors({
  TEST_REFUSED: {
    message: 'The guest {vm} is protected.',
    hint: 'Take the protection off first.',
    http: 409,
    exit: 'refused',
  },
});

const guests = [
  { name: 'web1', state: 'running', node: 'hv1', memoryMiB: 2048, vcpus: 2, description: '' },
  { name: 'db1', state: 'stopped', memoryMiB: 512, vcpus: 1, description: 'a \u001b]0;x\u0007bad one' },
];
const mutation = { result: null, actions: [], warnings: [], tasks: [], request: 'r1' };

describe('queries', () => {
  it('print a table, and the whole of it on a pipe', async () => {
    const { out, code } = await runFake('vm list', { answers: { 'vm.list': guests } });
    assert.equal(code, 0);
    assert.equal(
      out,
      [
        'NAME  STATE    NODE   MEMORY  VCPUS  DESCRIPTION',
        'web1  running  hv1     2 GiB      2  -',
        'db1   stopped  -     512 MiB      1  a \\x1b]0;x\\x07bad one',
        '',
      ].join('\n'),
    );
  });

  it('print the exact answer as JSON and YAML, and names', async () => {
    const answers = { 'vm.list': guests };
    assert.deepEqual(JSON.parse((await runFake('vm list -f json', { answers })).out), guests);
    assert.equal((await runFake('vm list -f name', { answers })).out, 'web1\ndb1\n');
    assert.match((await runFake('vm list --format=yaml', { answers })).out, /^- name: web1\n {2}state: running\n/);
    assert.equal((await runFake('vm list', { answers, environment: { PVC_FORMAT: 'name' } })).out, 'web1\ndb1\n');
    const nameless = await runFake('vm info x -f name', { answers: { 'vm.info': { a: 1 } } });
    assert.equal(nameless.code, 2);
    assert.match(nameless.err, /has no names/);
  });

  it('send what was typed, not what the schema makes of it', async () => {
    const { client } = await runFake('vm list --node hv1', { answers: { 'vm.list': [] } });
    assert.deepEqual(client.calls, [{ operation: 'vm.list', input: { node: 'hv1' }, plan: false }]);
    assert.equal(client.closed, true);
  });

  it('say so when there is nothing', async () => {
    assert.equal((await runFake('vm list', { answers: { 'vm.list': [] } })).out, '(none)\n');
  });
});

describe('mutations', () => {
  it('print what is done, warnings and the answer', async () => {
    const answers = {
      'vm.create': {
        ...mutation,
        result: { name: 'w', uuid: 'u-1' },
        actions: ['create w'],
        warnings: ['no KVM here'],
      },
    };
    const { out, err, code, client } = await runFake('vm create w', { answers });
    assert.equal(code, 0);
    assert.equal(out, 'create w\nName:  w\nUUID:  u-1\n');
    assert.equal(err, 'warning: no KVM here\n');
    assert.deepEqual(client.calls[0]?.input, { name: 'w' });
    const quiet = await runFake('vm create w -q', { answers });
    assert.equal(quiet.out, 'Name:  w\nUUID:  u-1\n');
    assert.equal(quiet.err, '');
    assert.equal((await runFake('vm create w -f name', { answers })).out, 'w\n');
    assert.deepEqual(JSON.parse((await runFake('vm create w -f json', { answers })).out), answers['vm.create']);
  });

  it('say that they are done when there is nothing else to say', async () => {
    assert.equal(
      (await runFake('vm nic add w --source type=user', { answers: { 'vm.nic.add': mutation } })).out,
      'Done.\n',
    );
  });

  it('are refused before anything is sent when the input is wrong', async () => {
    const { code, err, client, connections } = await runFake('vm create w --vcpus 1000 --memory 1');
    assert.equal(code, 2);
    assert.match(
      err,
      /2 values are missing or wrong\.\n {2}- --vcpus: must be at most 512\n {2}- --memory: must be at least 16\nhint: See `pvc vm create --help`/,
    );
    assert.deepEqual(client.calls, []);
    assert.deepEqual(connections, []);
  });

  it('ask first where that is declared', async () => {
    const answers = { 'vm.undefine': { ...mutation, result: { name: 'w' } } };
    const script = await runFake('vm undefine w', { answers });
    assert.equal(script.code, 2);
    assert.match(script.err, /^error: Delete the definition of w\?\nhint: .*`--yes`/);
    assert.deepEqual(script.client.calls, []);
    assert.equal((await runFake('vm undefine w --yes', { answers })).code, 0);
    const no = await runFake('vm undefine w', { answers, columns: 80, typed: ['n'] });
    assert.equal(no.code, 9);
    assert.deepEqual(no.client.calls, []);
    assert.deepEqual(no.terminal.questions, ['Delete the definition of w? [y/N] ']);
    assert.equal((await runFake('vm undefine w', { answers, columns: 80, typed: ['what', 'Yes'] })).code, 0);
    assert.equal((await runFake('vm undefine w', { answers, columns: 80, typed: [undefined] })).code, 9);
    assert.equal(
      (
        await runFake('vm undefine w --plan', {
          answers: {
            'vm.undefine:plan': {
              operation: 'vm.undefine',
              writes: [],
              actions: [],
              warnings: [],
              tasks: [],
              result: null,
            },
          },
        })
      ).code,
      0,
    );
  });
});

describe('commands with a hand of their own', () => {
  it('edit, and go on as the command would', async () => {
    const answers = { 'vm.modify': { ...mutation, actions: ['change w'] } };
    const edited = await runFake('vm modify w', { answers, columns: 80, edit: (text, suffix) => `${text}${suffix}` });
    assert.deepEqual(edited.client.calls[0]?.input, { vm: 'w', definition: '<domain/>\n.xml' });
    assert.equal(edited.code, 0);
    const same = await runFake('vm modify w --no-colour', { answers, columns: 80, edit: (text) => text });
    assert.equal(same.code, 9);
    assert.match(same.err, /The text was saved as it was\.\nhint: Nothing was changed\./);
    assert.match(
      (await runFake('vm modify w', { answers })).err,
      /An editor needs a terminal\.\nhint: Give the new text as a file\./,
    );
    const fromFile = await runFake('vm modify w -', { answers, input: '<domain/>' });
    assert.deepEqual(fromFile.client.calls, [
      { operation: 'vm.modify', input: { vm: 'w', definition: '<domain/>' }, plan: false },
    ]);
  });

  it('may follow a feed of another operation', async () => {
    const { out, code } = await runFake('vm log w -f', { feeds: { 'vm.log.follow': ['one\n', 'two\u001b[2J'] } });
    assert.equal(out, 'one\ntwo\n');
    assert.equal(code, 0);
    assert.equal(
      (await runFake('vm log w -f --format json', { feeds: { 'vm.log.follow': ['one', { a: 1 }] } })).out,
      '"one"\n{"a":1}\n',
    );
  });

  it('end a feed with Ctrl-C', async () => {
    const { code, out } = await runFake('vm log w -f', {
      feeds: { 'vm.log.follow': ['one', 'STOP'] },
      begin: (terminal) => setTimeout(() => terminal.interrupt(), 20),
    });
    assert.equal(out, 'one\n');
    assert.equal(code, 0);
  });
});

describe('errors', () => {
  it('have a hint, a code and the exit code of the catalogue', async () => {
    const answers = {
      'vm.start': testError(
        'TEST_REFUSED',
        { vm: 'w' },
        { details: ['its tag db is protected'], cause: new Error('deep') },
      ),
    };
    const { code, out, err } = await runFake('vm start w', { answers });
    assert.equal(code, 4);
    assert.equal(out, '');
    assert.equal(
      err,
      'error: The guest w is protected.\n  - its tag db is protected\nhint: Take the protection off first.\ncode: TEST_REFUSED\n',
    );
    const json = await runFake('vm start w --format json', { answers });
    assert.deepEqual(JSON.parse(json.err), {
      type: 'urn:pvc:error:TEST_REFUSED',
      title: 'Conflict',
      status: 409,
      detail: 'The guest w is protected.',
      code: 'TEST_REFUSED',
      hint: 'Take the protection off first.',
      exit: 'refused',
      details: ['its tag db is protected'],
    });
    assert.equal(json.code, 4);
    const debug = await runFake('vm start w --debug', { answers });
    assert.match(debug.err, /caused by: deep\n {2}at /);
  });

  it('of the line are JSON too when that is asked for', async () => {
    for (const line of ['vm sart -f json', '--format=json vm sart', '-fjson vm sart'])
      assert.equal(JSON.parse((await runFake(line)).err).code, 'USAGE', line);
    assert.equal(JSON.parse((await runFake('vm sart', { environment: { PVC_FORMAT: 'json' } })).err).status, 400);
  });

  it('that are faults of the program say so', async () => {
    const { code, err } = await runFake('vm start w', { answers: { 'vm.start': new TypeError('x is undefined') } });
    assert.equal(code, 1);
    assert.match(err, /^error: x is undefined\nhint: This is a fault in PVC/);
  });

  it('of another copy of the class are known all the same', async () => {
    const copy = Object.assign(new Error('gone'), {
      name: 'PvcError',
      code: 'X',
      hint: 'h',
      http: 404,
      exit: 'notFound',
      details: [],
    });
    assert.ok(!(copy instanceof PvcError));
    assert.equal((await runFake('vm start w', { answers: { 'vm.start': copy } })).code, 3);
  });

  it('cannot steer the terminal', async () => {
    const { err } = await runFake('vm start w', {
      answers: { 'vm.start': new Error('bad \u001b]0;title\u0007 name') },
    });
    assert.match(err, /^error: bad \\x1b\]0;title\\x07 name/);
  });

  it('of the environment name the variable', async () => {
    const { code, err } = await runFake('vm list', { environment: { PVC_FORMAT: 'xml' } });
    assert.equal(code, 2);
    assert.match(err, /The variable PVC_FORMAT is "xml", which is none of pretty, json, yaml, name\./);
    assert.match(
      (await runFake('vm list --socket /a --url https://b')).err,
      /--socket and --url contradict each other/,
    );
  });
});

describe('Ctrl-C', () => {
  it('while a call is on its way ends with 130', async () => {
    const answers = {
      'vm.list': (_input: unknown, signal: AbortSignal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    };
    const { code, err } = await runFake('vm list', {
      answers,
      begin: (terminal) => setTimeout(() => terminal.interrupt(), 10),
    });
    assert.equal(code, 130);
    assert.match(err, /^error: Interrupted\.\nhint: What had been sent already may have been done/);
  });
});

describe('local commands', () => {
  it('are parsed, helped and run as operations are', async () => {
    const check = defineLocalCommand({
      command: 'config check',
      summary: 'Check the configuration',
      input: z.object({
        path: z.string().default('/etc/pvc/pvc.yaml').describe('File'),
        strict: z.boolean().default(false).describe('Warnings are errors'),
      }),
      arguments: [{ field: 'path' }],
      confirm: 'Check {path}?',
      run: async ({ input, print, globals }) => {
        await print({ ...input, debug: globals.debug });
        return input.strict ? 5 : 0;
      },
    });
    const parts = { commands: () => [check] };
    const { code, out } = await runFake('config check /x --strict -y -f json', { parts });
    assert.equal(code, 5);
    assert.deepEqual(JSON.parse(out), { path: '/x', strict: true });
    assert.match(
      (await runFake('config check --help', { parts })).out,
      /PATH {2}File \(default \/etc\/pvc\/pvc\.yaml\)/,
    );
    assert.match((await runFake('config check -y', { parts })).out, /^Path: {4}\/etc\/pvc\/pvc\.yaml\nStrict: {2}no\n/);
  });

  it('cannot be taken away by a plugin, which is told', async () => {
    const thief = defineMutation({
      name: 'thief.help',
      summary: 'Takes a command',
      http: { method: 'POST', path: '/thief' },
      role: 'admin',
      input: z.object({}),
      output: z.null(),
      cli: { command: 'connection list' },
      plan: async () => null,
    });
    const { out, err, code } = await runFake('connection list', {
      environment: { HOME: '/root' },
      parts: { registry: () => sampleRegistry([thief]) },
    });
    assert.equal(code, 0);
    assert.match(out, /^No connections/);
    assert.match(err, /^warning: the command "connection list" is there twice \(plugin libvirt\)\n/);
  });
});
