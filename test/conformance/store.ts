/** What every back end of the store must do. Each back end's own test runs this suite on itself. @module */
import { describe } from 'node:test';
import { entryConformance } from './store-entries.ts';
import { modelConformance } from './store-model.ts';
import { sessionConformance } from './store-session.ts';
import type { StoreFactory } from './store-subject.ts';
import { watchConformance } from './store-watch.ts';

export type { StoreFactory } from './store-subject.ts';

/** Declares the suite; `factory` gives a fresh, empty state for each test. */
export function storeConformance(name: string, factory: StoreFactory): void {
  describe(`${name} store`, () => {
    describe('entries', () => entryConformance(factory));
    describe('any commits', () => modelConformance(factory));
    describe('session', () => sessionConformance(factory));
    describe('watch', () => watchConformance(factory));
  });
}
