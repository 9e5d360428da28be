/** The command nft(8) on this node: what the kernel has of PVC's table, and how it is told another. @module */
import { PvcError, type Runtime, z } from '../../../core/plugin/api.ts';
import { firewallError } from './acl-kind.ts';
import { tableName } from './nft-text.ts';
import { reasonOf, refusalOf, ruleParts } from './rule.ts';
import { type Count, checkRuleset, replacing } from './ruleset.ts';

type Parts = Pick<Runtime, 'node'> & { readonly host: Pick<Runtime['host'], 'processes'> };

const timeoutMs = 20_000;

const counters = z.looseObject({
  nftables: z.array(
    z.looseObject({
      counter: z.looseObject({ name: z.string(), packets: z.int(), bytes: z.int() }).optional(),
    }),
  ),
});

/** The counters in what `nft -j list counters` prints. @throws Error for what is no such print */
export const readCounters = (stdout: string): Map<string, Count> =>
  new Map(
    counters
      .parse(JSON.parse(stdout))
      .nftables.flatMap(({ counter }) =>
        counter === undefined ? [] : [[counter.name, { packets: counter.packets, bytes: counter.bytes }] as const],
      ),
  );

const noTable = /No such file or directory/;

export class Nft {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws PvcError NFT_MISSING */
  async #run(argv: readonly [string, ...string[]], input?: string) {
    try {
      return await this.#parts.host.processes.exec(argv, { timeoutMs, ...(input === undefined ? {} : { input }) });
    } catch (error) {
      if (error instanceof PvcError && error.code === 'EXEC_NOT_FOUND')
        throw firewallError('NFT_MISSING', { node: this.#parts.node }, { cause: error });
      throw error;
    }
  }

  /** What a list command prints about the table; undefined: there is no such table. @throws Error with nft's reason */
  async #list(argv: readonly [string, ...string[]]): Promise<string | undefined> {
    const done = await this.#run(argv);
    if (done.code === 0) return done.stdout;
    if (noTable.test(done.stderr)) return undefined;
    throw new Error(`${argv.join(' ')}: ${reasonOf(done.stderr)}`);
  }

  /** The tables as the kernel has them, without what changes as packets pass; undefined: there is none. */
  async list(): Promise<string | undefined> {
    const list = (family: string) => this.#list(['nft', '--stateless', 'list', 'table', family, tableName]);
    const packets = await list('inet');
    // Only where there are networks with a gateway on every node.
    return packets === undefined ? undefined : `${packets}${(await list('bridge')) ?? ''}`;
  }

  /** Whether there is a table, whatever is in it. @throws Error with nft's reason */
  async isThere(): Promise<boolean> {
    const done = await this.#run(['nft', 'list', 'tables', 'inet']);
    if (done.code !== 0) throw new Error(reasonOf(done.stderr));
    return done.stdout.split('\n').includes(`table inet ${tableName}`);
  }

  /** Undefined: there is no table. */
  async counters(): Promise<Map<string, Count> | undefined> {
    const printed = await this.#list(['nft', '--json', 'list', 'counters', 'table', 'inet', tableName]);
    return printed === undefined ? undefined : readCounters(printed);
  }

  /** Makes the table this, all at once or not at all. @returns nft's reason when it does not take it */
  async replace(text: string): Promise<string | undefined> {
    const done = await this.#run(['nft', '--file', '-'], replacing(text));
    return done.code === 0 ? undefined : reasonOf(done.stderr);
  }

  /** Takes the table away. @throws Error with nft's reason */
  async remove(): Promise<void> {
    const done = await this.#run(['nft', '--file', '-'], replacing(''));
    if (done.code !== 0) throw new Error(reasonOf(done.stderr));
  }

  /**
   * Loads one rule in a network namespace of its own, which goes with the command: kernel and nft say what they make of it,
   * and no packet meets it. @returns why it cannot be an entry; undefined: it can
   */
  async refusal(rule: string): Promise<string | undefined> {
    const { matches, verdict } = ruleParts(rule);
    const done = await this.#run(
      // As an argument: to read JSON or text from its input, nft opens it by name, which it cannot where that is a socket.
      ['unshare', '--net', 'nft', '--json', '--echo', checkRuleset(matches === '' ? verdict : `${matches} ${verdict}`)],
    );
    return done.code === 0 ? refusalOf(rule, done.stdout) : reasonOf(done.stderr);
  }
}
