/** What passes between the handler of an upload or a download and whoever runs it. @module */

/** How far the work on an upload has come after its last byte. */
export interface UploadProgress {
  /** `converting to raw` */
  readonly message: string;
  /** 0 to 1, where that is known. */
  readonly share?: number;
}

/** What the handler of an upload gets beside the body. */
export interface UploadRun {
  /** What the caller has announced; undefined when the operation allows that. A body of another size is an error. */
  readonly sizeBytes: number | undefined;
  /** Aborts when the caller leaves, when the body cannot be completed, and when the daemon stops. */
  readonly signal: AbortSignal;
  /** Tells how far it is. Told once the last byte was taken: until then the caller knows best. */
  progress(message: string, share?: number): void;
  /** Says what the caller should know; it is answered with the result. */
  warn(message: string): void;
}

/** What an upload answers. */
export interface UploadAnswer {
  readonly result: unknown;
  readonly warnings: readonly string[];
  /** Id of the audit record. */
  readonly request: string;
}

export interface DownloadBody {
  /** Where it is known beforehand: a body of another size is an error. */
  readonly sizeBytes?: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** How an upload is run. */
export interface UploadOptions {
  readonly sizeBytes: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}
