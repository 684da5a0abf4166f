/**
 * `@glovebox/server`: an HTTP service that computes on ciphertexts. It cannot import a secret key.
 * @packageDocumentation
 */

export type { Answer, Compute, Job } from './compute/compute.ts'
export { type AnswerOptions, type Engine, type Keys, openEngine, type RunResult, runQuery } from './compute/engine.ts'
export { openPool, type Pool, type PoolOptions } from './compute/pool.ts'
export { createApp } from './http/app.ts'
export { defaultLimits, type Limits } from './http/limits.ts'
export { createLog, type Logger } from './observe/log.ts'
export { type LoadOptions, loadModel } from './registry/load.ts'
export { createRegistry, type Model, type Registry } from './registry/registry.ts'
export { type ServeOptions, type Service, serve } from './serve.ts'
