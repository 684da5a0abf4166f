import { GloveboxError } from '@glovebox/he'

/** What a token allows: predictions with models that its tenant may use; models of its tenant; all that, tokens, the audit log and metrics of the server. */
export type Scope = 'predict' | 'push' | 'admin'

/** All of them, the least first. */
export const allScopes: readonly Scope[] = ['predict', 'push', 'admin']

/** Who asks. */
export interface Principal {
  /** Owns models, keys and jobs. */
  readonly tenant: string
  /** Id of the token, which is no secret; undefined where none was needed. */
  readonly token: string | undefined
  /** `admin` includes the others, see `allows`; it does not give what other tenants have. */
  readonly scopes: ReadonlySet<Scope>
}

/** Who asks where no token is needed: on loopback. */
export const localPrincipal: Principal = { tenant: 'local', token: undefined, scopes: new Set(allScopes) }

/** Whether the principal has the scope, by itself or by `admin`. */
export function allows({ scopes }: Pick<Principal, 'scopes'>, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin')
}

/** Throws GloveboxError `unauthorised` where the principal has not the scope. */
export function requireScope(principal: Pick<Principal, 'scopes'>, scope: Scope): void {
  if (allows(principal, scope)) return
  const own = [...principal.scopes].join(', ') || 'none'
  throw new GloveboxError('unauthorised', `this needs a token with the scope "${scope}"; yours has: ${own}`)
}

const tenantForm = /^[a-z0-9-]{1,63}$/

/** Throws GloveboxError `malformed` for what is no name of a tenant: 1 to 63 of a-z, 0-9 and hyphens. */
export function requireTenant(tenant: string): string {
  if (tenantForm.test(tenant)) return tenant
  throw new GloveboxError(
    'malformed',
    `"tenant" expected 1 to 63 lower-case letters, digits or hyphens, got ${JSON.stringify(tenant.slice(0, 64))}`,
  )
}
