import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { type BmcAccess, PvcError } from '../../core/plugin/api.ts';
import { redfishDriver } from './redfish.ts';

const bmc: BmcAccess = {
  ...{ node: 'hv2', driver: 'redfish', address: '2001:db8::12', port: 8443, user: 'site\\pvc', password: 'a "b" \\c' },
  ...{ cipherSuite: 17, privilege: 'OPERATOR', pin: `sha256//${'p'.repeat(43)}=` },
};
const { signal } = new AbortController();

/** An OpenBMC: what may be asked of it stands in a resource of its own. */
function openBmc() {
  const host = createVirtualHost();
  const state = { power: 'On', at: 'system' };
  const asked: string[] = [];
  host.processes.on(['curl', '-q', '--config', '-'], ({ options }) => {
    const input = String(options.input);
    const [, path = ''] = /^url = "https:\/\/\[2001:db8::12\]:8443(.*)"$/m.exec(input) ?? [];
    const [, posted] = /^data-raw = "(.*)"$/m.exec(input) ?? [];
    const [, method] = /^request = "(.*)"$/m.exec(input) ?? [];
    const words = [method, path, posted?.replaceAll('\\"', '"')];
    asked.push(words.filter((word) => word !== undefined).join(' '));
    const system = `/redfish/v1/Systems/${state.at}`;
    const answers: Record<string, object> = {
      '/redfish/v1/': { Systems: { '@odata.id': '/redfish/v1/Systems' } },
      '/redfish/v1/Systems': { Members: [{ '@odata.id': system }] },
      [system]: {
        PowerState: state.power,
        Actions: { '#ComputerSystem.Reset': { target: `${system}/R`, '@Redfish.ActionInfo': `${system}/Info` } },
      },
      [`${system}/Info`]: {
        Parameters: [{ Name: 'ResetType', AllowableValues: ['ForceOff', 'ForceOn', 'PowerCycle'] }],
      },
    };
    if (posted !== undefined) return { stdout: '\n204' };
    const answer = answers[path];
    return { stdout: answer === undefined ? '{}\n404' : `${JSON.stringify(answer)}\n200` };
  });
  return { host, state, asked, driver: redfishDriver(() => host) };
}

describe('the Redfish driver', () => {
  it('tells curl all by standard input, quoted', async () => {
    const { host, driver } = openBmc();
    await driver.status(bmc, signal);
    const [{ argv, options } = assert.fail()] = host.processes.calls;
    assert.deepEqual(argv, ['curl', '-q', '--config', '-']);
    assert.equal(options.env, undefined);
    assert.equal(
      options.input,
      [
        'url = "https://[2001:db8::12]:8443/redfish/v1/"',
        'proto = "=https"',
        'noproxy = "*"',
        'max-time = "8"',
        ...['silent', 'show-error', 'globoff', 'path-as-is', 'tlsv1.2', 'http1.1', 'insecure'],
        `pinnedpubkey = "${bmc.pin}"`,
        'basic',
        'user = "site\\\\pvc:a \\"b\\" \\\\c"',
        'header = "Accept: application/json"',
        'header = "OData-Version: 4.0"',
        'write-out = "\\n%{http_code}"',
        '',
      ].join('\n'),
    );
  });

  it('never asks without a proof of who answers', async () => {
    const { host, driver } = openBmc();
    const { pin: _, ...unpinned } = bmc;
    await driver.status(unpinned, signal);
    for (const { options } of host.processes.calls) assert.doesNotMatch(String(options.input), /insecure|pinned/);
  });

  it('gives the order that the description of the action allows', async () => {
    const { driver, asked, state } = openBmc();
    await driver.off(bmc, signal);
    state.power = 'Off';
    await driver.on(bmc, signal);
    assert.deepEqual(
      asked.filter((line) => line.includes(' ')),
      ['/redfish/v1/Systems/system/R {"ResetType":"ForceOff"}', '/redfish/v1/Systems/system/R {"ResetType":"ForceOn"}'],
    );
  });

  it('has the next boot be one from the network, once', async () => {
    const { driver, asked } = openBmc();
    await driver.bootFromNetwork?.(bmc, signal);
    const boot = '{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}';
    assert.equal(asked.at(-1), `PATCH /redfish/v1/Systems/system ${boot}`);
  });

  it('gives no order for what is so already', async () => {
    const { driver, asked } = openBmc();
    await driver.on(bmc, signal);
    assert.deepEqual(asked.at(-1), '/redfish/v1/Systems/system');
  });

  it('looks for the system anew after a minute, and when it is there no more', async () => {
    const { driver, asked, host, state } = openBmc();
    const found = async (): Promise<boolean> => {
      asked.length = 0;
      await driver.status(bmc, signal);
      return asked.length > 1;
    };
    assert.equal(await found(), true);
    assert.equal(await found(), false);
    await host.clock.advance(61_000);
    assert.equal(await found(), true);
    state.at = 'other';
    await assert.rejects(found(), (error) => error instanceof PvcError && error.code === 'BMC_FAILED');
    assert.equal(await found(), true);
  });
});
