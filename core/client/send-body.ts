/**
 * A request whose body is a long stream. The server is asked first whether it takes it (`Expect: 100-continue`,
 * RFC 9110 section 10.1.1); no more is held in memory than the connection holds.
 * @module
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock } from '../host/clock.ts';
import { type Ask, AskFailed, type BegunRequest, beginRequest } from './exchange.ts';
import { defaultTimeoutMs, stalledBodyMs } from './transport.ts';

export interface SendBody extends Omit<Ask, 'body'> {
  readonly clock: Clock;
  readonly sizeBytes: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Answered {
  /** The head of the answer. */
  readonly head: IncomingMessage;
  /** Closes the connection, once the answer was read. */
  readonly close: () => void;
}

/** The server did not do what it was waited for. */
export class ServerStalled extends Error {}

/**
 * Sends it, and resolves with the head of the answer, which may come before all is sent: then no more is.
 * @throws AskFailed when the connection fails; what the body throws; the signal's reason
 */
export async function sendBody(send: SendBody): Promise<Answered> {
  const { clock, signal, sizeBytes, body } = send;
  signal.throwIfAborted();
  const pieces = body[Symbol.asyncIterator]();
  const begun = beginRequest({
    ...send,
    headers: {
      ...send.headers,
      'content-type': 'application/octet-stream',
      ...(sizeBytes === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(sizeBytes) }),
      expect: '100-continue',
      // On a connection that is to be closed a server that refuses half-way would reset it, and its answer be lost.
      connection: 'keep-alive',
    },
  });
  const { sent } = begun;
  const turns = new Turns(begun, clock, signal);
  try {
    if ((await turns.until('continue', defaultTimeoutMs)) !== 'answered') await pump(sent, pieces, turns);
    return { head: await turns.answer(), close: () => void sent.destroy() };
  } catch (error) {
    sent.destroy();
    throw error;
  } finally {
    // Ends the source; one that waits for its next piece ends when that comes.
    pieces.return?.().catch(() => undefined);
  }
}

async function pump(sent: ClientRequest, pieces: AsyncIterator<Uint8Array>, turns: Turns): Promise<void> {
  for (;;) {
    const next = await turns.orAnswer(pieces.next());
    if (next === 'answered') return;
    if (next.done === true) {
      sent.end();
      return;
    }
    if (!sent.write(next.value) && (await turns.until('drain', stalledBodyMs)) === 'answered') return;
  }
}

/** What the request is waited for, one thing at a time, and what may come instead. */
class Turns {
  readonly #sent: ClientRequest;
  readonly #clock: Clock;
  #answer: IncomingMessage | undefined;
  #failure: Error | undefined;
  /** Looks again whether what is waited for has come. */
  #look: () => void = () => {};

  constructor({ sent, connected }: BegunRequest, clock: Clock, signal: AbortSignal) {
    this.#sent = sent;
    this.#clock = clock;
    sent.once('response', (answer) => {
      this.#answer = answer;
      this.#look();
    });
    sent.on('error', (error) =>
      this.#fail(signal.aborted ? (signal.reason as Error) : new AskFailed(error, connected())),
    );
    // A request that has no connection yet does not notice by itself.
    signal.addEventListener('abort', () => this.#fail(signal.reason as Error), { once: true });
  }

  /** Waits for an event of the request. @throws ServerStalled */
  until(event: 'continue' | 'drain', timeoutMs: number): Promise<'answered' | 'come'> {
    let come = false;
    const notice = (): void => {
      come = true;
      this.#look();
    };
    this.#sent.once(event, notice);
    return this.#wait(() => (come ? 'come' : undefined), timeoutMs).finally(() => this.#sent.off(event, notice));
  }

  /** Waits for something else, or for the answer that makes it needless. */
  orAnswer<T>(work: Promise<T>): Promise<T | 'answered'> {
    let done: { readonly value: T } | undefined;
    work.then(
      (value) => {
        done = { value };
        this.#look();
      },
      (error: unknown) => this.#fail(error as Error),
    );
    return this.#wait(() => done?.value, undefined);
  }

  /** @throws ServerStalled */
  async answer(): Promise<IncomingMessage> {
    await this.#wait(() => undefined, stalledBodyMs);
    return this.#answer as IncomingMessage;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#look();
  }

  #wait<T>(come: () => T | undefined, timeoutMs: number | undefined): Promise<T | 'answered'> {
    return new Promise((resolve, reject) => {
      const cancel =
        timeoutMs === undefined
          ? () => {}
          : this.#clock.after(timeoutMs, () =>
              this.#fail(new ServerStalled(`nothing happened for ${timeoutMs / 1000} s`)),
            );
      this.#look = () => {
        const value = come();
        if (this.#answer === undefined && this.#failure === undefined && value === undefined) return;
        cancel();
        this.#look = () => {};
        // An answer says more than the broken connection that comes with it.
        if (this.#answer !== undefined) resolve('answered');
        else if (this.#failure !== undefined) reject(this.#failure);
        else resolve(value as T);
      };
      this.#look();
    });
  }
}
