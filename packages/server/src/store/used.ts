import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** What contents of a tenant take. */
export interface Used {
  readonly bytes: number
  readonly count: number
}

/** Of all rows of a table of contents, or those of one tenant. */
export async function usedIn(db: Kysely<Tables>, table: 'blobs' | 'keys', tenant?: string): Promise<Used> {
  let query = db
    .selectFrom(table as 'blobs')
    .select((eb) => [
      eb.fn.countAll<number | string>().as('count'),
      eb.fn.sum<number | string | null>('bytes').as('bytes'),
    ])
  if (tenant !== undefined) query = query.where('tenant', '=', tenant)
  const { count, bytes } = await query.executeTakeFirstOrThrow()
  return { count: Number(count), bytes: Number(bytes ?? 0) }
}
