import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { Kysely } from 'kysely'
import type { Tables, TokenTable } from '../store/tables.ts'
import { allScopes, type Principal, requireTenant, type Scope } from './principal.ts'

/** A token without its secret. */
export interface Token {
  /** 16 hexadecimal digits; no secret. */
  readonly id: string
  /** Whose it is. */
  readonly tenant: string
  /** For people. */
  readonly name: string
  /** What it allows. */
  readonly scopes: readonly Scope[]
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970; undefined: never. */
  readonly expiresAt: number | undefined
  /** Milliseconds since 1970; undefined: it is valid. */
  readonly revokedAt: number | undefined
}

/** What a token is made of. */
export interface TokenOptions {
  /** Whose it is to be: 1 to 63 of a-z, 0-9 and hyphens. */
  readonly tenant: string
  /** For people; at most 128 characters. */
  readonly name: string
  /** At least one. */
  readonly scopes: readonly Scope[]
  /** Seconds until it ends; default: never. */
  readonly expiresIn?: number | undefined
}

/** Tokens of all tenants. */
export interface Tokens {
  /** The token itself, which is shown once. Throws GloveboxError `malformed`. */
  create(options: TokenOptions): Promise<{ readonly token: string; readonly entry: Token }>
  /** Throws GloveboxError `unauthorised` for one that is unknown, expired or revoked (at most 5 s ago on another replica). */
  verify(token: string): Promise<Principal>
  /** Throws GloveboxError `not-found`. */
  revoke(id: string): Promise<void>
  /** Newest first; of one tenant, or of all. */
  list(tenant?: string): Promise<readonly Token[]>
}

/** How tokens are checked. */
export interface TokensOptions {
  /** A token with all scopes of the tenant "admin", which is in no database: GLOVEBOX_ADMIN_TOKEN. At least 32 characters. */
  readonly adminToken?: string | undefined
  /** For how long a token that was found is not looked up again; default 3000, at most 4000 ms. */
  readonly cacheMs?: number | undefined
}

/** Principals that are remembered; the oldest goes. */
const remembered = 10_000
const tokenForm = /^gbx_[A-Za-z0-9_-]{43}$/
const longestName = 128

/**
 * Tokens of a database. A token is 256 random bits, which nobody guesses, so its plain SHA-256 is what is kept: a slow hash would protect what people
 * choose. The look-up is by that hash; how long it takes tells nothing about a token that one does not have.
 * Throws RangeError for an admin token of fewer than 32 characters.
 */
export function createTokens(db: Kysely<Tables>, { adminToken, cacheMs = 3000 }: TokensOptions = {}): Tokens {
  if (adminToken !== undefined && adminToken.length < 32)
    throw new RangeError(`"adminToken" expected at least 32 characters, got ${adminToken.length}`)
  const adminHash = adminToken === undefined ? undefined : sha256(adminToken)
  const keptMs = Math.min(cacheMs, 4000)
  const cache = new Map<string, { principal: Principal; asked: number; expiresAt: number }>()

  return {
    async create({ tenant, name, scopes, expiresIn }) {
      requireTenant(tenant)
      if (name.length > longestName)
        throw new GloveboxError('malformed', `"name" expected at most ${longestName} characters, got ${name.length}`)
      const own = allScopes.filter((scope) => scopes.includes(scope))
      if (own.length === 0 || scopes.some((scope) => !allScopes.includes(scope)))
        throw new GloveboxError('malformed', `"scopes" expected some of ${allScopes.join(', ')}`)
      if (expiresIn !== undefined && !(expiresIn > 0 && expiresIn <= 1e9))
        throw new GloveboxError('malformed', `"expires_in" expected seconds above 0, up to 10^9, got ${expiresIn}`)
      const token = `gbx_${randomBytes(32).toString('base64url')}`
      const createdAt = Date.now()
      const row: TokenTable = {
        id: randomBytes(8).toString('hex'),
        hash: sha256(token).toString('hex'),
        tenant,
        name,
        scopes: own.join(' '),
        created_at: createdAt,
        expires_at: expiresIn === undefined ? null : createdAt + Math.ceil(expiresIn * 1000),
        revoked_at: null,
      }
      await db.insertInto('tokens').values(row).execute()
      return { token, entry: entryOf(row) }
    },
    async verify(token) {
      const hash = sha256(token)
      if (adminHash && timingSafeEqual(hash, adminHash)) return adminPrincipal
      if (!tokenForm.test(token)) throw unknown()
      const key = hash.toString('hex')
      const known = cache.get(key)
      // By its distance: a clock that is set back prolongs nothing.
      if (known && Math.abs(Date.now() - known.asked) < keptMs && Date.now() < known.expiresAt) return known.principal
      cache.delete(key)
      const asked = Date.now()
      const row = await db.selectFrom('tokens').selectAll().where('hash', '=', key).executeTakeFirst()
      if (!row || row.revoked_at !== null) throw unknown()
      if (row.expires_at !== null && row.expires_at <= Date.now())
        throw new GloveboxError('unauthorised', 'the token has expired: ask for a new one')
      const { tenant, id, scopes } = entryOf(row)
      const principal: Principal = { tenant, token: id, scopes: new Set(scopes) }
      cache.set(key, { principal, asked, expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY })
      const [oldest] = cache.keys()
      if (cache.size > remembered && oldest !== undefined) cache.delete(oldest)
      return principal
    },
    async revoke(id) {
      const { numUpdatedRows } = await db
        .updateTable('tokens')
        .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(Date.now())) }))
        .where('id', '=', id)
        .executeTakeFirst()
      cache.clear()
      if (numUpdatedRows === 0n)
        throw new GloveboxError('not-found', `there is no token with the id "${id.slice(0, 32)}"`)
    },
    async list(tenant) {
      let query = db.selectFrom('tokens').selectAll().orderBy('created_at', 'desc').orderBy('id')
      if (tenant !== undefined) query = query.where('tenant', '=', tenant)
      return (await query.execute()).map(entryOf)
    },
  }
}

const adminPrincipal: Principal = { tenant: 'admin', token: 'environment', scopes: new Set(allScopes) }

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

function unknown(): GloveboxError {
  return new GloveboxError('unauthorised', 'the token is unknown here, or was revoked')
}

function entryOf(row: TokenTable): Token {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    scopes: row.scopes.split(' ').filter((scope): scope is Scope => (allScopes as readonly string[]).includes(scope)),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  }
}
