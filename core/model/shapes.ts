/**
 * Shapes of documents in a cluster whose nodes run different versions: see docs/decisions/012-mixed-versions.md.
 * @module
 */
import type { AnyKind } from './kind.ts';

/** For each kind the number of a shape. */
export type ShapeLevels = Readonly<Record<string, number>>;

/** A kind that nothing is said of has its first shape: so it was before shapes were told. */
const firstShape = 1;

/** The shapes that all nodes have agreed on, as far as this process knows. */
export class Shapes {
  readonly #agreed = new Map<string, number>();

  /**
   * Takes what the cluster's document says. Levels only rise, so knowing an older one is safe: a document is then written
   * in a shape that everybody can read.
   */
  agree(levels: ShapeLevels | undefined): void {
    for (const [kind, level] of Object.entries(levels ?? {}))
      this.#agreed.set(kind, Math.max(level, this.#agreed.get(kind) ?? firstShape));
  }

  /** The shape in which documents of the kind are written now. */
  of(kind: Pick<AnyKind, 'name' | 'version'>): number {
    return Math.min(kind.version, this.#agreed.get(kind.name) ?? firstShape);
  }
}

/** What a process with these kinds understands. */
export const shapesOf = (kinds: Iterable<Pick<AnyKind, 'name' | 'version'>>): ShapeLevels =>
  Object.fromEntries([...kinds].map(({ name, version }) => [name, version]));

/**
 * The levels that all nodes understand. Every node that belongs to the cluster counts, also one that is off; one that has
 * not told yet understands first shapes only, and one that does not have a kind at all (a plugin that it lacks) does not matter.
 */
export function commonShapes(kinds: readonly AnyKind[], nodes: readonly (ShapeLevels | undefined)[]): ShapeLevels {
  const least = ({ name, version }: AnyKind): number =>
    Math.min(version, ...nodes.flatMap((levels) => (levels === undefined ? [firstShape] : (levels[name] ?? []))));
  return Object.fromEntries(kinds.map((kind) => [kind.name, least(kind)]));
}

/** What a process understands that says nothing of it. */
export const firstShapes = (levels: ShapeLevels | undefined): ShapeLevels =>
  Object.fromEntries(Object.keys(levels ?? {}).map((kind) => [kind, firstShape]));

/** Kinds that the cluster writes in a shape newer than the newest that is understood here. */
export const tooNew = (understood: ShapeLevels, agreed: ShapeLevels | undefined): string[] =>
  Object.entries(agreed ?? {})
    .filter(([kind, level]) => level > (understood[kind] ?? level))
    .map(([kind, level]) => `${kind} (shape ${level}, known here: ${understood[kind]})`);
