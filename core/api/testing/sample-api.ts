/** A small registry on a memory store, with an app in front of it: for the tests of the API. @module */
import { Duplex } from 'node:stream';
import { z } from 'zod';
import { tokenOperations } from '../../cluster/token-operations.ts';
import type { Clock } from '../../host/clock.ts';
import { createVirtualHost, type VirtualHost } from '../../host/virtual-host.ts';
import { defineKind } from '../../model/kind.ts';
import { tagName } from '../../model/names.ts';
import { Executor } from '../../operation/execute.ts';
import {
  defineChannel,
  defineDownload,
  defineFeed,
  defineMutation,
  defineQuery,
  defineUpload,
  type FeedItem,
  type Operation,
} from '../../operation/operation.ts';
import { OperationRegistry } from '../../operation/registry.ts';
import type { DownloadBody, UploadRun } from '../../operation/stream-types.ts';
import { Documents } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { type App, createApp } from '../app.ts';
import { createAuthenticate } from '../authenticate.ts';
import type { Bindings } from '../caller.ts';

const petSpec = z.strictObject({ name: tagName, age: z.int() });
const pet = defineKind<z.infer<typeof petSpec>, null>({
  name: 'pet',
  plural: 'pets',
  version: 1,
  id: tagName,
  spec: petSpec,
  status: z.null(),
});

export interface SampleHooks {
  /** The feed `pet.follow`. */
  follow: (signal: AbortSignal, resumeAfter: string | undefined) => AsyncIterable<FeedItem<unknown>>;
  /** The stream of `pet.talk`. */
  talk: () => Duplex;
  /** Takes the body of `pet.feed`. */
  feed: (body: AsyncIterable<Uint8Array>, run: UploadRun) => Promise<unknown>;
  /** Gives the body of `pet.picture`. */
  picture: (signal: AbortSignal) => DownloadBody;
}

/** Gives back what is written to it, and takes no more than it has given. */
export function echo(): Duplex {
  const stream: Duplex = new Duplex({
    highWaterMark: 16 * 1024,
    read() {
      const held = waiting;
      waiting = undefined;
      held?.();
    },
    write(chunk: Buffer, _encoding, done) {
      if (stream.push(chunk)) done();
      else waiting = done;
    },
    final(done) {
      stream.push(null);
      done();
    },
  });
  let waiting: (() => void) | undefined;
  return stream;
}

export function sampleOperations(hooks: SampleHooks): Operation[] {
  return [
    defineQuery({
      name: 'pet.list',
      summary: 'List pets',
      http: { method: 'GET', path: '/pets' },
      role: 'viewer',
      input: z.strictObject({
        limit: z.int().default(10),
        young: z.boolean().optional(),
        tags: z.array(z.string()).optional(),
        ages: z.array(z.int()).optional(),
        where: z.strictObject({ name: z.string() }).optional(),
        sort: z.union([z.int(), z.literal('name')]).optional(),
      }),
      output: z.unknown(),
      run: async (_context, input) => input,
    }),
    defineQuery({
      name: 'pet.show',
      summary: 'Show a pet',
      http: { method: 'GET', path: '/pets/{pet}' },
      role: 'viewer',
      input: z.strictObject({ pet: tagName }),
      output: petSpec,
      run: async ({ view }, input) => (await view.need(pet, input.pet)).spec,
    }),
    defineQuery({
      name: 'pet.crash',
      summary: 'Fail',
      http: { method: 'GET', path: '/pets/crash' },
      role: 'viewer',
      input: z.strictObject({}),
      output: z.unknown(),
      run: async () => {
        throw new Error('inner detail of the crash');
      },
    }),
    defineMutation({
      name: 'pet.create',
      summary: 'Take a pet in',
      http: { method: 'POST', path: '/pets' },
      cli: { command: 'pet create' },
      role: 'operator',
      input: z.strictObject({ name: tagName, age: z.int().default(1) }),
      output: petSpec,
      async plan(plan, _context, input) {
        plan.create(pet, input.name, input);
        if (input.age > 20) plan.warn('That is old.');
        return input;
      },
    }),
    defineMutation({
      name: 'pet.change',
      summary: 'Change a pet',
      http: { method: 'PUT', path: '/pets/{pet}' },
      role: 'operator',
      maxBodyBytes: 64,
      input: z.strictObject({ pet: tagName, age: z.int() }),
      output: petSpec,
      async plan(plan, { view }, input) {
        const doc = await view.need(pet, input.pet);
        const spec = { ...doc.spec, age: input.age };
        plan.update(pet, doc, spec);
        return spec;
      },
    }),
    defineMutation({
      name: 'pet.remove',
      summary: 'Give a pet away',
      http: { method: 'DELETE', path: '/pets/{pet}' },
      role: 'admin',
      input: z.strictObject({ pet: tagName, force: z.boolean().default(false) }),
      output: z.object({ force: z.boolean() }),
      async plan(plan, { view }, input) {
        plan.remove(pet, await view.need(pet, input.pet));
        return { force: input.force };
      },
    }),
    defineMutation({
      name: 'pet.walk',
      summary: 'Walk a pet',
      http: { method: 'POST', path: '/pets/{pet}/walk' },
      role: 'operator',
      input: z.strictObject({ pet: tagName }),
      output: z.object({}),
      async plan(plan, { view }, input) {
        const doc = await view.need(pet, input.pet);
        plan.task({
          action: 'pet.walk',
          target: { kind: 'pet', id: doc.id, label: doc.id },
          node: undefined,
          input: null,
          timeoutMs: 1000,
        });
        return {};
      },
    }),
    defineFeed({
      name: 'pet.follow',
      summary: 'Follow a pet',
      http: { method: 'GET', path: '/pets/{pet}/follow' },
      role: 'viewer',
      input: z.strictObject({ pet: tagName, lines: z.int().default(1) }),
      output: z.unknown(),
      open: ({ signal }, _input, resumeAfter) => hooks.follow(signal, resumeAfter),
    }),
    defineChannel({
      name: 'pet.talk',
      summary: 'Talk to a pet',
      http: { method: 'GET', path: '/pets/{pet}/talk' },
      role: 'operator',
      input: z.strictObject({ pet: tagName }),
      output: z.unknown(),
      connect: async ({ view }, input) => {
        await view.need(pet, input.pet);
        return hooks.talk();
      },
    }),
    defineUpload({
      name: 'pet.feed',
      summary: 'Feed a pet',
      http: { method: 'PUT', path: '/pets/{pet}/food' },
      role: 'operator',
      input: z.strictObject({ pet: tagName, warm: z.boolean().default(false), note: z.string().optional() }),
      output: z.unknown(),
      secrets: ['note'],
      maxBodyBytes: 64 * 1024 * 1024 * 1024,
      async receive({ view }, input, body, run) {
        await view.need(pet, input.pet);
        return hooks.feed(body, run);
      },
    }),
    defineUpload({
      name: 'pet.pour',
      summary: 'Pour something out of a pipe',
      http: { method: 'POST', path: '/pets/{pet}/water' },
      role: 'operator',
      input: z.strictObject({ pet: tagName }),
      output: z.unknown(),
      sizeUnknown: true,
      maxBodyBytes: 1000,
      receive: (_context, _input, body, run) => hooks.feed(body, run),
    }),
    defineDownload({
      name: 'pet.picture',
      summary: 'Look at a pet',
      http: { method: 'GET', path: '/pets/{pet}/picture' },
      role: 'viewer',
      input: z.strictObject({ pet: tagName }),
      async send({ view }, input, { signal }) {
        await view.need(pet, input.pet);
        return hooks.picture(signal);
      },
    }),
  ];
}

export interface SampleApi {
  readonly app: App;
  readonly host: VirtualHost<Clock>;
  readonly executor: Executor;
  readonly documents: Documents;
  readonly hooks: SampleHooks;
  /** Asks through the unix socket unless other bindings are given. */
  readonly ask: (path: string, init?: RequestInit, bindings?: Partial<Bindings>) => Promise<Response>;
}

export function createSampleApi(clock?: Clock): SampleApi {
  const host: VirtualHost<Clock> = clock === undefined ? createVirtualHost() : createVirtualHost({ clock });
  const documents = new Documents(createMemoryStore(host.clock));
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const registry = new OperationRegistry();
  const hooks: SampleHooks = {
    follow: async function* () {
      yield { id: '1', event: 'bark', data: { loud: true } };
    },
    talk: echo,
    feed: async (body) => {
      let bytes = 0;
      for await (const piece of body) bytes += piece.length;
      return { bytes };
    },
    picture: () => ({
      sizeBytes: 3,
      body: (async function* () {
        yield Buffer.from('rex');
      })(),
    }),
  };
  for (const operation of [...sampleOperations(hooks), ...tokenOperations]) registry.add('core', operation);
  const app = createApp({
    executor,
    registry,
    authenticate: createAuthenticate({ documents, clock: host.clock, log: host.log }),
    metrics: async () => 'pvc_pets 3\n',
    reach: () => ({ node: 'hv1', session: 'live', leaseLeftMs: 4_200 }),
    log: host.log,
    version: '1.2.3',
    clock: host.clock,
    random: host.random,
  });
  return {
    app,
    host,
    executor,
    documents,
    hooks,
    ask: async (path, init = {}, bindings = {}) => app.request(path, init, { door: 'socket', remote: '', ...bindings }),
  };
}

export const json = (method: string, body: unknown): RequestInit => ({
  method,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});
