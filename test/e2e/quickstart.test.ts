/**
 * `npm start` as a newcomer runs it: it comes up, shows a guest, and Ctrl-C at any time leaves nothing.
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { guestImage } from '../lab/guest/image.ts';
import { leftovers } from '../lab/leftovers.ts';
import { ensureExecutable } from '../lab/product.ts';
import { repository } from '../lab/repository.ts';
import { waitFor } from './wait-for.ts';

let running = 0;

/** `npm start` in a process group of its own, as a terminal's foreground job is. */
class Quickstart {
  readonly lab: string;
  text = '';
  readonly #pid: number;
  readonly #ended: Promise<[number | null, string | null]>;

  constructor(...args: string[]) {
    running += 1;
    this.lab = `start-${process.pid}-${running}`;
    const child = spawn('npm', ['start', '--silent', '--', '--name', this.lab, ...args], {
      cwd: repository,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#pid = child.pid ?? 0;
    this.#ended = once(child, 'close') as Promise<[number | null, string | null]>;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
      });
    }
  }

  async sees(pattern: RegExp): Promise<void> {
    await waitFor(`npm start to say ${pattern}`, () => pattern.exec(this.text), {
      timeoutMs: 180_000,
      everyMs: 20,
      evidence: () => this.text,
    });
  }

  pressCtrlC(): void {
    process.kill(-this.#pid, 'SIGINT');
  }

  /** Asserts that it ended well and that nothing of it is left. */
  async assertClean(): Promise<void> {
    const [code, signal] = await this.#ended;
    // The end of it tells why.
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, this.text.split('\n').slice(-15).join('\n'));
    assert.match(this.text, /everything is removed/);
    assert.deepEqual(await leftovers(this.lab), []);
  }
}

/** What `curl -k` with a token gets. */
function get(url: string, token: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` }, agent: false };
    request(url, options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('npm start', () => {
  before(async () => {
    await guestImage();
    await ensureExecutable();
  });
  after(async () => {
    for (let each = 1; each <= running; each += 1) {
      assert.deepEqual(await leftovers(`start-${process.pid}-${each}`), []);
    }
  });

  it('shows a running guest and an API, and Ctrl-C removes all of it', async () => {
    const start = new Quickstart();
    await start.sees(/Ctrl-C removes everything/);
    assert.match(start.text, /pvc-guest counter 3/);
    assert.match(start.text, /guest answers ping/);
    assert.match(start.text, /demo\.demo\.test is 10\.20\.0\.10, says the name server at 10\.20\.0\.1/);
    const [, token] = /Bearer (\S+)'/.exec(start.text) ?? [];
    const [, port] = /https:\/\/127\.0\.0\.1:(\d+)\/api\/v1\/vms/.exec(start.text) ?? [];
    assert.ok(token !== undefined && port !== undefined, start.text);
    const { status, body } = await get(`https://127.0.0.1:${port}/api/v1/vms`, token);
    assert.equal(status, 200, body);
    assert.match(body, /"demo"/);
    start.pressCtrlC();
    await start.assertClean();
  });

  for (const [when, pattern] of [
    ['while the node boots', /^/],
    ['before the cluster is made', /booted/],
    ['before the daemon answers', /cluster made/],
    ['while the guest boots', /guest started/],
  ] as const) {
    it(`can be interrupted ${when}`, async () => {
      const start = new Quickstart();
      await start.sees(pattern);
      if (when === 'while the node boots') {
        await waitFor('something to clean up', async () => (await leftovers(start.lab)).length > 0, { everyMs: 5 });
      }
      start.pressCtrlC();
      await start.assertClean();
    });
  }
});
