/** Redfish with the real curl, on a small BMC with a certificate of its own. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createLinuxHost } from '../../core/host/linux.ts';
import { type BmcAccess, PvcError } from '../../core/plugin/api.ts';
import { type RedfishBmc, rememberedSystem, startRedfishBmc } from '../../test/fixtures/redfish-bmc.ts';
import { redfishDriver } from './redfish.ts';
import { pinOf } from './redfish-request.ts';

// What is special in curl's configuration, in JSON and in a shell.
const password = `told "to" \\nobody' $HOME #1:x`;
const user = 'site\\pvc';
const { signal } = new AbortController();

/** Command lines of this machine. */
const commandLines = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it has ended meanwhile
      }
    });

describe('a BMC that speaks Redfish', () => {
  const logged: string[] = [];
  const host = createLinuxHost({ destination: (line) => void logged.push(line) });
  const driver = redfishDriver(() => host);
  let server: RedfishBmc;
  let bmc: BmcAccess;

  const open = async (...systems: readonly string[]): Promise<void> => {
    server = await startRedfishBmc({
      ...{ user, password },
      systems: Object.fromEntries(systems.map((id) => [id, rememberedSystem()])),
    });
    bmc = {
      ...{ node: 'hv2', driver: 'redfish', address: '127.0.0.1', port: server.port, user, password },
      ...{ cipherSuite: 17, privilege: 'OPERATOR', pin: pinOf(server.certificate) },
    };
  };
  beforeEach(() => open('System.Embedded.1'));
  afterEach(() => server.close());

  const fails = async (doing: Promise<unknown>, code: string, reason: RegExp): Promise<PvcError> => {
    let found: PvcError | undefined;
    await assert.rejects(doing, (error) => {
      assert.ok(error instanceof PvcError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, reason);
      assert.ok(!JSON.stringify([error.message, error.hint, error.details, error.stack]).includes('nobody'));
      found = error;
      return true;
    });
    return found as PvcError;
  };

  it('is read and switched by the place and the words that it names itself', async () => {
    assert.equal(await driver.status(bmc, signal), 'on');
    await driver.off(bmc, signal);
    assert.equal(await driver.status(bmc, signal), 'off');
    await driver.off(bmc, signal);
    await driver.on(bmc, signal);
    assert.equal(await driver.status(bmc, signal), 'on');
    await driver.reset(bmc, signal);
    assert.deepEqual(
      server.requests.filter((line) => line.startsWith('POST')),
      ['ForceOff', 'On', 'ForceRestart'].map(
        (type) => `POST /redfish/v1/Systems/System.Embedded.1/Actions/Reset.Here ${type}`,
      ),
    );
  });

  it('has its system boot from the network once', async () => {
    await driver.bootFromNetwork?.(bmc, signal);
    assert.equal(
      server.requests.at(-1),
      'PATCH /redfish/v1/Systems/System.Embedded.1 {"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}',
    );
    server.mode = 'forbids';
    await fails(driver.bootFromNetwork?.(bmc, signal) ?? Promise.resolve(), 'BMC_PRIVILEGE', /not for this user/);
  });

  it('is sent the password on no command line', async () => {
    server.delayMs = 300;
    let over = false;
    let seen = 0;
    const leaks: string[] = [];
    const reading = driver.status(bmc, signal).finally(() => {
      over = true;
    });
    while (!over) {
      const lines = commandLines();
      seen += lines.filter((line) => line.startsWith('curl -q --config -')).length;
      leaks.push(...lines.filter((line) => /nobody|Authorization/.test(line)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await reading, 'on');
    assert.ok(seen > 0, 'curl has been seen');
    assert.deepEqual(leaks, []);
    assert.doesNotMatch(logged.join('\n'), /nobody/);
  });

  it('is told nothing when nobody vouches for it, and its pin is shown', async () => {
    const { pin, ...unpinned } = bmc;
    const { message } = await fails(driver.status(unpinned, signal), 'BMC_CERTIFICATE', /no authority .* vouches/);
    assert.ok(message.includes(pin as string), message);
    assert.deepEqual(server.requests, []);
  });

  it('is told nothing when it shows another key than the pinned one', async () => {
    const other = { ...bmc, pin: `sha256//${'A'.repeat(43)}=` };
    const { message } = await fails(driver.off(other, signal), 'BMC_CERTIFICATE', /not the pinned one/);
    assert.ok(message.includes(bmc.pin as string), message);
    assert.deepEqual(server.requests, []);
  });

  it('refuses a wrong password, and a user without the privilege', async () => {
    await fails(driver.status({ ...bmc, password: 'nobody knows' }, signal), 'BMC_DENIED', /HTTP 401: who are you/);
    server.mode = 'forbids';
    await fails(driver.off(bmc, signal), 'BMC_PRIVILEGE', /HTTP 403: not for this user/);
  });

  it('needs the name of the system when it has several', async () => {
    await server.close();
    await open('blade1', 'blade2');
    await fails(driver.off(bmc, signal), 'BMC_SYSTEM', /has several: blade1, blade2/);
    await fails(driver.off({ ...bmc, system: 'blade3' }, signal), 'BMC_SYSTEM', /no blade3, only: blade1, blade2/);
    await driver.off({ ...bmc, system: 'blade2' }, signal);
    assert.equal(await driver.status({ ...bmc, system: 'blade2' }, signal), 'off');
    assert.equal(await driver.status({ ...bmc, system: 'blade1' }, signal), 'on');
  });

  for (const [mode, code, reason] of [
    ['busy', 'BMC_BUSY', /HTTP 503/],
    ['elsewhere', 'BMC_FAILED', /sends \/redfish\/v1\/ elsewhere.*HTTP 302/],
    ['page', 'BMC_FAILED', /not JSON/],
    ['broken', 'BMC_FAILED', /not JSON/],
    ['endless', 'BMC_FAILED', /more than 1 MiB/],
    ['echoes', 'BMC_FAILED', /HTTP 500: cannot work with site.*\*\*\* \(Basic \*\*\*\)/],
  ] as const)
    it(`fails clearly when it is in the mode ${mode}`, async () => {
      server.mode = mode;
      await fails(driver.status(bmc, signal), code, reason);
    });

  it('may have done what it gave no answer to', async () => {
    server.mode = 'lost';
    await fails(driver.off(bmc, signal), 'BMC_UNREACHABLE', /without an answer|broke/);
    server.mode = 'well';
    assert.equal(await driver.status(bmc, signal), 'off');
  });

  it('may take an order and do nothing: what it reads tells', async () => {
    server.mode = 'lies';
    await driver.off(bmc, signal);
    assert.equal(await driver.status(bmc, signal), 'on');
  });

  it('is left at once when the attempt is ended', async () => {
    server.delayMs = 60_000;
    const ending = new AbortController();
    const reading = driver.status(bmc, ending.signal);
    setTimeout(() => ending.abort(new Error('over')), 200);
    await assert.rejects(reading, /over/);
  });

  it('is out of reach when nothing listens', async () => {
    const { port } = server;
    await server.close();
    await fails(driver.status({ ...bmc, port }, signal), 'BMC_UNREACHABLE', /no connection/);
    await open('1');
  });
});
