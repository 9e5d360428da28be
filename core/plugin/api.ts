/**
 * All that a plugin may use of PVC; built-in plugins import it, those from disk get it as `pvc.api`.
 * @module
 */
export { z } from 'zod';
export { defineErrors, type ErrorSpec, errorText, exitCode, PvcError, recalledError } from '../error/error.ts';
export { tellFaults } from '../fault/cluster-faults.ts';
export { type FaultReport, faultId } from '../fault/fault-book.ts';
export { fault } from '../fault/fault-kind.ts';
export type { HealthCheck, HealthFinding } from '../health/health-check.ts';
export { Lasting } from '../health/lasting.ts';
export { announceAddress } from '../host/announce-address.ts';
export type { Clock } from '../host/clock.ts';
export type { ExecResult, Host } from '../host/host.ts';
export type { Logger } from '../host/log.ts';
export { within } from '../host/within.ts';
export type { MetricDefinition, MetricSample } from '../metric/metric.ts';
export { type BmcSpec, bmcSecret, bmcSpec } from '../model/bmc-kind.ts';
export { type ClusterSpec, cluster, clusterId } from '../model/cluster-kind.ts';
export { issueLines } from '../model/document-text.ts';
export { type FenceSpec, type FenceStatus, fence, fenceEnded, proven } from '../model/fence-kind.ts';
export { type AnyKind, type Doc, defineKind, type Kind, modelError } from '../model/kind.ts';
export * as names from '../model/names.ts';
export { aliveKey, type NodeSpec, type NodeStatus, node } from '../model/node-kind.ts';
export { TextMemo } from '../model/text-memo.ts';
export type { CliRun, CliSpec, CliTerminal, RenderContext } from '../operation/cli-spec.ts';
export {
  defineChannel,
  defineDownload,
  defineFeed,
  defineMutation,
  defineQuery,
  defineUpload,
  type FeedItem,
  type InputOf,
  type Operation,
  type OutputOf,
  type PlanContext,
  type QueryContext,
} from '../operation/operation.ts';
export type { OperationTypes, TypesOf } from '../operation/operation-types.ts';
export { PlanBuilder } from '../operation/plan.ts';
export type { DownloadBody, UploadAnswer, UploadProgress, UploadRun } from '../operation/stream-types.ts';
export { type Referrer, View } from '../operation/view.ts';
export {
  type AnyController,
  type Condition,
  type ControlContext,
  type Controller,
  condition,
  defineController,
  type ReconcilePlan,
  type Step,
} from '../reconcile/controller.ts';
export { shared } from '../reconcile/shared.ts';
export { Turns } from '../reconcile/turns.ts';
export {
  type Cell,
  type Column,
  type Field,
  fields,
  formatAgo,
  formatBytes,
  formatDuration,
  formatInstant,
  formatMiB,
  formatShare,
  formatTime,
  page,
  paint,
  paintState,
  section,
  table,
} from '../render/format.ts';
export type { ServiceDefinition, ServiceStatus } from '../service/service.ts';
export type { Documents, Write } from '../store/documents.ts';
export {
  type AnyTaskDefinition,
  defineTask,
  isStoreAway,
  orTakenBack,
  orUndo,
  type TaskDefinition,
  type TaskRun,
  writtenBy,
} from '../task/task-definition.ts';
export { type TaskSpec, type TaskStatus, task, taskEnded } from '../task/task-kind.ts';
export { addressText } from './address-text.ts';
export { arrivalWrites } from './arrival.ts';
export { bmcFields, bmcFrom, bmcInWords, bmcPasswordOption, forgetBmc, sharesBmc } from './bmc-input.ts';
export { type CutOff, endCutOff, forgetCutOff } from './cut-off.ts';
export type {
  DeadNode,
  FenceAbout,
  FenceProof,
  IsolationEnd,
  NotNow,
  RecoverAbout,
  ReturningNode,
  Stranded,
  Waiting,
} from './fence-hooks.ts';
export { orNotNow } from './fence-hooks.ts';
export { followTask, performFor } from './follow-task.ts';
export type { Folded, FoldHook, Problem } from './hook-point.ts';
export { type ChangeEvent, primaryStages } from './hooks.ts';
export { defineInitPart, type InitMachine, type InitPart } from './init-part.ts';
export { whyOldMachineCounts } from './old-machine.ts';
export { type PluginContext, type PluginDefinition, type PluginHooks, pluginApiVersion } from './plugin.ts';
export { type BmcAccess, bmcError, type NodePower, type Power, type PowerDriver } from './power.ts';
export { lackOfRoom } from './room.ts';
export type { LeasedAddress, Muzzle, Runtime } from './runtime.ts';

import type { PluginDefinition } from './plugin.ts';

/** Declares a plugin; only gives it its type. */
export const definePlugin = (definition: PluginDefinition): PluginDefinition => definition;
