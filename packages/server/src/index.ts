/**
 * `@glovebox/server`: an HTTP service that computes on ciphertexts. It cannot import a secret key.
 * @packageDocumentation
 */
export { createApp } from './app.ts'
export type { Answer, Compute, Job } from './compute.ts'
export { type AnswerOptions, type Engine, type Keys, openEngine, type RunResult, runQuery } from './engine.ts'
export { defaultLimits, type Limits } from './limits.ts'
export { type LoadOptions, loadModel } from './load.ts'
export { createLog, type Logger } from './log.ts'
export { openPool, type Pool, type PoolOptions } from './pool.ts'
export { createRegistry, type Model, type Registry } from './registry.ts'
export { type ServeOptions, type Service, serve } from './serve.ts'
