import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { RouterPasswords } from './router-passwords.ts';

const path = '/etc/pvc/router';
const open = { address: '10.10.2.1', asn: 64_512, bfd: false };
const secret = { ...open, address: '10.10.2.2', passwordFile: path };

async function setUp(text?: string) {
  const { files } = createVirtualHost();
  await files.makeDirectory('/etc/pvc');
  if (text !== undefined) await files.writeAtomic(path, text, 0o600);
  return new RouterPasswords(files, [open, secret]);
}

describe('passwords of routers', () => {
  it('are the line of their file', async () => {
    for (const text of ['S3cret', 'S3cret\n', 'S3cret\r\n']) {
      const passwords = await setUp(text);
      assert.deepEqual(await passwords.spoken(), [open, { ...secret, password: 'S3cret' }]);
      assert.deepEqual([...passwords.troubles], []);
    }
    const longest = 'x'.repeat(80);
    assert.equal((await (await setUp(longest)).spoken())[1]?.password, longest);
  });

  it('keep a router from being spoken with where they cannot be read, and say why without saying them', async () => {
    for (const [text, why] of [
      [undefined, /there is no file \/etc\/pvc\/router/],
      ['', /one line/],
      ['two words', /one line/],
      ['two\nlines\n', /one line/],
      ['grün', /one line/],
      ['x'.repeat(81), /one line/],
    ] as const) {
      const passwords = await setUp(text);
      assert.deepEqual(await passwords.spoken(), [open]);
      const trouble = passwords.troubles.get('10.10.2.2') ?? '';
      assert.match(trouble, why);
      if (text !== undefined && text !== '') assert.ok(!trouble.includes(text));
    }
  });

  it('are read anew each time', async () => {
    const { files } = createVirtualHost();
    await files.makeDirectory('/etc/pvc');
    const passwords = new RouterPasswords(files, [secret]);
    assert.deepEqual(await passwords.spoken(), []);
    await files.writeAtomic(path, 'one\n', 0o600);
    assert.equal((await passwords.spoken())[0]?.password, 'one');
    assert.equal(passwords.troubles.size, 0);
  });
});
