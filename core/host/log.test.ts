import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { build } from 'esbuild';
import { hostError } from './errors.ts';
import { createLogger, type Logger, type LoggerOptions } from './log.ts';
import { VirtualClock } from './virtual-clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'pvc-log-'));
after(() => rmSync(directory, { recursive: true }));

/** A moment that prints as 12:03:04.123 wherever the test runs. */
const clock = new VirtualClock({ wallMs: new Date(2026, 10, 23, 12, 3, 4, 123).getTime() });

function capture(options: Partial<LoggerOptions> = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLogger(clock, { destination: (line) => lines.push(line), ...options }) };
}

describe('logger', () => {
  it('writes one line of JSON with our clock, the level, the component and the fields', () => {
    const { log, lines } = capture();
    log.child('libvirt', { node: 'hv1' }).info('guest started', { vm: 'web1', took: 1.5 });
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        {
          level: 'info',
          time: new Date(clock.wallMs()).toISOString(),
          component: 'libvirt',
          node: 'hv1',
          vm: 'web1',
          took: 1.5,
          msg: 'guest started',
        },
      ],
    );
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = capture({ level: 'warn' });
    const child = log.child('x');
    child.debug('no');
    child.info('no');
    child.warn('yes');
    child.error('yes');
    assert.equal(lines.length, 2);
  });

  it('is readable for people when pretty', () => {
    const { log, lines } = capture({ pretty: true, level: 'debug' });
    log.child('libvirt').info('guest web1 started', { vm: 'web1', took: '1.2 s', size: 3, tags: ['a'] });
    log.error('no component', { error: hostError('DISK_FULL', { path: '/x' }) });
    assert.deepEqual(lines, [
      '12:03:04.123 info  libvirt  guest web1 started  vm=web1 took="1.2 s" size=3 tags=["a"]',
      '12:03:04.123 error          no component  error="No space left for /x."',
    ]);
  });

  it('cannot be made to write a second line', () => {
    for (const options of [{ pretty: true }, { pretty: false }]) {
      const { log, lines } = capture(options);
      log.info('one\n<0>two\r\u001b[31m', { 'a\nb': 'c\nd\u2028e', list: ['\n'] });
      assert.equal(lines.length, 1);
      // A line separator is an ordinary character in JSON, but it could break a line on a terminal.
      assert.doesNotMatch(lines[0] as string, options.pretty ? /[\n\r\u001b\u2028]/ : /[\n\r\u001b]/);
    }
  });

  it('hides what is named like a secret, at any depth, also in a child', () => {
    const { log, lines } = capture();
    const secret = 'hunter2';
    log.child('x', { token: secret }).info('y', {
      password: secret,
      bmcPassword: secret,
      authToken: secret,
      client_secret: secret,
      key: secret,
      privateKey: secret,
      apiKey: secret,
      nested: { list: [{ Password: secret }], map: new Map([['token', secret]]) },
      monkey: 'shown1',
      keys: 'shown2',
      storeKey: 'shown3',
      passwordLength: 'shown4',
    });
    assert.doesNotMatch(lines[0] as string, /hunter2/);
    for (const n of [1, 2, 3, 4]) assert.match(lines[0] as string, new RegExp(`shown${n}`));
  });

  it('takes errors, cycles, bytes, big numbers and fields that it uses itself', () => {
    const { log, lines } = capture();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const error = new Error('outer', { cause: new Error('inner') });
    log.warn('all', {
      error,
      cycle,
      bytes: new Uint8Array(3),
      big: 10n ** 20n,
      none: undefined,
      msg: 'm',
      level: 'l',
      time: 1,
    });
    const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
    const shown = line['error'] as { message: string; stack: string };
    assert.equal(shown.message, 'outer: inner');
    assert.match(shown.stack, /log\.test/);
    assert.equal(line['bytes'], '3 bytes');
    assert.equal(line['big'], '100000000000000000000');
    assert.deepEqual(
      [line['msg'], line['level'], line['msg_'], line['level_'], line['time_']],
      ['all', 'warn', 'm', 'l', 1],
    );
  });

  it('appends to a file that only its owner reads', () => {
    const file = join(directory, 'daemon.log');
    createLogger(clock, { destination: { file } }).info('one');
    createLogger(clock, { destination: { file }, pretty: true }).info('two');
    assert.deepEqual(readFileSync(file, 'utf8').trimEnd().split('\n').length, 2);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.throws(() => createLogger(clock, { destination: { file: join(directory, 'none/x.log') } }), /none/);
  });

  it('survives a full disk', () => {
    const log = createLogger(clock, { destination: { file: '/dev/full' } });
    for (let n = 0; n < 100; n += 1) log.info('lost', { text: 'x'.repeat(50_000) });
  });

  it('works in a bundle without files beside it, with journal priorities on standard error', async () => {
    const outfile = join(directory, 'bundle.cjs');
    const contents = `
      import { createLogger } from './log.ts';
      import { linuxClock } from './linux-clock.ts';
      const log = createLogger(linuxClock, { destination: 'journal', level: 'debug' }).child('core');
      log.debug('d'); log.info('i', { n: 1 }); log.warn('w\\nw'); log.error('e');`;
    await build({
      stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile,
      logLevel: 'error',
    });
    const output = execFileSync('/bin/sh', ['-c', 'exec "$1" "$2" 2>&1', 'sh', process.execPath, outfile], {
      cwd: '/',
    });
    assert.deepEqual(output.toString().trimEnd().split('\n'), [
      '<7>core: d',
      '<6>core: i  n=1',
      '<4>core: w\\nw',
      '<3>core: e',
    ]);
  });
});
