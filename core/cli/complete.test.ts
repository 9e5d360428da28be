import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '../host/virtual-clock.ts';
import { bashScript, fishScript, zshScript } from './completion-scripts.ts';
import type { FakeRunOptions } from './testing/run-fake.ts';
import { runFake } from './testing/run-fake.ts';

const answers = {
  'vm.list': [
    { name: 'web1', state: 'running' },
    { name: 'web2', state: 'stopped' },
    { name: 'db:1', state: 'running' },
  ],
  'task.list': [{ id: '0task00000000001', action: 'vm.start', state: 'running' }],
};

/** Candidates without descriptions, and the last line. */
async function complete(words: readonly string[], options: FakeRunOptions = {}): Promise<string[]> {
  const { out, err, code } = await runFake(['__complete', '--', ...words], { answers, ...options });
  assert.equal(err, '');
  assert.equal(code, 0);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('completion', () => {
  it('offers commands, options, values and names', async () => {
    const cases: [string[], string[]][] = [
      [[''], ['completion', 'connection', 'help', 'task', 'vm', ':done']],
      [['v'], ['vm', ':done']],
      [
        ['vm', 's'],
        ['start', ':done'],
      ],
      [
        ['vm', 'nic', ''],
        ['add', ':done'],
      ],
      [
        ['vm', 'start', ''],
        ['web1', 'web2', 'db:1', ':done'],
      ],
      [
        ['vm', 'start', 'we'],
        ['web1', 'web2', ':done'],
      ],
      [['vm', 'start', 'web1', ''], [':done']],
      [
        ['vm', 'start', '--pa'],
        ['--paused', ':done'],
      ],
      [
        ['vm', 'create', '--auto'],
        ['--autostart', ':done'],
      ],
      [
        ['vm', 'create', '--no-'],
        ['--no-autostart', '--no-tag', '--no-home', '--no-wait', '--no-colour', ':done'],
      ],
      [
        ['vm', 'create', '--selector', ''],
        ['mem', 'load', 'vcpus', 'vms', ':done'],
      ],
      [
        ['vm', 'create', '--selector=v'],
        ['--selector=vcpus', '--selector=vms', ':done'],
      ],
      [['vm', 'create', '--definition', ''], [':files']],
      [
        ['vm', 'create', '--nic', 'br'],
        ['bridge=', ':nospace'],
      ],
      [
        ['vm', 'create', '--nic', 'bridge=br0,mo'],
        ['bridge=br0,model=', ':nospace'],
      ],
      [
        ['vm', 'create', '--nic', 'bridge=br0,model=v'],
        ['bridge=br0,model=virtio', ':nospace'],
      ],
      [
        ['-f', ''],
        ['pretty', 'json', 'yaml', 'name', ':done'],
      ],
      [
        ['-f', 'json', 'vm', 'start', 'web1'],
        ['web1', ':done'],
      ],
      [['vm', 'list', '-n', ''], [':done']],
      [
        ['task', 'wait', ''],
        ['0task00000000001', ':done'],
      ],
      [
        ['help', 'vm', 'n'],
        ['nic', ':done'],
      ],
      [
        ['vm', 'ls', '--st'],
        ['--state', '--store', ':done'],
      ],
      [['vm', 'start', '--', '-'], [':done']],
      [
        ['nothing', 'here', ''],
        ['completion', 'connection', 'help', 'task', 'vm', ':done'],
      ],
      [[], ['completion', 'connection', 'help', 'task', 'vm', ':done']],
    ];
    for (const [words, expected] of cases) assert.deepEqual(await complete(words), expected, words.join(' '));
  });

  it('describes the candidates', async () => {
    const { out } = await runFake(['__complete', '--', 'vm', 'start', ''], { answers });
    assert.equal(out, 'web1\trunning\nweb2\tstopped\ndb:1\trunning\n:done\n');
    assert.match((await runFake(['__complete', '--', ''])).out, /^vm\tGuests: define/m);
  });

  it('minds the connection that stands on the line', async () => {
    const { connections } = await runFake(['__complete', '--', '--socket', '/x.sock', 'vm', 'start', ''], { answers });
    assert.deepEqual(connections, [{ socket: '/x.sock' }]);
  });

  it('is silent when the cluster fails or the environment is wrong', async () => {
    assert.deepEqual(await complete(['vm', 'start', ''], { answers: { 'vm.list': new Error('no') } }), [':done']);
    assert.deepEqual(await complete(['vm', 'start', ''], { environment: { PVC_FORMAT: 'xml' } }), [':done']);
  });

  it('waits 300 ms for names and no longer', async () => {
    const clock = new VirtualClock();
    const answering = complete(['vm', 'start', ''], { clock, answers: { 'vm.list': () => new Promise(() => {}) } });
    let done = false;
    void answering.then(() => {
      done = true;
    });
    for (let turn = 0; turn < 50 && clock.pending === 0; turn += 1) await setImmediate();
    await clock.advance(299);
    assert.equal(done, false);
    await clock.advance(1);
    assert.deepEqual(await answering, [':done']);
  });
});

describe('completion in bash', () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pvc-complete-'));
    // Stands for the program: tells what it was asked in the first candidate, answers by the last word.
    await writeFile(
      join(folder, 'pvc'),
      `#!/bin/bash
[[ $1 == __complete && $2 == -- ]] || exit 1
shift 2
printf '%s|' "$@" >"${folder}/asked"
case "\${!#}" in
  --x=*) printf '%s\\tabout\\n' --x=one --x=two; echo :done ;;
  db:*) printf '%s\\n' db:1 db:2; echo :done ;;
  --file=*|/*) echo :files ;;
  n*) printf 'nospace=\\n'; echo :nospace ;;
  *) printf '%s\\tsome thing\\n' start stop 'with space'; echo :done ;;
esac
`,
    );
    await chmod(join(folder, 'pvc'), 0o755);
    await writeFile(join(folder, 'file one'), '');
  });
  after(() => rm(folder, { recursive: true }));

  /** What bash makes of a line: the words it asked for and the replies. COMP_WORDS are cut as readline does. */
  function bash(line: string): { asked: string; replies: string[] } {
    const script = `
      ${bashScript}
      compopt() { :; }
      COMP_LINE=$1 COMP_POINT=\${#1}
      COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      shift
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _pvc
      printf '%s\\n' "\${COMPREPLY[@]}"
    `;
    const words = line
      .split(/(\s+)|((?:[=:])+)/)
      .filter((part) => part !== undefined && !/^\s+$/.test(part) && part !== '');
    if (/\s$/.test(line)) words.push('');
    const done = spawnSync('bash', ['--norc', '-c', script, 'bash', line, ...words], {
      cwd: folder,
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    assert.equal(done.stderr, '');
    const asked = spawnSync('cat', [join(folder, 'asked')], { encoding: 'utf8' }).stdout;
    return {
      asked,
      replies: done.stdout
        .split('\n')
        .slice(0, -1)
        .filter((reply) => reply !== ''),
    };
  }

  it('hands the words over and takes the descriptions off', () => {
    assert.deepEqual(bash('pvc vm s'), { asked: 'vm|s|', replies: ['start', 'stop', 'with space'] });
    assert.deepEqual(bash('pvc vm '), { asked: 'vm||', replies: ['start', 'stop', 'with space'] });
  });

  it('puts words together that bash cuts at = and :', () => {
    assert.deepEqual(bash('pvc vm --x=o'), { asked: 'vm|--x=o|', replies: ['one', 'two'] });
    assert.deepEqual(bash('pvc vm --x='), { asked: 'vm|--x=|', replies: ['one', 'two'] });
    assert.deepEqual(bash('pvc vm start db:'), { asked: 'vm|start|db:|', replies: ['1', '2'] });
    assert.deepEqual(bash('pvc --a=b vm s').asked, '--a=b|vm|s|');
    assert.deepEqual(bash('pvc --a = s').asked, '--a|=|s|');
  });

  it('completes files', () => {
    assert.deepEqual(bash('pvc vm define --file=fi').replies, ['file one']);
    assert.ok(bash('pvc vm define /et').replies.includes('/etc'));
  });

  it('is registered for pvc', () => {
    const done = spawnSync('bash', ['--norc', '-c', `${bashScript}\ncomplete -p pvc`], { encoding: 'utf8' });
    assert.equal(done.stdout, 'complete -F _pvc pvc\n');
  });
});

describe('completion scripts', () => {
  it('are printed as they are', async () => {
    assert.equal((await runFake('completion bash')).out, bashScript);
    assert.equal((await runFake('completion zsh')).out, zshScript);
    assert.equal((await runFake('completion fish')).out, fishScript);
  });

  const shells: [string, string, string[]][] = [
    ['bash', bashScript, ['-n']],
    ['zsh', zshScript, ['-n']],
    ['fish', fishScript, ['-n']],
  ];
  for (const [shell, script, args] of shells) {
    const installed = ['/bin', '/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, shell)));
    it(`are right in ${shell}`, { skip: installed ? false : `${shell} is not installed` }, () => {
      const done = spawnSync(shell, args, { input: script, encoding: 'utf8' });
      assert.equal(done.stderr, '');
      assert.equal(done.status, 0);
    });
  }
});
