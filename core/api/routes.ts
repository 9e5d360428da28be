/** The routes of the registry, in the order in which they must be tried. @module */
import type { Operation } from '../operation/operation.ts';
import type { OperationRegistry } from '../operation/registry.ts';

export const apiBase = '/api/v1';

export interface Route {
  readonly operation: Operation;
  /** With the base, fields as `:name` (Hono). */
  readonly pattern: string;
  readonly matches: (path: string) => boolean;
}

/** Fixed segments before fields, so that `/vms/import` is not taken for a guest of that name. */
export function routesOf(registry: OperationRegistry): Route[] {
  const rank = (path: string): string => path.replace(/\{\w+\}/g, '\uffff');
  return registry
    .all()
    .map(({ operation }) => operation)
    .sort((a, b) => (rank(a.http.path) < rank(b.http.path) ? -1 : 1))
    .map((operation) => {
      const { path } = operation.http;
      const expression = new RegExp(
        `^${apiBase}${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`,
      );
      return {
        operation,
        pattern: apiBase + path.replace(/\{(\w+)\}/g, ':$1'),
        matches: (asked) => expression.test(asked),
      };
    });
}

/** The methods that a path takes; empty when there is no such path. */
export function methodsAt(routes: readonly Route[], path: string): string[] {
  const methods = new Set<string>(
    routes.filter((route) => route.matches(path)).map((route) => route.operation.http.method),
  );
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}
