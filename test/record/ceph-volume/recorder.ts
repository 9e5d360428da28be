/**
 * Runs commands in the machine and keeps what they answered, one file each.
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestAgent, GuestExecOptions, GuestResult } from './guest-agent.ts';

/** Base64 of a key of cephx: two bytes of type, then time, length and 16 bytes. The tools print some (ceph.cephx_lockbox_secret). */
const secretKey = /AQ[\w+/]{36}==/g;

export class Recorder {
  readonly #agent: GuestAgent;
  readonly #directory: string;
  readonly #say: (line: string) => void;
  readonly #paths = new Map<string, string>();

  /** @param directory must exist; gets NAME.json for each recording */
  constructor(agent: GuestAgent, directory: string, say: (line: string) => void) {
    this.#agent = agent;
    this.#directory = directory;
    this.#say = say;
  }

  /** Any exit code is worth recording: refusals are, too. */
  async record(name: string, argv: readonly string[], options: GuestExecOptions = {}): Promise<GuestResult> {
    const begin = performance.now();
    const result = await this.#agent.exec(argv, options);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    this.#say(`${name}: ${result.code} in ${seconds} s`);
    const lines = (text: string): string[] => text.replaceAll(secretKey, 'AQ-a-secret-key').split('\n');
    // Lines, so that people can read a recording and its changes.
    const recording = { argv, code: result.code, stdout: lines(result.stdout), stderr: lines(result.stderr) };
    await writeFile(join(this.#directory, `${name}.json`), `${JSON.stringify(recording, null, 2)}\n`);
    return result;
  }

  /** A step between recordings. Its standard output. @throws Error when it fails */
  async run(argv: readonly string[], input?: string): Promise<string> {
    const result = await this.#agent.exec(argv, input === undefined ? {} : { input });
    if (result.code !== 0) throw new Error(`${argv.join(' ')}: ended with ${result.code}\n${result.stderr}`);
    return result.stdout.trim();
  }

  /** The path of the disk with this serial number, such as /dev/sdc. @throws Error when there is none */
  async disk(serial: string): Promise<string> {
    if (this.#paths.size === 0) {
      const { blockdevices } = JSON.parse(await this.run(['lsblk', '--json', '--nodeps', '-o', 'PATH,SERIAL'])) as {
        blockdevices: { path: string; serial: string | null }[];
      };
      for (const { path, serial } of blockdevices) if (serial !== null) this.#paths.set(serial, path);
    }
    const path = this.#paths.get(serial);
    if (path === undefined) throw new Error(`the machine has no disk with the serial number ${serial}`);
    return path;
  }
}
