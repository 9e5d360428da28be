/** Counts packets at one point of a network, with a table of nftables of its own. */
import assert from 'node:assert/strict';

/** Runs a command where the packets are. */
type Run = (...argv: string[]) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

const table = 'pvc_test_watch';

export class PacketWatch {
  readonly #run: Run;

  private constructor(run: Run) {
    this.#run = run;
  }

  /** @param hook where, as `input priority 10`; @param match which packets */
  static async set(run: Run, hook: string, match: string): Promise<PacketWatch> {
    const watch = new PacketWatch(run);
    await watch.#nft(
      `add table inet ${table}; add chain inet ${table} seen { type filter hook ${hook}; }; add rule inet ${table} seen ${match} counter`,
    );
    return watch;
  }

  async #nft(text: string): Promise<string> {
    const { code, stdout, stderr } = await this.#run('nft', text);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async packets(): Promise<number> {
    const [, packets] = /packets (\d+)/.exec(await this.#nft(`list chain inet ${table} seen`)) ?? [];
    assert.ok(packets);
    return Number(packets);
  }

  /** Takes the table away. @returns what it has counted */
  async end(): Promise<number> {
    const packets = await this.packets();
    await this.#nft(`delete table inet ${table}`);
    return packets;
  }
}
