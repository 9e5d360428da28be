/** Operations through the API of a daemon, over its unix socket or HTTPS. @module */
import type { Agent, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { operationError } from '../operation/errors.ts';
import type { DownloadBody, UploadAnswer } from '../operation/stream-types.ts';
import { openChannel } from './channel.ts';
import { clientError } from './client-errors.ts';
import { agentOf } from './connection.ts';
import { download } from './download.ts';
import { AskFailed, ask, textOf } from './exchange.ts';
import { followFeed } from './follow.ts';
import { lostError, passing } from './lost.ts';
import { problemError } from './problem.ts';
import { apiBase, type Route, requestOf, routeOf } from './route.ts';
import {
  type Address,
  addressOf,
  credentials,
  type OperationLookup,
  type SocketTarget,
  type UrlTarget,
} from './target.ts';
import {
  type CallOptions,
  defaultTimeoutMs,
  type FollowOptions,
  type ReceiveOptions,
  type SendOptions,
  type StreamItem,
  type Transport,
} from './transport.ts';
import { upload } from './upload.ts';

/** Pauses between tries of a request that changes nothing. */
const retryPausesMs = [100, 300, 900];
const never = new AbortController().signal;

/** What is done with operations of each type. */
const usedAs: Readonly<Record<Route['type'], string>> = {
  query: 'called',
  mutation: 'called',
  feed: 'followed',
  channel: 'connected to',
  upload: 'sent to',
  download: 'read from',
};

export class ApiTransport implements Transport {
  readonly #address: Address;
  readonly #credentials: Readonly<Record<string, string>>;
  readonly #lookup: OperationLookup | undefined;
  readonly #clock: Clock;
  /** Queries share connections. A mutation has its own: on a shared one that the server just closed it would be unknown whether it arrived. */
  readonly #shared: Agent;
  readonly #single: Agent;
  #routes: Promise<ReadonlyMap<string, Route>> | undefined;

  constructor(target: SocketTarget | UrlTarget, lookup: OperationLookup | undefined, clock: Clock) {
    this.#address = addressOf(target);
    this.#credentials = credentials(target);
    this.#lookup = lookup;
    this.#clock = clock;
    this.#shared = agentOf(this.#address, true);
    this.#single = agentOf(this.#address, false);
  }

  async call(name: string, input: unknown, options: CallOptions): Promise<unknown> {
    const route = await this.#route(name, options);
    if (route.type !== 'query' && route.type !== 'mutation')
      throw clientError('CALL_INVALID', { operation: name, type: route.type, what: 'called' });
    const plan = options.plan === true;
    const { path, body } = requestOf(route, input, plan ? { plan: 'true' } : {});
    const answer = await this.#send(
      route.name,
      { method: route.method, path, body, changes: route.type === 'mutation' && !plan },
      options,
    );
    if (!plan) return answer;
    const found = (answer as { plan?: unknown } | null)?.plan;
    if (found === undefined) throw this.#invalid(name, 'it is no plan');
    return found;
  }

  async *follow(name: string, input: unknown, options: FollowOptions): AsyncIterable<StreamItem> {
    const { signal } = options;
    if (signal.aborted) return;
    const route = await this.#route(name, { signal });
    this.#require(route, 'feed');
    const { path } = requestOf(route, input);
    yield* followFeed(
      {
        operation: name,
        server: this.#address.server,
        clock: this.#clock,
        open: (lastId, aborted) => this.#openStream(name, route.method, path, lastId, aborted),
      },
      options,
    );
  }

  async channel(name: string, input: unknown, signal: AbortSignal): Promise<Duplex> {
    const route = await this.#route(name, { signal });
    this.#require(route, 'channel');
    const { path } = requestOf(route, input);
    return openChannel({
      address: this.#address,
      agent: this.#single,
      operation: name,
      path,
      headers: this.#credentials,
      clock: this.#clock,
      signal,
    });
  }

  async upload(
    name: string,
    input: unknown,
    body: AsyncIterable<Uint8Array>,
    { sizeBytes, signal = never, onProgress }: SendOptions,
  ): Promise<UploadAnswer> {
    const route = await this.#route(name, { signal });
    this.#require(route, 'upload');
    return upload({
      ...this.#streamRequest(route, input, 'text/event-stream', signal),
      sizeBytes,
      body,
      onProgress,
    });
  }

  async download(name: string, input: unknown, { signal = never }: ReceiveOptions): Promise<DownloadBody> {
    const route = await this.#route(name, { signal });
    this.#require(route, 'download');
    return download(this.#streamRequest(route, input, 'application/octet-stream', signal));
  }

  #streamRequest(route: Route, input: unknown, accept: string, signal: AbortSignal) {
    const { name, method } = route;
    return {
      operation: name,
      address: this.#address,
      agent: this.#single,
      method,
      path: requestOf(route, input).path,
      headers: { accept: `${accept}, application/problem+json`, ...this.#credentials },
      clock: this.#clock,
      signal,
      refusal: (head: IncomingMessage) => this.#refusal(name, head),
    };
  }

  /** Why an answer is not the stream that was asked for. */
  async #refusal(name: string, head: IncomingMessage): Promise<PvcError> {
    const type = head.headers['content-type'] ?? 'nothing';
    try {
      this.#valueOf(name, { head, text: await textOf(head) });
    } catch (error) {
      if (error instanceof PvcError) return error;
      throw error;
    }
    return this.#invalid(name, `it is no stream but ${type}`);
  }

  close(): void {
    this.#shared.destroy();
    this.#single.destroy();
  }

  /** From the operations that this program knows, else from the server's own list, which is asked for once. */
  async #route(name: string, options: CallOptions): Promise<Route> {
    if (this.#lookup !== undefined) return routeOf(this.#lookup.get(name));
    const asking = (this.#routes ??= this.#askRoutes(options));
    const routes = await asking.catch((error: unknown) => {
      if (this.#routes === asking) this.#routes = undefined; // the next call asks again
      throw error;
    });
    const found = routes.get(name);
    if (found === undefined) throw operationError('OPERATION_UNKNOWN', { operation: name });
    return found;
  }

  async #askRoutes(options: CallOptions): Promise<ReadonlyMap<string, Route>> {
    const index = (await this.#send(
      'the list of operations',
      { method: 'GET', path: apiBase, changes: false },
      options,
    )) as { operations?: unknown } | null;
    if (!Array.isArray(index?.operations)) throw this.#invalid('the list of operations', 'it holds none');
    const routes = new Map<string, Route>();
    for (const entry of index.operations as Partial<Route>[]) {
      const { name, type, method, path } = entry;
      if (
        typeof name !== 'string' ||
        type === undefined ||
        method === undefined ||
        typeof path !== 'string' ||
        !path.startsWith(apiBase)
      ) {
        throw this.#invalid('the list of operations', 'an entry has no name, type, method or path');
      }
      routes.set(name, { name, type, method, path: path.slice(apiBase.length) });
    }
    return routes;
  }

  /** The answer's value; tries again what changes nothing and met a refused or cut connection. */
  async #send(
    name: string,
    wanted: { method: string; path: string; body?: string | undefined; changes: boolean },
    options: CallOptions,
  ): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const late = new AbortController();
    const cancel = this.#clock.after(timeoutMs, () => late.abort());
    const signal = options.signal === undefined ? late.signal : AbortSignal.any([options.signal, late.signal]);
    const server = this.#address.server;
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return this.#valueOf(name, await this.#exchange(wanted, signal));
        } catch (error) {
          if (options.signal?.aborted) throw options.signal.reason;
          if (late.signal.aborted)
            throw clientError(
              wanted.changes && !(error instanceof AskFailed && !error.connected) ? 'ANSWER_LATE' : 'QUERY_LATE',
              {
                server,
                operation: name,
                seconds: timeoutMs / 1000,
              },
            );
          if (!(error instanceof AskFailed)) throw error;
          if (error.cause instanceof RangeError) throw this.#invalid(name, error.cause.message);
          const pauseMs = retryPausesMs[attempt];
          if (wanted.method !== 'GET' || pauseMs === undefined || !passing(error)) {
            throw lostError(error.cause, {
              address: this.#address,
              operation: name,
              changes: wanted.changes,
              connected: error.connected,
            });
          }
          // Wakes early when it is late or was stopped; the next round finds out which.
          await this.#clock.sleep(pauseMs, signal).catch(() => undefined);
        }
      }
    } finally {
      cancel();
    }
  }

  /** The head of a feed's answer. Its body has no time limit. */
  async #openStream(
    name: string,
    method: string,
    path: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const late = new AbortController();
    const cancel = this.#clock.after(defaultTimeoutMs, () => late.abort());
    try {
      const head = await ask({
        address: this.#address,
        agent: this.#single,
        method,
        path,
        headers: {
          accept: 'text/event-stream',
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
          ...this.#credentials,
        },
        signal: AbortSignal.any([signal, late.signal]),
      });
      const type = head.headers['content-type'] ?? 'nothing';
      if (head.statusCode === 200 && type.startsWith('text/event-stream')) return head;
      this.#valueOf(name, { head, text: await textOf(head) });
      throw this.#invalid(name, `it is no stream but ${type}`);
    } catch (error) {
      if (late.signal.aborted)
        throw clientError('QUERY_LATE', {
          server: this.#address.server,
          operation: name,
          seconds: defaultTimeoutMs / 1000,
        });
      if (!(error instanceof AskFailed)) throw error;
      throw lostError(error.cause, {
        address: this.#address,
        operation: name,
        changes: false,
        connected: error.connected,
      });
    } finally {
      cancel();
    }
  }

  async #exchange(
    { method, path, body, changes }: { method: string; path: string; body?: string | undefined; changes: boolean },
    signal: AbortSignal,
  ): Promise<{ head: IncomingMessage; text: string }> {
    signal.throwIfAborted();
    const head = await ask({
      address: this.#address,
      agent: changes ? this.#single : this.#shared,
      method,
      path,
      headers: { accept: 'application/json, application/problem+json', ...this.#credentials },
      body,
      signal,
    });
    return { head, text: await textOf(head) };
  }

  #valueOf(name: string, { head, text }: { head: IncomingMessage; text: string }): unknown {
    const status = head.statusCode ?? 0;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // The text itself may be a page of a proxy: its head says enough.
      throw this.#invalid(name, `status ${status}, and not JSON but ${head.headers['content-type'] ?? 'nothing'}`);
    }
    if (status >= 200 && status < 300) return value;
    throw problemError(value, status) ?? this.#invalid(name, `status ${status} without a reason`);
  }

  #require(route: Route, type: Route['type']): void {
    if (route.type !== type)
      throw clientError('CALL_INVALID', {
        operation: route.name,
        type: route.type,
        what: usedAs[type],
      });
  }

  #invalid(operation: string, reason: string): PvcError {
    return clientError('ANSWER_INVALID', { server: this.#address.server, operation, reason });
  }
}
