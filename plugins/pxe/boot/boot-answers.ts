/** What machines that boot are told, on the primary: which script, and what the image asks and tells. @module */
import { createHash, timingSafeEqual } from 'node:crypto';
import { cluster, clusterId, node, PvcError, type Runtime, View } from '../../../core/plugin/api.ts';
import type { MachineBook } from '../machine/machine-book.ts';
import { machine } from '../machine/machine-kind.ts';
import type { MachineDoc } from '../machine/machine-rules.ts';
import { mayBoot, stateOf } from '../machine/machine-state.ts';
import type { BootRequest } from './boot-request.ts';
import { bootScript, exitScript, waitScript } from './boot-script.ts';

/** Whoever is in that network can make up machines: the store is not filled with them. */
const mostUnknown = 256;
/** From the moment in which the image asks for its token until it has joined. */
const tokenLife = '15m';

type AnswersRuntime = Pick<Runtime, 'documents' | 'host' | 'write' | 'perform'>;

/** What the image needs to become a node. */
export interface JoinFacts {
  readonly name: string;
  /** With the length of the cluster network: `10.10.0.14/24`. */
  readonly address: string;
  readonly token: string;
}

const hashOf = (word: string): string => createHash('sha256').update(word).digest('hex');

export class BootAnswers {
  readonly #runtime: AnswersRuntime;
  readonly #book: MachineBook;

  constructor(runtime: AnswersRuntime, book: MachineBook) {
    this.#runtime = runtime;
    this.#book = book;
  }

  /** The script of a machine that asks what to boot. @param base `http://10.9.0.1:7380` */
  async script(request: BootRequest, base: string): Promise<string> {
    const { mac, asked, hardware, firmware } = request;
    const doc = await this.#known(request);
    if (doc === undefined)
      return exitScript([`PVC: ${mostUnknown} unknown machines are waiting already; remove some of them`]);
    const name = doc.spec.name ?? mac;
    const lines = [`PVC: this is the machine ${mac}${doc.spec.name === null ? '' : `, ${doc.spec.name}`}`];
    const objection = await this.#objection(doc, request);
    const seen = { type: 'seen', hardware, firmware, objection } as const;
    if (objection !== null || doc.spec.attempt === 0) {
      await this.#book.note(mac, { ...seen, before: null, word: null });
      const advice = `Nothing was changed on it. To let it become a node: pvc provisioner machine accept ${mac}`;
      return waitScript(base, [...lines, objection ?? advice], asked);
    }
    if (!mayBoot(doc)) {
      await this.#book.note(mac, { ...seen, before: null, word: null });
      const reason = doc.status?.reason ?? '';
      return waitScript(
        base,
        [...lines, `It has failed too often: ${reason}`, `pvc provisioner machine accept ${name}`],
        asked,
      );
    }
    const before = doc.spec.name === null ? undefined : await this.#runtime.documents.get(node, doc.spec.name);
    const alive = before !== undefined && (await new View(this.#runtime.documents).alive()).has(before.id);
    // After a power cut the cluster takes some seconds to notice; if it lasts, there are two of that name.
    if (alive) return waitScript(base, [...lines, `The node ${name} runs; waiting for its end`], asked);
    const word = Buffer.from(this.#runtime.host.random.bytes(24)).toString('base64url');
    await this.#book.note(mac, { ...seen, before: before?.status?.bootId ?? null, word: hashOf(word) });
    return bootScript(base, { mac, word });
  }

  /** The machine's document, made now when it is new. Undefined: there are too many unknown ones. */
  async #known({ mac, hardware }: BootRequest): Promise<MachineDoc | undefined> {
    const { documents, write } = this.#runtime;
    const known = await documents.get(machine, mac);
    if (known !== undefined) return known;
    const unknown = (await documents.list(machine)).filter(({ spec }) => spec.attempt === 0);
    if (unknown.length >= mostUnknown) return undefined;
    const { uuid } = hardware;
    const free = uuid !== null && (await documents.find(machine, 'uuid', uuid)) === undefined;
    const spec = { uuid: free ? uuid : null, name: null, address: null, attempt: 0 };
    await write([{ do: 'create', kind: machine, id: mac, spec }], { asPrimary: true });
    return documents.get(machine, mac);
  }

  /** What speaks against booting it; null: nothing does. */
  async #objection({ id, spec }: MachineDoc, { hardware: { uuid } }: BootRequest): Promise<string | null> {
    if (uuid === null) return spec.uuid === null ? null : `it reports no UUID, and ${spec.uuid} was entered for it`;
    const holder = await this.#runtime.documents.find(machine, 'uuid', uuid);
    if (holder !== undefined && holder !== id)
      return `it reports the UUID ${uuid} of the machine ${holder}: another card of that one, or two machines with one UUID`;
    if (spec.uuid !== null && spec.uuid !== uuid)
      return `it reports the UUID ${uuid}, and ${spec.uuid} was entered for it`;
    return null;
  }

  /** The machine whose present boot the word belongs to. */
  async #whose(mac: string, word: string): Promise<MachineDoc | undefined> {
    const doc = await this.#runtime.documents.get(machine, mac);
    const known = Buffer.from(doc?.status?.word ?? '', 'hex');
    const shown = Buffer.from(hashOf(word), 'hex');
    return known.length === shown.length && timingSafeEqual(known, shown) ? doc : undefined;
  }

  /**
   * A new join token for this boot of the machine; one that it had before counts no more.
   * @returns undefined: the word is not that of its present boot, or it has joined already. That is noted.
   * @throws PvcError what `node.token` refuses
   */
  async join(mac: string, word: string): Promise<JoinFacts | undefined> {
    const { perform, host } = this.#runtime;
    // A machine that has not booted yet has no log of its own to tell it in.
    const refuse = async (text: string): Promise<undefined> => {
      host.log.warn(`a machine that boots is refused: ${text}`, { machine: mac });
      await this.#book.note(mac, { type: 'told', text: `${text}: refused` });
    };
    const doc = await this.#whose(mac, word);
    if (doc === undefined) return refuse('somebody asked for its join token with a wrong word');
    const { name, address } = doc.spec;
    if (stateOf(doc) !== 'booting' || name === null || address === null)
      return refuse('its join token was asked for once more');
    const network = (await this.#runtime.documents.need(cluster, clusterId)).spec.networks?.cluster;
    // Whoever entered the address has been refused without one.
    if (network === undefined) throw new Error('the cluster has no network between its nodes');
    const old = doc.status?.token ?? null;
    if (old !== null) await this.#forget(old);
    const made = await perform('node.token', { role: 'hypervisor', node: name, expires: tokenLife, again: true });
    const { id, token } = made.result as { id: string; token: string };
    await this.#book.note(mac, { type: 'given', token: id });
    return { name, address: `${address}/${network.cidr.split('/')[1]}`, token };
  }

  async #forget(token: string): Promise<void> {
    try {
      await this.#runtime.perform('token.remove', { token });
    } catch (error) {
      // Used up, and cleared away.
      if (!(error instanceof PvcError) || error.code !== 'OBJECT_NOT_FOUND') throw error;
    }
  }

  /** What the image says of its way. False: the word is not that of its present boot. */
  async tell(mac: string, word: string, what: 'log' | 'failed' | 'report', text: string): Promise<boolean> {
    if ((await this.#whose(mac, word)) === undefined) return false;
    await this.#book.note(mac, eventOf(what, text));
    return true;
  }
}

/** A report has the line `memory MIB`, and one for each device: `disk /dev/sda 480 GB …`, `nic eno1 aa:bb:… 10000 Mb/s`. */
function eventOf(what: 'log' | 'failed' | 'report', text: string) {
  if (what === 'log') return { type: 'told', text } as const;
  if (what === 'failed') return { type: 'failed', reason: text } as const;
  const rows = (word: string): string[] =>
    text.split('\n').flatMap((row) => (row.startsWith(`${word} `) ? [row.slice(word.length + 1)] : []));
  const [memory = ''] = rows('memory');
  const memoryMiB = /^\d{1,9}$/.test(memory) ? Number(memory) : null;
  return { type: 'reported', memoryMiB, disks: rows('disk'), nics: rows('nic') } as const;
}
