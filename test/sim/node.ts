/** One machine of the simulated cluster: power, files, libvirtd, addresses, and the lives of its daemon. @module */
import { runDaemon } from '../../core/daemon/daemon.ts';
import type { ApiParts } from '../../core/daemon/daemon-options.ts';
import { errorText } from '../../core/error/error.ts';
import type { Host } from '../../core/host/host.ts';
import { createVirtualHost, type VirtualHost } from '../../core/host/virtual-host.ts';
import { assemble } from '../../core/program.ts';
import type { MemoryStore } from '../../core/store/memory-store.ts';
import type { Store } from '../../core/store/store.ts';
import { createLibvirt } from '../../plugins/libvirt/index.ts';
import { Addresses } from './addresses.ts';
import { Bmc, powerPlugin } from './bmc.ts';
import type { Chance } from './chance.ts';
import { dutyPlugin } from './duty-plugin.ts';
import { Hypervisor } from './hypervisor.ts';
import { Life } from './life.ts';
import { lifeHost } from './life-host.ts';
import { LifeStore } from './life-store.ts';
import { bootMs, MachineClock } from './machine-clock.ts';
import type { Plant } from './plants.ts';
import { peersOf, remoteNodes } from './remote.ts';
import { openSimDriver } from './sim-driver.ts';
import { storagePlugin } from './storage.ts';
import type { World } from './world.ts';

export interface NodeDescription {
  readonly name: string;
  readonly role: 'coordinator' | 'hypervisor';
  readonly address: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** By how much its wall clock is wrong. */
  readonly wallOffMs: number;
  /** Its power can be read and switched from outside. */
  readonly bmc: boolean;
  /** It has a hardware watchdog. */
  readonly watchdog?: { readonly timeoutS: number; readonly proves: boolean } | undefined;
}

interface Daemon {
  readonly life: Life;
  readonly stop: AbortController;
  /** There once it serves its API. */
  api: ApiParts | undefined;
  store: MemoryStore | undefined;
}

const configPath = '/etc/pvc/pvc.yaml';
const config = 'plugins:\n  libvirt:\n    manage: false\n    sharedPaths: [/shared]\n';
const configOf = ({ watchdog }: NodeDescription): string =>
  watchdog === undefined ? config : `${config}watchdog: ${JSON.stringify(watchdog)}\n`;
/** systemd's RestartSec of the unit. */
const restartMs = 1_000;
const openAgainMs = 1_000;

export class SimNode {
  readonly description: NodeDescription;
  readonly clock: MachineClock;
  readonly machine: VirtualHost<MachineClock>;
  readonly hypervisor: Hypervisor;
  readonly addresses: Addresses;
  readonly bmc: Bmc | undefined;
  readonly #world: World;
  readonly #plant: Plant;
  readonly #random: Chance;
  #powered = false;
  #boots = 0;
  #daemon: Daemon | undefined;
  #cancelStart = (): void => {};
  /** When the daemon last stood still, or libvirtd did. */
  stoodStillMs = -Infinity;

  constructor(world: World, description: NodeDescription, plant: Plant, random: Chance) {
    this.#world = world;
    this.#plant = plant;
    this.description = description;
    this.#random = random;
    const { clock, trace, guests } = world;
    this.clock = new MachineClock(clock, description.wallOffMs);
    this.machine = createVirtualHost({
      clock: this.clock,
      facts: { hostname: description.name, cpus: description.cpus, memoryMiB: description.memoryMiB },
    });
    this.machine.watchdogs.expire = () => void this.#reset();
    this.bmc = description.bmc ? new Bmc(world, description.name) : undefined;
    this.hypervisor = new Hypervisor({ node: description.name, clock, random: random.fork(), trace, guests });
    this.addresses = new Addresses({
      clock,
      random: random.fork(),
      own: description.address,
      changed: (address, held, why) => world.addressChanged(description.name, address, held, why),
    });
    this.addresses.answer(this.machine.processes);
  }

  get name(): string {
    return this.description.name;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** The life of the machine that lasts, or the one that ended last. */
  get bootId(): string {
    return `00000000-0000-4000-8000-${this.#boots.toString(16).padStart(12, '0')}`;
  }

  /** The daemon's API, where one runs and answers. */
  get api(): ApiParts | undefined {
    return this.#daemon?.api;
  }

  get life(): Life | undefined {
    return this.#daemon?.life;
  }

  get store(): MemoryStore | undefined {
    return this.#daemon?.store;
  }

  /** Switches it on; the daemon starts once it has booted. */
  async powerOn(bootMs: number): Promise<void> {
    if (this.#powered) return;
    this.#powered = true;
    this.#boots += 1;
    const boot = this.#boots;
    this.#world.trace.world(this.name, 'is switched on');
    this.clock.boot();
    this.machine.facts = { ...this.machine.facts, bootId: this.bootId };
    this.machine.load = { memoryAvailableMiB: this.description.memoryMiB, load1: 0.1, uptimeS: 0 };
    await this.machine.files.makeDirectory('/etc/pvc');
    await this.machine.files.writeAtomic(configPath, configOf(this.description));
    await this.machine.files.makeDirectory('/run/pvc');
    await this.machine.files.makeDirectory('/var/lib/pvc');
    await this.machine.files.makeDirectory('/var/log/pvc');
    this.#world.clock.after(bootMs, () => {
      if (!this.#powered || this.#boots !== boot) return;
      this.addresses.boot();
      this.hypervisor.boot();
      this.#startDaemon();
    });
  }

  /** Everything in it is gone at once, but what is on its disks. */
  async powerOff(): Promise<void> {
    if (!this.#powered) return;
    this.#powered = false;
    this.#world.trace.world(this.name, 'loses its power');
    this.#cancelStart();
    this.#endLife();
    this.hypervisor.powerOff();
    this.addresses.powerOff();
    this.machine.watchdogs.off();
    await this.machine.files.remove('/run');
  }

  async #reset(): Promise<void> {
    this.#world.trace.world(this.name, 'is reset by its watchdog');
    await this.powerOff();
    await this.powerOn(bootMs);
  }

  /** SIGKILL; systemd starts it again. */
  crash(): void {
    if (this.#daemon === undefined) return;
    this.#world.trace.world(this.name, 'its daemon is killed');
    this.#endLife();
    this.#startLater();
  }

  /** SIGSTOP. */
  pause(): void {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.life.paused) return;
    this.#world.trace.world(this.name, 'its daemon stands still');
    daemon.life.pause();
    daemon.store?.freeze();
  }

  /** SIGCONT. */
  resume(): void {
    const daemon = this.#daemon;
    if (daemon?.life.paused !== true) return;
    this.#world.trace.world(this.name, 'its daemon goes on');
    this.stoodStillMs = this.#world.nowMs;
    daemon.store?.thaw();
    daemon.life.resume();
  }

  /** `systemctl restart pvcd`. */
  restart(): void {
    if (this.#daemon === undefined) return;
    this.#world.trace.world(this.name, 'its daemon is asked to stop');
    this.#daemon.stop.abort();
  }

  #endLife(): void {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    daemon?.store?.abandon();
    daemon?.life.end();
    this.machine.watchdogs.closed();
    // What runs in the daemon itself ends with it.
    this.#world.dropDuty(this.name);
  }

  #startLater(): void {
    this.#cancelStart();
    this.#cancelStart = this.#world.clock.after(restartMs, () => this.#startDaemon());
  }

  #startDaemon(): void {
    const { clock, trace } = this.#world;
    const life = new Life((run) => void clock.after(0, run));
    const daemon: Daemon = { life, stop: new AbortController(), api: undefined, store: undefined };
    this.#daemon = daemon;
    const host = lifeHost({
      life,
      machine: this.machine,
      clock: this.clock,
      random: this.#random.fork(),
      tell: (level, component, message, fields) => {
        // What it finds out about its way to the store is part of the story.
        if (component === 'liveness') trace.world(this.name, message);
        trace.daemon(this.name, level, component, message, fields);
        if (level === 'error')
          this.#world.violated('error-logged', `${this.name}: ${message} ${JSON.stringify(fields)}`);
      },
    });
    trace.world(this.name, 'its daemon starts');
    void this.#run(daemon, host).then(
      () => this.#exited(daemon, 'its daemon ends'),
      (error: unknown) => this.#exited(daemon, `its daemon gives up: ${errorText(error)}`),
    );
  }

  #exited(daemon: Daemon, how: string): void {
    // What a dead daemon would have come to is nobody's business.
    if (this.#daemon !== daemon || daemon.life.ended) return;
    this.#world.trace.world(this.name, how);
    this.#endLife();
    this.#startLater();
  }

  async #run(daemon: Daemon, host: Host): Promise<void> {
    const world = this.#world;
    const libvirt = createLibvirt({
      openDriver: (driverHost) =>
        openSimDriver({
          life: daemon.life,
          host: driverHost,
          hypervisor: this.hypervisor,
          at: (address) => world.hypervisorAt(address),
          reaches: (a, b) => world.fabric.reaches(a, b),
          starts: (uuid) => world.rules.starts(world.guests.of(uuid), this.name),
        }),
    });
    const program = await assemble({
      host,
      version: '1.0.0',
      configPath,
      configRequired: true,
      builtins: [
        libvirt,
        dutyPlugin(this.name, world, daemon.life),
        storagePlugin(world.storage, daemon.life),
        // Where there is no BMC, nobody looks whether they are well.
        ...(world.description.nodes.some(({ bmc }) => bmc) ? [powerPlugin(world, this.name, daemon.life)] : []),
      ],
    });
    await runDaemon(
      {
        host: this.#plant.host(host, world),
        program,
        node: this.name,
        systemd: false,
        openStore: (owner) => this.#openStore(daemon, host, owner),
        peers: peersOf(world, this.name, daemon.life),
        remote: () => remoteNodes(world, this.name, daemon.life),
        serve: async (api) => {
          daemon.api = api;
          return {
            async close() {
              daemon.api = undefined;
            },
          };
        },
      },
      daemon.stop.signal,
    );
  }

  /** As `patientStore` of core/daemon/start.ts. */
  async #openStore(daemon: Daemon, host: Host, owner: string): Promise<Store> {
    const { cluster } = this.#world;
    for (;;) {
      const store = await daemon.life.call('store.open', async () => {
        await this.#world.clock.sleep(cluster.link(owner).maxLatencyMs);
        // The process may have ended while it connected.
        if (daemon.life.ended || !cluster.reachable(cluster.link(owner))) return undefined;
        daemon.store = cluster.open(owner);
        if (daemon.life.paused) daemon.store.freeze();
        return daemon.store;
      });
      if (store !== undefined)
        return new LifeStore(
          daemon.life,
          store,
          this.#plant.store(this.#world),
          (ms) => this.clock.here(ms),
          this.#world.clock,
        );
      if (daemon.stop.signal.aborted) throw new Error('it was asked to stop before it could reach the store');
      await host.clock.sleep(openAgainMs);
    }
  }
}
