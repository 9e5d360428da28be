import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = fileURLToPath(new URL('./terminal.ts', import.meta.url));
const onTerminal = existsSync('/usr/bin/script') ? false : 'script(1) is not installed';

/** Runs code with `terminal` in it, on a pseudo-terminal or on pipes; `type` is written whenever its text was printed. */
function run(
  code: string,
  options: {
    readonly pty: boolean;
    readonly env?: Record<string, string>;
    readonly type?: readonly [string, string][];
  },
): Promise<{ output: string; code: number | null }> {
  const program = `import { processTerminal } from ${JSON.stringify(module)}; const terminal = processTerminal(); ${code}`;
  const argv = [process.execPath, '--input-type=module', '-e', program];
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = options.pty
    ? spawn('/usr/bin/script', ['-qec', quoted, '/dev/null'], {
        env: { ...process.env, TERM: 'xterm', ...options.env },
      })
    : spawn(process.execPath, argv.slice(1), { env: { ...process.env, ...options.env } });
  let output = '';
  const typing = [...(options.type ?? [])];
  const seen = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    const [next] = typing;
    if (next !== undefined && output.includes(next[0])) {
      typing.shift();
      child.stdin.write(next[1]);
    }
  };
  child.stdout.on('data', seen);
  child.stderr.on('data', seen);
  if (!options.pty) child.stdin.end(options.type?.[0]?.[1] ?? '');
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ output: output.replaceAll('\r', ''), code })),
  );
}

describe('the terminal of the process', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pvc-terminal-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('knows pipes from terminals', { skip: onTerminal }, async () => {
    const code =
      'terminal.write(JSON.stringify([terminal.inputIsTerminal, terminal.outputIsTerminal, terminal.errorIsTerminal, terminal.columns() === undefined]))';
    assert.equal((await run(code, { pty: false })).output, '[false,false,false,true]');
    assert.match((await run(code, { pty: true })).output, /\[true,true,true,(?:true|false)\]/);
  });

  it('reads all of standard input', async () => {
    assert.equal(
      (await run('terminal.write(`<${await terminal.readAll()}>`)', { pty: false, type: [['', 'a\nü\n']] })).output,
      '<a\nü\n>',
    );
  });

  it('asks with an echo, and for secrets without one', { skip: onTerminal }, async () => {
    const code =
      'const at = { signal: terminal.signal }; const a = await terminal.ask("Name? ", { ...at, hidden: false }); const b = await terminal.ask("Token? ", { ...at, hidden: true }); terminal.write(`got ${a} ${b.length}\\n`)';
    const { output } = await run(code, {
      pty: true,
      type: [
        ['Name? ', 'ann\r'],
        ['Token? ', 'secret99\r'],
      ],
    });
    assert.match(output, /Name\? .*ann/);
    assert.match(output, /Token\? .*\n/);
    assert.ok(!output.includes('secret99'), output);
    assert.match(output, /got ann 8\n/);
  });

  it('knows Ctrl-D and Ctrl-C while it asks', { skip: onTerminal }, async () => {
    const code =
      'await terminal.ask("Q? ", { signal: terminal.signal, hidden: false }).then((a) => terminal.write(`answer ${a}`), (e) => terminal.write(`rejected ${e.message}`))';
    assert.match((await run(code, { pty: true, type: [['Q? ', '\u0004']] })).output, /answer undefined/);
    assert.match((await run(code, { pty: true, type: [['Q? ', '\u0003']] })).output, /rejected SIGINT/);
  });

  it('turns signals into an abort, and ends at the second Ctrl-C', async () => {
    const code =
      'setInterval(() => {}, 1000); terminal.signal.addEventListener("abort", () => { terminal.write(`${terminal.signal.reason.message};`); process.kill(process.pid, "SIGINT"); }); process.kill(process.pid, "SIGINT")';
    assert.deepEqual(await run(code, { pty: false }), { output: 'SIGINT;', code: 130 });
    const term =
      'const keep = setInterval(() => {}, 1000); terminal.signal.addEventListener("abort", () => { terminal.write(terminal.signal.reason.message); clearInterval(keep); }); process.kill(process.pid, "SIGTERM")';
    assert.deepEqual(await run(term, { pty: false }), { output: 'SIGTERM', code: 0 });
  });

  it('leaves raw mode at the latest when the process ends', { skip: onTerminal }, async () => {
    const code =
      'process.on("exit", () => terminal.write(`raw ${process.stdin.isRaw}\\n`)); terminal.rawMode(true); terminal.write(`raw ${process.stdin.isRaw}\\n`); process.exit(0)';
    // The order of exit handlers: the terminal's own was there first.
    assert.match((await run(code, { pty: true })).output, /raw true\nraw false\n/);
  });

  it('edits in a private file that is gone afterwards', async () => {
    const editor = join(folder, 'editor');
    await writeFile(
      editor,
      '#!/bin/sh\n[ "$1" = "--flag" ] && shift\nstat -c %a "$1" "$(dirname "$1")" >&2\necho more >>"$1"\n',
    );
    await chmod(editor, 0o755);
    const code = 'terminal.write(JSON.stringify(await terminal.edit("text\\n", ".xml")))';
    const { output } = await run(code, { pty: false, env: { VISUAL: `${editor} --flag`, TMPDIR: folder } });
    assert.equal(output, '600\n700\n"text\\nmore\\n"');
    assert.deepEqual(await readdir(folder), ['editor']);
  });

  it('tells of an editor that fails', async () => {
    const code = 'await terminal.edit("text\\n", ".xml").catch((e) => terminal.write(e.code + ": " + e.message))';
    const env = { VISUAL: '', TMPDIR: folder };
    assert.match(
      (await run(code, { pty: false, env: { ...env, EDITOR: 'false' } })).output,
      /^EDITOR_FAILED: The editor false ended with code 1\.$/,
    );
    assert.match(
      (await run(code, { pty: false, env: { ...env, EDITOR: '/nowhere/editor' } })).output,
      /EDITOR_FAILED: The editor \/nowhere\/editor ended with code 127\.$/,
    );
  });

  it('does not mind a reader that leaves', async () => {
    const child = spawn('bash', [
      '-c',
      `"$0" --input-type=module -e "$1" | head -1; echo "\${PIPESTATUS[0]}"`,
      process.execPath,
      `import { processTerminal } from ${JSON.stringify(module)}; const terminal = processTerminal(); for (let i = 0; i < 100000; i += 1) terminal.write('line\\n')`,
    ]);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    assert.equal(out, 'line\n0\n');
    assert.equal(err, '');
  });
});
