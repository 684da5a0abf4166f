import type { Services } from './context.ts'
import { defineModels } from './mlflow/models.ts'
import { definePermissions } from './mlflow/permissions.ts'
import { defineVersions } from './mlflow/versions.ts'
import type { Define } from './route.ts'

/** The registry under MLflow's paths and words (REST API 2.0, "registered-models" and "model-versions"): all of it that has a meaning here. */
export function defineMlflow(define: Define, services: Services): void {
  defineModels(define, services)
  defineVersions(define, services)
  definePermissions(define, services)
}
