/** All that answers machines that boot: the address, the door, dnsmasq. On the primary and nowhere else. @module */
import { isDeepStrictEqual } from 'node:util';
import { announceAddress, errorText, faultId, type Runtime, Turns } from '../../../core/plugin/api.ts';
import { type ProvisioningSpec, provisioningError } from '../network/network-kind.ts';
import { hostPart } from '../network/network-rules.ts';
import type { BootAnswers } from './boot-answers.ts';
import { biosLoader, bootConf, efiLoader, tftpRoot } from './dnsmasq-conf.ts';
import { type BootFiles, type OpenDoor, openDoor } from './door.ts';

const program = '/usr/sbin/dnsmasq';
const serviceName = 'pxe';

export class BootServices {
  readonly #runtime: Runtime;
  readonly #answers: BootAnswers;
  readonly #files: BootFiles;
  readonly #address: ReturnType<Runtime['leaseAddresses']>;
  readonly #turns = new Turns();
  readonly #directory: string;
  #duty = false;
  #wanted: ProvisioningSpec | undefined;
  #door: OpenDoor | undefined;
  #dnsmasq: ReturnType<Runtime['supervise']> | undefined;

  constructor(runtime: Runtime, answers: BootAnswers, files: BootFiles) {
    this.#runtime = runtime;
    this.#answers = answers;
    this.#files = files;
    // Beside those of networks, which have numbers: the same unit runs it where systemd does.
    this.#directory = `${runtime.directories.run}/dnsmasq/${serviceName}`;
    const fault = faultId('provisioning-address', runtime.node);
    this.#address = runtime.leaseAddresses({
      name: 'provisioning',
      wanted: async () =>
        this.#wanted === undefined ? [] : [{ device: this.#wanted.device, address: this.#wanted.address }],
      announce: async (news) => {
        for (const one of news) await announceAddress(runtime.host, one);
      },
      trouble: (reason) => {
        if (reason === undefined) runtime.faults.clear(fault);
        else
          runtime.faults.raise(fault, {
            severity: 'warning',
            message: `The address that servers boot from could not be set: ${reason}`,
            hint: 'Is the device of `pvc provisioner network info` on this node? It is tried again by itself.',
            object: `node ${runtime.node}`,
          });
      },
    });
  }

  get duty(): boolean {
    return this.#duty;
  }

  /** What is served now; undefined: nothing, or not all of it. */
  get serving(): ProvisioningSpec | undefined {
    return this.#door === undefined || this.#dnsmasq === undefined ? undefined : this.#wanted;
  }

  take(): void {
    this.#duty = true;
  }

  /** Ends all of it, also what an earlier life of the daemon left running. @throws Error when something does not end */
  leave(): Promise<void> {
    this.#duty = false;
    return this.#turns.take(() => this.#end());
  }

  end(): Promise<void> {
    return this.#turns.take(() => this.#end());
  }

  /** Whether files of one are here, which an earlier life of the daemon may have left with its process. */
  async left(): Promise<boolean> {
    return (await this.#runtime.host.files.stat(this.#directory)) !== undefined;
  }

  /** @throws PvcError PXE_PACKAGE_MISSING, PXE_PORT_TAKEN */
  serve(spec: ProvisioningSpec): Promise<void> {
    return this.#turns.take(async () => {
      if (!this.#duty || isDeepStrictEqual(this.serving, spec)) return;
      await this.#end();
      await this.#needPackages();
      this.#wanted = spec;
      await this.#address.take();
      await this.#openDoor(spec);
      const { files } = this.#runtime.host;
      // dnsmasq goes through them when it has given up root.
      for (const path of [this.#runtime.directories.run, `${this.#runtime.directories.run}/dnsmasq`, this.#directory]) {
        await files.makeDirectory(path, 0o711);
        const { mode } = (await files.stat(path)) ?? { mode: 0 };
        if ((mode & 0o001) === 0) await files.setAccess(path, (mode & 0o777) | 0o001);
      }
      await files.writeAtomic(`${this.#directory}/dnsmasq.conf`, bootConf(spec, this.#directory), 0o644);
      this.#dnsmasq = this.#runtime.supervise(this.#definition());
    });
  }

  async #openDoor(spec: ProvisioningSpec): Promise<void> {
    const { host } = this.#runtime;
    const address = hostPart(spec.address);
    const base = `http://${address}:${spec.port}`;
    try {
      this.#door = await openDoor({ host, answers: this.#answers, files: this.#files, base }, address, spec.port);
    } catch (error) {
      throw provisioningError(
        'PXE_PORT_TAKEN',
        { address, port: spec.port, reason: errorText(error) },
        { cause: error },
      );
    }
  }

  async #needPackages(): Promise<void> {
    const { host, node } = this.#runtime;
    for (const [file, debian] of [
      [program, 'dnsmasq-base'],
      [`${tftpRoot}/${biosLoader}`, 'ipxe'],
      [`${tftpRoot}/${efiLoader}`, 'ipxe'],
    ] as const)
      if ((await host.files.stat(file)) === undefined)
        throw provisioningError('PXE_PACKAGE_MISSING', { file, node, package: debian });
  }

  async #end(): Promise<void> {
    // It must not answer for somebody who cannot be asked any more.
    const dnsmasq = this.#dnsmasq ?? ((await this.left()) ? this.#runtime.supervise(this.#definition()) : undefined);
    this.#dnsmasq = dnsmasq;
    await dnsmasq?.end();
    this.#dnsmasq = undefined;
    await this.#runtime.host.files.remove(this.#directory);
    await this.#door?.close();
    this.#door = undefined;
    this.#wanted = undefined;
    await this.#address.drop();
  }

  #definition() {
    const { host } = this.#runtime;
    const directory = this.#directory;
    return {
      name: `dnsmasq-${serviceName}`,
      unit: `pvc-dnsmasq@${serviceName}.service`,
      argv: [program, '--keep-in-foreground', `--conf-file=${directory}/dnsmasq.conf`] as const,
      readyTimeoutMs: 30_000,
      // Written once it serves.
      ready: async () => {
        const pid = Number((await host.files.readText(`${directory}/pid`)) ?? Number.NaN);
        return Number.isInteger(pid) && (await host.processes.alive(pid));
      },
    };
  }
}
