/** The client for scripts: `import { createClient, connect } from '…/core/client/index.ts'`. @module */
import { createClient, type PvcClient } from './client.ts';
import type { UrlTarget } from './target.ts';

export { exitCode, PvcError } from '../error/error.ts';
export type { MutationAnswer, PlanAnswer } from '../operation/execute.ts';
export type {
  AnswerFor,
  InputFor,
  ItemFor,
  OperationName,
  OperationTypes,
  TypesOf,
} from '../operation/operation-types.ts';
export type { DownloadBody, UploadAnswer, UploadProgress } from '../operation/stream-types.ts';
export type { TaskView } from '../task/task-view.ts';
export { certificateOf, type SeenCertificate } from './certificate.ts';
export { type ClientOptions, createClient, PvcClient } from './client.ts';
export type { CoreOperations } from './core-types.ts';
export type { ClientTarget, DirectTarget, OperationLookup, SocketTarget, UrlTarget } from './target.ts';
export type { CallOptions, FollowOptions, ReceiveOptions, SendOptions, StreamItem } from './transport.ts';
export type { WaitOptions } from './wait-task.ts';

/** A client of the API at an address, with the operations that the server there has. @throws PvcError TARGET_INVALID */
export const connect = (target: UrlTarget): PvcClient => createClient(target);
