/**
 * `@glovebox/server`: an HTTP service that computes on ciphertexts. It cannot import a secret key.
 * @packageDocumentation
 */

export { localPrincipal, type Principal, type Scope } from './access/principal.ts'
export type { Answer, Compute, Job } from './compute/compute.ts'
export { type AnswerOptions, type Engine, type Keys, openEngine, type RunResult, runQuery } from './compute/engine.ts'
export { openPool, type Pool, type PoolOptions } from './compute/pool.ts'
export { type Config, ConfigError, type ConfigOptions, readConfig, type S3Config, type Secret } from './config.ts'
export { defaultLimits, type Limits } from './http/limits.ts'
export { type JobWorker, openWorker } from './jobs/worker.ts'
export { createLog, type Logger, type LogOptions } from './observe/log.ts'
export type { Stats } from './observe/stats.ts'
export { type LoadOptions, loadModel, type Model, type ModelExtras } from './registry/load.ts'
export type { FileName, FileReference, ModelVersion, RegisteredModel, Registry } from './registry/registry.ts'
export { pushModel, type ServeOptions, serve } from './serve.ts'
export { openService, type Service } from './service.ts'
export { type ServeSetsOptions, serveSets } from './sets/serve.ts'
export { openStores, type Stores } from './stores.ts'
