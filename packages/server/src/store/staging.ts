import type { ObjectStore } from './objects.ts'

/** Bytes of a part at most: 8 MiB. */
export const largestPart: number = 8 * 2 ** 20

/** Parts of one upload as they were listed. */
export interface Staged {
  /** Bytes that all parts of the tenant take. */
  readonly tenantBytes: number
  /** How many those are. */
  readonly tenantParts: number
  /** Offset to bytes, by announced total; uploads that announce different totals are different ones. */
  readonly totals: ReadonlyMap<number, ReadonlyMap<number, number>>
}

/**
 * Parts of unfinished uploads: each is one object, staging/<area>/<tenant>/<digest>/<total>/<offset>, whole or not there. There is no other state, so
 * several servers may take parts of one upload, and a crash leaves nothing that is wrong.
 */
export interface Staging {
  look(tenant: string, digest: string): Promise<Staged>
  put(tenant: string, digest: string, total: number, offset: number, body: AsyncIterable<Uint8Array>): Promise<number>
  /** Parts one behind the other, up to `total`; ends before it where a part is missing. */
  join(tenant: string, digest: string, total: number): AsyncIterable<Uint8Array>
  drop(tenant: string, digest: string): Promise<void>
  /** Drops uploads whose last part is older; gives how many. */
  sweep(before: number): Promise<number>
}

const digits = (n: number): string => String(n).padStart(12, '0')

/** On an object store. `area` keeps uploads of different things apart. */
export function createStaging(objects: ObjectStore, area: string): Staging {
  const all = `staging/${area}/`
  const prefixOf = (tenant: string, digest: string): string => `${all}${tenant}/${digest}/`
  const keyOf = (tenant: string, digest: string, total: number, offset: number): string =>
    `${prefixOf(tenant, digest)}${digits(total)}/${digits(offset)}`
  const drop = async (prefix: string): Promise<void> => {
    for await (const { key } of objects.list(prefix)) await objects.delete(key)
  }

  return {
    async look(tenant, digest) {
      const prefix = prefixOf(tenant, digest)
      const totals = new Map<number, Map<number, number>>()
      let [tenantBytes, tenantParts] = [0, 0]
      for await (const { key, bytes } of objects.list(`${all}${tenant}/`)) {
        tenantBytes += bytes
        tenantParts++
        if (!key.startsWith(prefix)) continue
        const [total = 0, offset = 0] = key.slice(prefix.length).split('/').map(Number)
        const parts = totals.get(total) ?? new Map<number, number>()
        totals.set(total, parts.set(offset, bytes))
      }
      return { tenantBytes, tenantParts, totals }
    },
    put: (tenant, digest, total, offset, body) => objects.put(keyOf(tenant, digest, total, offset), body),
    async *join(tenant, digest, total) {
      // By what is read, not by what was listed: another client may be replacing a part by a longer or shorter one.
      for (let offset = 0; offset < total; ) {
        const key = keyOf(tenant, digest, total, offset)
        if ((await objects.size(key)) === undefined) return
        const start = offset
        for await (const piece of objects.get(key)) {
          yield piece
          offset += piece.length
        }
        if (offset === start) return
      }
    },
    drop: (tenant, digest) => drop(prefixOf(tenant, digest)),
    async sweep(before) {
      const uploads = new Map<string, number>()
      for await (const { key, modified } of objects.list(all)) {
        const upload = `${key.split('/').slice(0, 4).join('/')}/`
        uploads.set(upload, Math.max(modified, uploads.get(upload) ?? 0))
      }
      const old = [...uploads].filter(([, modified]) => modified < before)
      for (const [upload] of old) await drop(upload)
      return old.length
    },
  }
}

/** Where the upload of this total stands: the bytes from 0 without a gap. */
export function reached(staged: Staged, total: number): number {
  const parts = staged.totals.get(total)
  let offset = 0
  for (let bytes = parts?.get(0); bytes !== undefined && bytes > 0; bytes = parts?.get(offset)) offset += bytes
  return offset
}

/**
 * Where its client goes on: as `reached`; where all is there and yet was not put together, as a server was killed just then, at the last part, which
 * is sent again.
 */
export function resumesAt(staged: Staged, total: number): number {
  const parts = staged.totals.get(total)
  const end = reached(staged, total)
  if (end < total) return end
  let last = 0
  for (let bytes = parts?.get(0); bytes !== undefined && last + bytes < end; bytes = parts?.get(last)) last += bytes
  return last
}
