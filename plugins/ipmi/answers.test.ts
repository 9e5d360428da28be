import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootTaken, orderTaken, powerIn, refusalIn } from './answers.ts';

// Those of OpenIPMI's simulator are as it gave them to ipmitool 1.8.19. Those that name other makers are put together
// from ipmitool's texts for what these are known to answer; none of their machines was at hand.

/** What `-v` says besides on a BMC that has no HPM.x, as OpenIPMI's simulator and Supermicro's. */
const chatter = `Loading IANA PEN Registry...
Get HPM.x Capabilities request failed, compcode = d4
Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20
Invalid completion code received: Insufficient privilege level
Discovered IPMB address 0x0
`;
const noSession = 'Error: Unable to establish IPMI v2 / RMCP+ session\n';
const ended = (stderr: string, stdout = '', code: number | null = 1) => ({ code, signal: null, stdout, stderr });

describe('the power that ipmitool prints', () => {
  for (const [stdout, power] of [
    ['Chassis Power is on\n', 'on'],
    ['Chassis Power is off\n', 'off'],
    ['Chassis Power is off', 'off'],
    ['Chassis Power is on\r\n', 'on'],
    // iDRAC, whose firmware closes the session first.
    ['Chassis Power is on\nClose Session command failed\n', 'on'],
    ['', undefined],
    ['Chassis Power Control: Down/Off\n', undefined],
    ['Chassis Power is unknown\n', undefined],
    ['Unable to get Chassis Power Status\n', undefined],
  ] as const)
    it(`is ${power} for ${JSON.stringify(stdout)}`, () => assert.equal(powerIn(stdout), power));
});

describe('an order to ipmitool', () => {
  for (const [code, stdout, taken] of [
    [0, 'Chassis Power Control: Down/Off\n', true],
    [0, 'Chassis Power Control: Up/On\n', true],
    [0, 'Chassis Power Control: Reset\n', true],
    [1, 'Chassis Power Control: Down/Off\n', false],
    [0, '', false],
    [1, '', false],
  ] as const)
    it(`is ${taken ? '' : 'not '}taken with exit code ${code} and ${JSON.stringify(stdout)}`, () =>
      assert.equal(orderTaken({ code, stdout }), taken));
});

describe('what ipmitool is told of the next boot', () => {
  for (const [code, stdout, taken] of [
    [0, 'Set Boot Device to pxe\n', true],
    [1, 'Set Boot Device to pxe\n', false],
    [0, 'Set Boot Device to disk\n', false],
    [0, '', false],
  ] as const)
    it(`is ${taken ? '' : 'not '}taken with exit code ${code} and ${JSON.stringify(stdout)}`, () =>
      assert.equal(bootTaken({ code, stdout }), taken));
});

describe('a refusal that ipmitool prints', () => {
  for (const [what, stderr, code, reason] of [
    [
      'wrong password (all makers)',
      `Loading IANA PEN Registry...\n> RAKP 2 HMAC is invalid\n${noSession}`,
      'BMC_DENIED',
      /password is wrong/,
    ],
    [
      'wrong password (a BMC that finds out late)',
      `> RAKP 4 message has invalid integrity check value\n${noSession}`,
      'BMC_DENIED',
      /password is wrong/,
    ],
    [
      'unknown user (OpenIPMI, iDRAC)',
      `Loading IANA PEN Registry...\nRAKP 2 message indicates an error : unauthorized name\n${noSession}`,
      'BMC_DENIED',
      /no such user/,
    ],
    [
      'unknown user (iLO)',
      `RAKP 2 message indicates an error : illegal parameter\n${noSession}`,
      'BMC_DENIED',
      /no such user/,
    ],
    [
      'a password that IPMI cannot take',
      'lanplus: password is longer than 20 bytes.\n',
      'BMC_DENIED',
      /at most 20 characters/,
    ],
    [
      'cipher suite (OpenIPMI)',
      `Loading IANA PEN Registry...\nError in open session response message : invalid authentication algorithm\n\n${noSession}`,
      'BMC_CIPHER_SUITE',
      /none of these algorithms/,
    ],
    [
      'cipher suite (iDRAC, suite switched off)',
      `Error in open session response message : no matching integrity payload\n\n${noSession}`,
      'BMC_CIPHER_SUITE',
      /none of these algorithms/,
    ],
    [
      'cipher suite (iLO, Supermicro)',
      `Error in open session response message : no cipher suite match with proposed security algorithms\n\n${noSession}`,
      'BMC_CIPHER_SUITE',
      /none of these algorithms/,
    ],
    [
      'privilege that the user does not have (iDRAC, Supermicro)',
      `Error in open session response message : unauthorized role or privilege level requested\n\n${noSession}`,
      'BMC_PRIVILEGE',
      /more than it has/,
    ],
    [
      'privilege that is refused after the session is open (iLO)',
      'Set Session Privilege Level to OPERATOR failed: Unknown (0x81)\nError: Unable to establish IPMI v2 / RMCP+ session\n',
      'BMC_PRIVILEGE',
      /more than it has/,
    ],
    [
      'privilege that is too low for the order (OpenIPMI)',
      `${chatter}Set Chassis Power Control to Down/Off failed: Insufficient privilege level\n`,
      'BMC_PRIVILEGE',
      /insufficient privilege/,
    ],
    [
      'too many sessions (iDRAC, Supermicro)',
      `Error in open session response message : insufficient resources for session\n\n${noSession}`,
      'BMC_BUSY',
      /another session/,
    ],
    [
      'a busy BMC (Supermicro)',
      `${chatter}Set Chassis Power Control to Up/On failed: Node busy\n`,
      'BMC_BUSY',
      /something else/,
    ],
    [
      'a BMC that boots',
      `${chatter}Get Chassis Power Status failed: BMC initialization in progress\n`,
      'BMC_BUSY',
      /something else/,
    ],
    [
      'silence (all makers; also IPMI over LAN switched off)',
      `Loading IANA PEN Registry...\nGet Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\n${noSession}`,
      'BMC_UNREACHABLE',
      /no session/,
    ],
    [
      'a session that times out half-way',
      `> Error: no response from RAKP 1 message\n${noSession}`,
      'BMC_UNREACHABLE',
      /no session/,
    ],
    ['a name that nobody knows', 'Address lookup for hv9-bmc failed\n', 'BMC_UNREACHABLE', /name is not known/],
    [
      'an order that the machine cannot take now',
      `${chatter}Set Chassis Power Control to Down/Off failed: Command not supported in present state\n`,
      'BMC_FAILED',
      /not supported in present state/,
    ],
    ['nothing that is known', 'the moon is full\n', 'BMC_FAILED', /ended with 1 and no reason/],
  ] as const)
    it(`is ${code} for ${what}`, () => {
      const refusal = refusalIn(ended(stderr));
      assert.equal(refusal.code, code);
      assert.match(refusal.reason, reason);
    });

  it('is not taken from what -v says of things that do not matter', () =>
    assert.equal(
      refusalIn(ended(`${chatter}Get Chassis Power Status failed: Destination unavailable\n`)).code,
      'BMC_FAILED',
    ));
});
