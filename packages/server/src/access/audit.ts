import { randomBytes } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { Kysely } from 'kysely'
import type { Tables } from '../store/tables.ts'

/** Who did what to what, and how it ended; nothing private. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Who asked. */
  readonly tenant: string
  /** Id of the token. */
  readonly token: string | undefined
  /** For example "version.create". */
  readonly action: string
  /** For example "digits@2". */
  readonly object: string
  /** "ok", or the code of an error. */
  readonly outcome: string
  /** Id of the request. */
  readonly request: string | undefined
}

/** What is asked for. */
export interface AuditQuery {
  /** 1 to 1000; default 100. */
  readonly limit?: number | undefined
  /** Only what happened before, milliseconds since 1970. */
  readonly before?: number | undefined
  /** Of one tenant; default: of all. */
  readonly tenant?: string | undefined
}

/** A log that is only appended to, until its entries are past their time. */
export interface Audit {
  /** Now; texts are cut at 256 characters, and have U+FFFD for control characters. */
  append(entry: Omit<AuditEntry, 'at'>): Promise<void>
  /** Deletes what happened before, milliseconds since 1970; how many. */
  expire(before: number): Promise<number>
  /** Newest first. */
  list(query?: AuditQuery): Promise<readonly AuditEntry[]>
}

const defaultLimit = 100
const mostEntries = 1000
const longestText = 256

/** The audit log of a database. */
export function createAudit(db: Kysely<Tables>): Audit {
  // Entries of one millisecond keep their order within a process.
  let last = 0
  return {
    async append({ tenant, token, action, object, outcome, request }) {
      const at = Date.now()
      last = Math.max(last + 1, at * 1000)
      const id = `${String(last).padStart(17, '0')}-${randomBytes(4).toString('hex')}`
      // What clients name may hold anything: nothing of it is to act in a terminal, or to be refused by a database.
      const cut = (text: string): string => text.slice(0, longestText).replace(/\p{Cc}/gu, '\ufffd')
      await db
        .insertInto('audit')
        .values({
          id,
          at,
          tenant,
          token: token ?? null,
          action: cut(action),
          object: cut(object),
          outcome: cut(outcome),
          request: request === undefined ? null : cut(request),
        })
        .execute()
    },
    async expire(before) {
      const { numDeletedRows } = await db.deleteFrom('audit').where('at', '<', before).executeTakeFirst()
      return Number(numDeletedRows)
    },
    async list({ limit = defaultLimit, before, tenant } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > mostEntries)
        throw new GloveboxError('malformed', `"limit" expected an integer from 1 to ${mostEntries}, got ${limit}`)
      let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('at', '<', before)
      if (tenant !== undefined) query = query.where('tenant', '=', tenant)
      return (await query.execute()).map(({ id: _, token, request, ...entry }) => ({
        ...entry,
        token: token ?? undefined,
        request: request ?? undefined,
      }))
    },
  }
}
