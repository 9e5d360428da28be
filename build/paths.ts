/** Where things are in the source tree and where the build puts them. @module */
import { fileURLToPath } from 'node:url';

/** Absolute path of something in the repository. */
export const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const entryPoint = inRepository('core/main.ts');
/** Every file under it is embedded, under its relative path as name: `core/host/assets.ts` reads it. */
export const assetDirectory = inRepository('dist/assets');
/** Of the executable: it starts the program. */
export const bootEntry = inRepository('core/boot.ts');
export const bootFile = inRepository('dist/boot.cjs');
/** What V8 has compiled of the bundle. */
export const compiledFile = inRepository('dist/pvc.cache');
export const bundleFile = inRepository('dist/pvc.cjs');
export const binaryFile = inRepository('dist/pvc');
