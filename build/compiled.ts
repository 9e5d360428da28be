/**
 * Compiles the program by running it: a command is done against a stand-in of the API, and what V8 has
 * compiled by then is kept. Made by the same Node that the executable is made of; V8 refuses any other.
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strippedNode } from './pack.ts';
import { inRepository } from './paths.ts';

/**
 * Runs a bundle with `argv` and writes the compiled code to `output`.
 * @throws Error when the program does not end with 0
 */
export async function compileProgram(bundle: string, output: string, argv: readonly string[]): Promise<void> {
  const child = spawn(strippedNode(), [inRepository('build/compile-child.ts'), bundle, output, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {},
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`the program could not be run to compile it (${argv.join(' ')}): ${errors}`);
}

/** What a guest looks like in the API's list. */
const row = {
  name: 'web1',
  uuid: '00000000-0000-4000-8000-000000000001',
  state: 'running',
  run: 'running',
  node: 'hv1',
  reason: 'booted',
  memoryMiB: 1024,
  vcpus: 1,
  networks: ['br0'],
  disks: 1,
  tags: [],
  problem: null,
};

/** The same for `pvc` itself: what listing guests takes is what nearly every command takes. */
export async function compilePvc(bundle: string, output: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pvc-compile-'));
  const socket = join(directory, 'api.sock');
  const config = join(directory, 'pvc.yaml');
  writeFileSync(config, '');
  const api = createServer((_request, answer) =>
    answer.setHeader('content-type', 'application/json').end(JSON.stringify([row])),
  );
  try {
    await new Promise<void>((resolve) => api.listen(socket, resolve));
    await compileProgram(bundle, output, ['--config', config, '--socket', socket, 'vm', 'list']);
  } finally {
    api.closeAllConnections();
    api.close();
    rmSync(directory, { recursive: true });
  }
}
