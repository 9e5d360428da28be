/**
 * One of two processes that commit to the same store at once: `store-worker.ts PATH NAME`. Commits until it
 * is told to stop and reports how many.
 * @module
 */
import { createLinuxHost } from '../../core/host/linux.ts';
import { openSqliteStore } from '../../core/store/sqlite.ts';
import { documentSizedValue } from './store.ts';

const [path = '', name = ''] = process.argv.slice(2);
const store = await openSqliteStore(createLinuxHost({ destination: 'stderr', pretty: true }), { path, owner: name });
const told = { stop: false };
process.once('message', () => {
  told.stop = true;
});
process.send?.('ready');
let count = 0;
for (; !told.stop; count += 1)
  await store.commit([{ op: 'create', key: `/${name}/${count}`, value: documentSizedValue }]);
await store.close();
process.send?.(count);
process.disconnect();
