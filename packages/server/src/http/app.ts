import type { OpenAPIHono } from '@hono/zod-openapi'
import { defineSets } from '../sets/routes.ts'
import { defineAdmin } from './admin.ts'
import type { Env, Services } from './context.ts'
import { defineFiles } from './files.ts'
import { defineInfer } from './infer.ts'
import { defineJobs } from './jobs.ts'
import { defineBlobs, defineKeys } from './keys.ts'
import { defineMlflow } from './mlflow.ts'
import { defineOip } from './oip.ts'
import { defineDocument } from './openapi.ts'
import { createOwnKeys } from './own-keys.ts'
import { createShell } from './shell.ts'

/**
 * The service as a function from requests to responses, after the Open Inference Protocol version 2. It sees ciphertexts and
 * evaluation keys only; logs say who asked for what model, sizes and times.
 */
export function createApp(services: Services): OpenAPIHono<Env> {
  const { app, define, finish } = createShell(services)
  const ownKeys = createOwnKeys(services.keys)

  defineOip(define, services)
  defineInfer(define, services, ownKeys)
  defineFiles(define, services)
  defineKeys(define, services, ownKeys)
  defineBlobs(define, services)
  defineJobs(define, services, ownKeys)
  defineMlflow(define, services)
  defineSets(define, services)
  defineAdmin(define, services)
  defineDocument(app, define)
  finish()
  return app
}
