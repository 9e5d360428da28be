/** The operations that this program knows: core's and those of its plugins. @module */
import { operationError } from './errors.ts';
import type { Operation } from './operation.ts';

const namePattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\.[a-z][a-z0-9]*(?:-[a-z0-9]+)*)+$/;

/**
 * What a query string says beside the input: `?plan=true`, `?after=ID`. A field of that name would turn a
 * request for a plan into the deed itself.
 */
const reservedFields: Readonly<Partial<Record<Operation['type'], string>>> = { mutation: 'plan', feed: 'after' };

/** Methods that fit what passes in the body. */
const streamMethods: Readonly<Partial<Record<Operation['type'], readonly string[]>>> = {
  upload: ['POST', 'PUT'],
  download: ['GET'],
};

export interface RegisteredOperation {
  readonly operation: Operation;
  /** `core`, or the plugin that brought it. */
  readonly plugin: string;
}

export class OperationRegistry {
  readonly #byName = new Map<string, RegisteredOperation>();

  /** @throws Error when the name, route or command is malformed or taken: a fault of the plugin. */
  add(plugin: string, operation: Operation): void {
    if (!namePattern.test(operation.name))
      throw new Error(`operation name "${operation.name}" is not noun.verb in lower case`);
    const route = routeOf(operation);
    for (const other of this.#byName.values()) {
      if (other.operation.name === operation.name)
        throw new Error(`operation ${operation.name} is already declared by ${other.plugin}`);
      if (routeOf(other.operation) === route)
        throw new Error(`${operation.name}: route ${route} belongs to ${other.operation.name}`);
      if (operation.cli !== undefined && other.operation.cli?.command === operation.cli.command) {
        throw new Error(`${operation.name}: command "${operation.cli.command}" belongs to ${other.operation.name}`);
      }
    }
    for (const [, field = ''] of operation.http.path.matchAll(/\{(\w+)\}/g)) {
      if (!(field in operation.input.shape))
        throw new Error(`${operation.name}: route names {${field}}, which is no field of its input`);
    }
    for (const argument of operation.cli?.arguments ?? []) {
      if (!(argument.field in operation.input.shape))
        throw new Error(`${operation.name}: argument ${argument.field} is no field of its input`);
    }
    const methods = streamMethods[operation.type];
    if (methods !== undefined && !methods.includes(operation.http.method))
      throw new Error(`${operation.name}: its method must be ${methods.join(' or ')}`);
    const reserved = reservedFields[operation.type];
    if (reserved !== undefined && reserved in operation.input.shape) {
      throw new Error(
        `${operation.name}: a field named "${reserved}" would be taken for what the API's ?${reserved}= says`,
      );
    }
    this.#byName.set(operation.name, { operation, plugin });
  }

  all(): RegisteredOperation[] {
    return [...this.#byName.values()];
  }

  /** @throws PvcError OPERATION_UNKNOWN */
  get(name: string): Operation {
    const found = this.#byName.get(name);
    if (found === undefined) throw operationError('OPERATION_UNKNOWN', { operation: name });
    return found.operation;
  }
}

const routeOf = (operation: Operation): string =>
  `${operation.http.method} ${operation.http.path.replace(/\{\w+\}/g, '{}')}`;
