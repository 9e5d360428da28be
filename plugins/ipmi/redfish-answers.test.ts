import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  allowedIn,
  bodyOf,
  chosenSystem,
  curlTrouble,
  httpTrouble,
  membersIn,
  powerOf,
  Refused,
  resetOf,
  resetTypeFor,
  systemsIn,
} from './redfish-answers.ts';

// Written from DSP0266 and DSP2046 in the shapes that the makers' documentation shows, as small as they can be; none of
// their machines was at hand.

const reset = '#ComputerSystem.Reset';
const allowable = 'ResetType@Redfish.AllowableValues';
const makers = {
  iDRAC: {
    root: { RedfishVersion: '1.17.0', Systems: { '@odata.id': '/redfish/v1/Systems' } },
    list: { Members: [{ '@odata.id': '/redfish/v1/Systems/System.Embedded.1' }], 'Members@odata.count': 1 },
    path: '/redfish/v1/Systems/System.Embedded.1',
    system: {
      Id: 'System.Embedded.1',
      PowerState: 'On',
      Actions: {
        [reset]: {
          target: '/redfish/v1/Systems/System.Embedded.1/Actions/ComputerSystem.Reset',
          [allowable]: [
            'On',
            'ForceOff',
            'ForceRestart',
            'GracefulRestart',
            'GracefulShutdown',
            'PushPowerButton',
            'Nmi',
          ],
        },
      },
    },
    types: ['On', 'ForceOff', 'ForceRestart'],
  },
  // A slash ends each of its paths.
  iLO: {
    root: { RedfishVersion: '1.6.0', Systems: { '@odata.id': '/redfish/v1/Systems/' } },
    list: { Members: [{ '@odata.id': '/redfish/v1/Systems/1/' }] },
    path: '/redfish/v1/Systems/1/',
    system: {
      Id: '1',
      PowerState: 'Off',
      Actions: {
        [reset]: {
          target: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset/',
          [allowable]: ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart', 'Nmi', 'PushPowerButton'],
        },
      },
    },
    types: ['On', 'ForceOff', 'ForceRestart'],
  },
  Supermicro: {
    root: { Systems: { '@odata.id': '/redfish/v1/Systems' } },
    list: { Members: [{ '@odata.id': '/redfish/v1/Systems/1' }] },
    path: '/redfish/v1/Systems/1',
    system: {
      Id: '1',
      PowerState: 'On',
      Actions: {
        [reset]: {
          target: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset',
          '@Redfish.ActionInfo': '/redfish/v1/Systems/1/ResetActionInfo',
          [allowable]: ['ForceOn', 'ForceOff', 'PowerCycle'],
        },
      },
    },
    types: ['ForceOn', 'ForceOff', 'PowerCycle'],
  },
  // What it allows stands elsewhere.
  OpenBMC: {
    root: { Systems: { '@odata.id': '/redfish/v1/Systems' } },
    list: { Members: [{ '@odata.id': '/redfish/v1/Systems/system' }] },
    path: '/redfish/v1/Systems/system',
    system: {
      Id: 'system',
      PowerState: 'PoweringOff',
      Actions: {
        [reset]: {
          target: '/redfish/v1/Systems/system/Actions/ComputerSystem.Reset',
          '@Redfish.ActionInfo': '/redfish/v1/Systems/system/ResetActionInfo',
        },
      },
    },
    types: ['On', 'ForceOff', 'ForceRestart'],
  },
} as const;

const refused = (code: string, reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Refused, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, reason);
  return true;
};

describe('the system of a BMC', () => {
  for (const [maker, { root, list, path, system, types }] of Object.entries(makers))
    it(`is found and understood in the shape of ${maker}`, () => {
      assert.equal(systemsIn(root), root.Systems['@odata.id']);
      assert.equal(chosenSystem(membersIn(list).paths, undefined), path);
      assert.equal(chosenSystem(membersIn(list).paths, system.Id), path);
      assert.equal(powerOf(system), system.PowerState === 'Off' ? 'off' : 'on');
      const { target, allowed, info } = resetOf(system);
      assert.match(target, /Actions\/ComputerSystem\.Reset\/?$/);
      assert.equal(info !== undefined || allowed !== undefined, true);
      assert.deepEqual(
        (['on', 'off', 'reset'] as const).map((order) => resetTypeFor(order, allowed)),
        types,
      );
    });

  it('comes on another page of the list', () =>
    assert.deepEqual(membersIn({ Members: [], 'Members@odata.nextLink': '/redfish/v1/Systems?$skip=1' }), {
      ...{ paths: [], next: '/redfish/v1/Systems?$skip=1' },
    }));

  it('has to be one', () => {
    assert.throws(() => chosenSystem([], undefined), refused('BMC_SYSTEM', /has none/));
    const paths = ['/redfish/v1/Systems/a%3A1', '/redfish/v1/Systems/b/'];
    assert.throws(() => chosenSystem(paths, undefined), refused('BMC_SYSTEM', /several: a:1, b/));
    assert.throws(() => chosenSystem(paths, 'c'), refused('BMC_SYSTEM', /no c, only: a:1, b/));
    assert.equal(chosenSystem(paths, 'a:1'), paths[0]);
  });

  for (const [state, power] of [
    ['On', 'on'],
    ['Off', 'off'],
    ['PoweringOn', 'on'],
    ['PoweringOff', 'on'],
    ['Paused', 'on'],
  ] as const)
    it(`is ${power} when it reads ${state}`, () => assert.equal(powerOf({ PowerState: state }), power));

  for (const PowerState of [null, undefined, 'off', 'Unknown', 0])
    it(`has no known power when it reads ${JSON.stringify(PowerState)}`, () =>
      assert.throws(() => powerOf({ PowerState }), refused('BMC_FAILED', /no power state/)));

  for (const place of [
    'https://192.0.2.66/redfish/v1/x',
    '//192.0.2.66/redfish/v1/x',
    '/redfish/v1/../../x',
    '/redfish/v1/x"\nurl = "https://192.0.2.66',
    '/other/x',
    `/redfish/v1/${'x'.repeat(512)}`,
  ])
    it(`is not asked at ${JSON.stringify(place.slice(0, 60))}`, () => {
      assert.throws(() => systemsIn({ Systems: { '@odata.id': place } }), Refused);
      assert.throws(() => membersIn({ Members: [{ '@odata.id': place }] }), Refused);
      assert.throws(() => resetOf({ Actions: { [reset]: { target: place } } }), Refused);
    });
});

describe('a reset', () => {
  it('is of the first kind when the BMC does not tell which it allows', () =>
    assert.equal(resetTypeFor('off', undefined), 'ForceOff'));
  it('is none that the BMC does not allow', () =>
    assert.throws(
      () => resetTypeFor('off', ['On', 'GracefulShutdown']),
      refused('BMC_FAILED', /not allow ForceOff, only: On, GracefulShutdown/),
    ));
  it('is allowed by the description of the action', () => {
    const parameters = [
      { Name: 'Other', AllowableValues: ['x'] },
      { Name: 'ResetType', AllowableValues: ['ForceOff'] },
    ];
    assert.deepEqual(allowedIn({ Parameters: parameters }), ['ForceOff']);
    assert.equal(allowedIn({ Parameters: [] }), undefined);
    assert.throws(() => allowedIn({}), refused('BMC_FAILED', /description/));
  });
});

describe('an answer', () => {
  const extended = (MessageId: string, Message: string): string =>
    JSON.stringify({
      error: { code: 'x', message: 'see extended', '@Message.ExtendedInfo': [{ MessageId, Message }] },
    });
  for (const [status, path, text, code, reason] of [
    [401, '/redfish/v1/Systems', '', 'BMC_DENIED', /password is wrong.*\(HTTP 401\)/],
    [403, '/x', extended('Base.1.8.InsufficientPrivilege', 'Too low.'), 'BMC_PRIVILEGE', /HTTP 403: Too low\)/],
    [403, '/x', extended('Base.1.8.PasswordChangeRequired', 'Change it.'), 'BMC_DENIED', /change the password first/],
    [301, '/redfish/v1/', '', 'BMC_FAILED', /sends \/redfish\/v1\/ elsewhere/],
    [308, '/redfish/v1/', '', 'BMC_FAILED', /elsewhere/],
    [404, '/redfish/v1/', '<html>', 'BMC_FAILED', /no Redfish service/],
    [404, '/redfish/v1/Systems/1', '', 'BMC_FAILED', /has no \/redfish\/v1\/Systems\/1/],
    [429, '/x', '', 'BMC_BUSY', /something else/],
    [503, '/x', '{"error":{}}', 'BMC_BUSY', /something else \(HTTP 503\)/],
    [500, '/x', '{"error":{"message":"oh \\u001b[31m no"}}', 'BMC_FAILED', /own \(HTTP 500: oh {1,2}\[31m no\)/],
    [400, '/x', extended('Base.1.8.ActionParameterNotSupported', 'No such'), 'BMC_FAILED', /refuses that.*No such/],
    [409, '/x', '[]', 'BMC_FAILED', /refuses that \(HTTP 409\)/],
    [0, '/x', '', 'BMC_FAILED', /HTTP 0/],
  ] as const)
    it(`is ${code} for ${status} ${path} ${text.slice(0, 40)}`, () => {
      const trouble = httpTrouble(status, path, text);
      assert.ok(trouble);
      assert.ok(refused(code, reason)(trouble));
    });
  for (const status of [200, 202, 204])
    it(`is well for ${status}`, () => assert.equal(httpTrouble(status, '/x', ''), undefined));
  for (const text of ['', '{', '<html>', '1', 'null'])
    it(`has to be JSON, which ${JSON.stringify(text)} is not`, () =>
      assert.throws(() => bodyOf(text, '/x'), refused('BMC_FAILED', /for \/x is not JSON/)));
});

describe('no answer', () => {
  for (const [exit, stderr, code, reason] of [
    [6, 'curl: (6) Could not resolve host: hv9-bmc\n', 'BMC_UNREACHABLE', /name is not known/],
    [7, 'curl: (7) Failed to connect\n', 'BMC_UNREACHABLE', /no connection/],
    [28, '', 'BMC_UNREACHABLE', /no answer in time/],
    [35, '', 'BMC_UNREACHABLE', /TLS/],
    [52, '', 'BMC_UNREACHABLE', /without an answer/],
    [60, '', 'BMC_CERTIFICATE', /no authority/],
    [90, '', 'BMC_CERTIFICATE', /not the pinned one/],
    [2, 'curl: (2) odd\n', 'BMC_FAILED', /^odd$/],
    [null, '', 'BMC_FAILED', /no reason/],
  ] as const)
    it(`is ${code} when curl ends with ${exit}`, () => assert.ok(refused(code, reason)(curlTrouble(exit, stderr))));
});
