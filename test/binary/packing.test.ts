/** What the packed executable must be able to do, shown on a small program packed in the same way. @module */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Fixture, packFixture, runBare } from './fixture.ts';

let fixture: Fixture;
before(async () => {
  fixture = await packFixture();
});
after(() => fixture.remove());

describe('the packed executable', () => {
  const run = (args: readonly string[], env?: Record<string, string>) => runBare(fixture.binary, args, env);
  const answer = (args: readonly string[], env?: Record<string, string>): unknown => {
    const result = run(args, env);
    assert.equal(result.status, 0, result.stderr);
    return JSON.parse(result.stdout);
  };

  it('knows its version with an empty environment', () =>
    assert.deepEqual(answer(['version']), { version: '1.2.3', commit: 'abc' }));

  it('ignores NODE_OPTIONS', () => {
    assert.equal(run(['version'], { NODE_OPTIONS: '--bogus' }).status, 0);
    const evil = join(fixture.directory, 'evil.cjs');
    writeFileSync(evil, 'process.exit(77)');
    assert.equal(run(['version'], { NODE_OPTIONS: `--require=${evil}` }).status, 0);
  });

  it('can start itself again', () => assert.deepEqual(answer(['again']), { version: '1.2.3', commit: 'abc' }));

  it('evaluates an imported part only when asked', () =>
    assert.deepEqual(answer(['lazy']), { before: false, after: true }));

  it('reads an embedded file', () => assert.equal(answer(['asset', 'notes/a.txt']), 'a note\n'));

  it('says which embedded file is missing', () => {
    const result = run(['asset', 'none.txt']);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /The built-in file none\.txt is not there/);
  });

  it('names source files and lines in a stack', () => assert.match(run(['throw']).stderr, /main\.ts:\d+/));

  it('loads plugins from disk in all three forms', () => {
    const plugins = join(fixture.directory, 'plugins');
    mkdirSync(plugins);
    const forms = {
      'one.cjs': "const part = require('./part.cjs'); exports.default = () => `cjs ${part.word}`;",
      'part.cjs': "exports.word = 'with a part';",
      'two.mjs': "export default () => 'mjs';",
      'three.ts': 'const word: string = "ts"; export default (): string => word;',
    };
    for (const [name, text] of Object.entries(forms)) writeFileSync(join(plugins, name), text);
    assert.equal(answer(['plugin', join(plugins, 'one.cjs')]), 'cjs with a part');
    assert.equal(answer(['plugin', join(plugins, 'two.mjs')]), 'mjs');
    assert.equal(answer(['plugin', join(plugins, 'three.ts')]), 'ts');
  });

  it('shows the file of a plugin that throws', () => {
    const file = join(fixture.directory, 'broken.cjs');
    writeFileSync(file, "exports.default = () => { throw new Error('plugin trouble'); };");
    const { status, stderr } = run(['plugin', file]);
    assert.equal(status, 1);
    assert.match(stderr, /plugin trouble[\s\S]*broken\.cjs:1/);
  });
});

/**
 * In a mount namespace of its own, so that the machine's /var/lib/pvc plays no part. As root it goes to
 * the state directory, as another user to the runtime directory.
 */
describe('the embedded addon', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  const uid = 100_000 + process.pid;
  before(() => chmodSync(fixture.directory, 0o755));

  /** Runs shell text with empty /var/lib and /tmp; `$PVC` is the program, `$USER_PVC` the same as a user. */
  const inNamespace = (script: string, stateOptions = 'mode=755') => {
    const text = `
      PATH=/usr/sbin:/usr/bin:/sbin:/bin
      mount -t tmpfs -o ${stateOptions} none /var/lib && mount -t tmpfs -o mode=1777 none /tmp || exit 90
      mkdir -m 700 /tmp/run && chown ${uid} /tmp/run
      PVC="env -i ${fixture.binary}"
      USER_PVC="setpriv --reuid=${uid} --regid=65534 --clear-groups env -i XDG_RUNTIME_DIR=/tmp/run ${fixture.binary}"
      ${script}`;
    return runBare('/usr/bin/unshare', ['--mount', '/bin/sh', '-c', text]);
  };

  it('goes to the state directory when root, private, and only once', () => {
    const { stdout, stderr, status } = inNamespace(`
      $PVC sqlite; stat -c %a /var/lib/pvc/native; ls /var/lib/pvc/native; stat -c %i /var/lib/pvc/native/*.node
      $PVC sqlite; stat -c %i /var/lib/pvc/native/*.node`);
    assert.equal(status, 0, stderr);
    const [first, mode, file, inode, second, inodeAfter] = stdout.trim().split('\n');
    assert.deepEqual([first, second, mode, stderr], ['5', '5', '700', '']);
    assert.match(file as string, /^[0-9a-f]{64}\.node$/);
    assert.equal(inodeAfter, inode);
  });

  it('is written again when its content was changed', () => {
    const { stdout, stderr } = inNamespace(`
      $PVC sqlite; echo broken > "$(echo /var/lib/pvc/native/*.node)"
      $PVC sqlite; test "$(stat -c %s /var/lib/pvc/native/*.node)" -gt 1000000 && echo whole`);
    assert.equal(stdout, '5\n5\nwhole\n', stderr);
  });

  it('goes elsewhere, and says so, when programs may not run from the state directory', () => {
    const { stdout, stderr } = inNamespace('$PVC sqlite', 'mode=755,noexec');
    assert.equal(stdout, '5\n', stderr);
    assert.match(
      stderr,
      /cannot load sqlite\.node from \/var\/lib\/pvc\/native: .*; using \/tmp\/pvc-native-0 instead/,
    );
  });

  it('goes to the runtime directory of a user', () => {
    const { stdout, stderr } = inNamespace('$USER_PVC sqlite; stat -c "%a %u" /tmp/run/pvc-native');
    assert.equal(stdout, `5\n700 ${uid}\n`, stderr);
  });

  it('is not put through a symbolic link', () => {
    const { stdout, stderr } = inNamespace(`
      mkdir -m 777 /tmp/elsewhere; ln -s /tmp/elsewhere /tmp/run/pvc-native
      $USER_PVC sqlite; ls /tmp/elsewhere | wc -l`);
    assert.equal(stdout, '5\n0\n', stderr);
    assert.match(stderr, /pvc-native is not a directory; using \/tmp\/pvc-native-\d+ instead/);
  });

  it('is not put into a directory of somebody else', () => {
    const { stdout, stderr } = inNamespace(`
      mkdir -m 777 /tmp/pvc-native-${uid}; rm -r /tmp/run
      $USER_PVC sqlite; echo $?`);
    assert.equal(stdout, '1\n', stderr);
    assert.match(stderr, /The built-in driver sqlite\.node cannot be loaded/);
  });

  it('gives up on a file system that makes no directories', () => {
    const { stdout, stderr } = inNamespace(`
      mkdir -m 777 /tmp/pvc-native-${uid}; mount -t proc none /tmp/run
      $USER_PVC sqlite; echo $?`);
    assert.equal(stdout, '1\n', stderr);
  });
});
