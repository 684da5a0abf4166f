import type { Sender } from '@glovebox/psi/sender'
import type { HttpBindings } from '@hono/node-server'
import type { Logger } from 'pino'
import type { Audit } from '../access/audit.ts'
import type { Principal } from '../access/principal.ts'
import type { Tokens } from '../access/tokens.ts'
import type { Compute } from '../compute/compute.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { KeySets } from '../keys/keys.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Trace } from '../observe/trace.ts'
import type { ModelVersion } from '../registry/model-version.ts'
import type { Registry } from '../registry/registry.ts'
import type { Limits } from './limits.ts'

/** What a request carries through its handlers. */
export interface Env {
  Bindings: Partial<HttpBindings>
  Variables: {
    /** With the id of the request. */
    log: Logger
    requestId: string
    trace: Trace
    /** There behind `allow`. */
    principal: Principal | undefined
    /** What a change was made to, for the audit log. */
    object: string | undefined
    /** A change that changed nothing: there is nothing to write down. */
    unchanged: boolean | undefined
  }
}

/** Bytes of all bodies that are being received or computed on: many within their own limits must not fill the memory together. */
export interface Intake {
  readonly limit: number
  used: number
}

/** Who may reach the service, and how. */
export interface Access {
  /** Whether requests need a token; without, Host and Origin have to be those of this machine. */
  readonly tokens: boolean
  /** Origins whose pages may call; '*' for all. */
  readonly origins: readonly string[]
  readonly trustProxy: boolean
  /** Everybody may call, from everywhere, without a token: there is nothing to protect but by limits. */
  readonly open?: boolean
  /** Whether this process speaks TLS. */
  readonly tls: boolean
}

/** What every route stands on. */
export interface RouteServices {
  readonly tokens: Pick<Tokens, 'verify'>
  readonly audit: Pick<Audit, 'append'>
  readonly metrics: Metrics
  readonly log: Logger
  readonly limits: Limits
  readonly access: Access
  /** True once a stop was asked for: whoever routes requests is told to send them elsewhere. */
  readonly draining: () => boolean
  /** Folder with the console. */
  readonly console?: string | undefined
}

/** What the routes of sets stand on. */
export interface SetServices extends RouteServices {
  readonly intake: Intake
  /** By name. */
  readonly sets?: ReadonlyMap<string, Sender>
}

/** What the routes stand on. */
export interface Services extends SetServices {
  readonly tokens: Tokens
  readonly audit: Audit
  readonly registry: Registry
  readonly keys: KeySets
  readonly jobs: Jobs
  readonly compute: Compute
  /** Throws where the database or the objects cannot be reached. */
  ready(): Promise<void>
  /** A version is new, or has a new name: tells the metrics, and prepares it. */
  announce(version: ModelVersion): void
}
