import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExecOptions } from '../../core/host/host.ts';
import { type BmcAccess, PvcError } from '../../core/plugin/api.ts';
import { argvFor, ipmiDriver } from './ipmitool.ts';

const bmc: BmcAccess = {
  ...{ node: 'hv2', driver: 'ipmi', address: '192.0.2.12', user: 'pvc', password: 'told to nobody' },
  ...{ cipherSuite: 3, privilege: 'OPERATOR' },
};
const { signal } = new AbortController();

function driverThat(answers: { code?: number; stdout?: string; stderr?: string }) {
  const asked: { argv: readonly string[]; options: ExecOptions }[] = [];
  const exec = async (argv: readonly string[], options: ExecOptions) => {
    asked.push({ argv, options });
    return { code: 0, signal: null, stdout: '', stderr: '', ...answers };
  };
  return { driver: ipmiDriver(() => ({ processes: { exec } }) as never), asked };
}

describe('ipmitool', () => {
  it('is called with the user, the suite and the privilege, and never with the password', async () => {
    const { driver, asked } = driverThat({ stdout: 'Chassis Power is off\n' });
    assert.equal(await driver.status(bmc, signal), 'off');
    const [{ argv, options } = assert.fail()] = asked;
    assert.equal(
      argv.join(' '),
      'ipmitool -v -I lanplus -H 192.0.2.12 -U pvc -E -C 3 -L OPERATOR -N 2 -R 3 chassis power status',
    );
    assert.deepEqual(options.env, { IPMI_PASSWORD: bmc.password });
    assert.equal(options.signal, signal);
    assert.equal(options.input, undefined);
  });

  it('has the next boot be one from the network, and believes nothing else than that it says so', async () => {
    const { driver, asked } = driverThat({ stdout: 'Set Boot Device to pxe\n' });
    await driver.bootFromNetwork?.(bmc, signal);
    assert.match(asked[0]?.argv.join(' ') ?? '', / chassis bootdev pxe$/);
    const silent = driverThat({});
    await assert.rejects(
      async () => silent.driver.bootFromNetwork?.(bmc, signal),
      (error) => error instanceof PvcError && error.code === 'BMC_FAILED',
    );
  });

  it('is told another port', () =>
    assert.match(argvFor({ ...bmc, port: 6230 }, ['x']).join(' '), / -H 192\.0\.2\.12 -p 6230 -U pvc /));

  it('fails with what the BMC said, and without the password', async () => {
    const { driver } = driverThat({ code: 1, stderr: '> RAKP 2 HMAC is invalid\n' });
    await assert.rejects(driver.off(bmc, signal), (error) => {
      assert.ok(error instanceof PvcError);
      assert.equal(error.code, 'BMC_DENIED');
      assert.match(error.message, /hv2 at 192\.0\.2\.12 does not let the user pvc in: the password is wrong/);
      assert.doesNotMatch(JSON.stringify([error.message, error.hint, error.details]), /told to nobody/);
      return true;
    });
  });

  it('has not switched anything when it ends well without saying so', async () => {
    const { driver } = driverThat({ code: 0 });
    await assert.rejects(driver.on(bmc, signal), (error) => error instanceof PvcError && error.code === 'BMC_FAILED');
  });
});
