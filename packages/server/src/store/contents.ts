import { createHash, randomUUID } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { ObjectStore } from './objects.ts'
import { passedThrough } from './scavenge.ts'
import { createStaging, largestPart, reached, resumesAt } from './staging.ts'
import { peek, until } from './stream.ts'
import { createTurns } from './turns.ts'
import type { Appended, Part, UploadState } from './uploads.ts'
import type { Used } from './used.ts'

/** A content that is whole: where it lies. */
export interface Content {
  readonly bytes: number
  /** Key in the object store; one of its own for each upload, so that deleting one never meets another. */
  readonly object: string
}

/** What contents are, and where they are written down. */
export interface ContentRules {
  /** First name of its objects. */
  readonly area: string
  /** For messages: "the set of evaluation keys". */
  readonly what: string
  /** Bytes of one at most. */
  readonly maxBytes: number
  /** Bytes of a tenant at most, those in staging included. */
  readonly tenantBytes: number
  /** First bytes that `check` wants. */
  readonly headBytes: number
  /** Throws for what does not begin as it should; asked before the rest is read. */
  check(tenant: string, head: Uint8Array): Promise<void>
  /** Throws for what does not end as it should. */
  verify(end: ContentEnd): void
  find(tenant: string, digest: string): Promise<Content | undefined>
  /** What all contents of a tenant take. */
  used(tenant: string): Promise<Used>
  /** Writes a new one down; false where it is there already. */
  insert(tenant: string, digest: string, content: Content & { readonly head: Uint8Array }): Promise<boolean>
}

/** What is known of a stream at its end. */
export interface ContentEnd {
  readonly bytes: number
  readonly head: Uint8Array
  /** The last 16 bytes. */
  readonly tail: Uint8Array
  /** SHA-256 of all before those. */
  readonly before: Uint8Array
}

/** Contents by tenant and SHA-256, uploaded whole or in parts that can be resumed. */
export interface Contents {
  state(tenant: string, digest: string): Promise<UploadState | undefined>
  append(tenant: string, digest: string, part: Part): Promise<Appended>
  put(
    tenant: string,
    digest: string,
    body: AsyncIterable<Uint8Array>,
    options?: { total?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<boolean>
  /** Drops the parts of an upload. */
  drop(tenant: string, digest: string): Promise<void>
  /** Drops uploads given up and objects that nothing refers to, both older than `before`; gives how many. */
  sweep(before: number, objectsInUse: () => Promise<ReadonlySet<string>>): Promise<number>
}

const tailBytes = 16
/** Of a tenant, as the smallest ones cost a row, an object and time to list them too. */
const [mostContents, mostParts] = [100_000, 10_000]

/** Throws GloveboxError `malformed` for what is no SHA-256 in 64 lower-case hexadecimal digits. */
export function requireDigest(digest: string): string {
  if (/^[0-9a-f]{64}$/.test(digest)) return digest
  throw new GloveboxError(
    'malformed',
    `the digest expected a SHA-256 in 64 lower-case hexadecimal digits, got ${JSON.stringify(digest.slice(0, 80))}`,
  )
}

/** Contents on an object store. */
export function createContents(objects: ObjectStore, rules: ContentRules): Contents {
  const { area, what, maxBytes, tenantBytes } = rules
  const staging = createStaging(objects, area)
  const inTurn = createTurns()

  const tooLarge = (bytes: number, limit: number): GloveboxError =>
    new GloveboxError('too-large', `${what} has ${bytes} bytes or more, at most ${limit} are accepted`)

  async function requireRoom(tenant: string, staged: number, total: number): Promise<number> {
    const { bytes, count } = await rules.used(tenant)
    if (count >= mostContents)
      throw new GloveboxError(
        'too-large',
        `"${tenant}" has ${count} of ${what} here, at most ${mostContents}: delete some`,
      )
    const free = tenantBytes - bytes - staged
    if (total <= free) return free
    throw new GloveboxError(
      'too-large',
      `${what} has ${total} bytes or more, of ${tenantBytes} that "${tenant}" may store ${Math.max(0, free)} are left: delete some`,
    )
  }

  /** Stores a stream if it is what its digest says; whether it is new. */
  async function store(tenant: string, digest: string, body: AsyncIterable<Uint8Array>): Promise<Appended> {
    const { head, body: whole } = await peek(body, rules.headBytes)
    await rules.check(tenant, head)
    const object = `${area}/${tenant}/${digest}/${randomUUID()}`
    const bytes = await objects.put(object, verified(whole, digest, head))
    // Others that began when there was room may have taken it.
    const created = await inTurn(async () => {
      if (await rules.find(tenant, digest)) return false
      await requireRoom(tenant, 0, bytes)
      return rules.insert(tenant, digest, { bytes, object, head })
    }).catch(async (error: unknown) => {
      // After any other error it may be written down, and only the answer of the database be lost; if not, the sweep finds it.
      if (isCode(error, 'too-large')) await objects.delete(object)
      throw error
    })
    if (!created) await objects.delete(object)
    return { fits: true, complete: true, created, offset: bytes }
  }

  /** Passes a stream on and throws at its end where it is another than the digest says: what is being stored then never appears. */
  async function* verified(
    body: AsyncIterable<Uint8Array>,
    digest: string,
    head: Uint8Array,
  ): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256')
    let tail: Uint8Array = new Uint8Array(0)
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      if (piece.length >= tailBytes) {
        hash.update(tail).update(piece.subarray(0, -tailBytes))
        tail = piece.slice(-tailBytes)
      } else {
        const both = Buffer.concat([tail, piece])
        hash.update(both.subarray(0, Math.max(0, both.length - tailBytes)))
        tail = both.subarray(-tailBytes)
      }
      yield piece
    }
    const before = hash.copy().digest()
    const found = hash.update(tail).digest('hex')
    if (found !== digest)
      throw new GloveboxError('malformed', `${what} has the SHA-256 ${found}, the address says ${digest}`)
    rules.verify({ bytes, head, tail, before })
  }

  /** Throws as soon as more than `limit` bytes came. */
  async function* limited(body: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > limit) throw tooLarge(bytes, limit)
      yield piece
      passedThrough(piece.length)
    }
    if (bytes === 0) throw new GloveboxError('malformed', `${what} expected at least one byte, got none`)
  }

  async function complete(tenant: string, digest: string, total: number): Promise<Appended> {
    let joined = 0
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of staging.join(tenant, digest, total)) {
        joined += piece.length
        yield piece
        passedThrough(piece.length)
      }
      if (joined < total) throw new Gap()
    }
    try {
      const stored = await store(tenant, digest, counted())
      await staging.drop(tenant, digest)
      return stored
    } catch (error) {
      // Another client completed the upload meanwhile, and its parts are gone; or it replaced one.
      if (error instanceof Gap || (joined < total && isCode(error, 'not-found'))) {
        const found = await rules.find(tenant, digest)
        if (found) return { fits: true, complete: true, created: false, offset: found.bytes }
        const offset = resumesAt(await staging.look(tenant, digest), total)
        return { fits: false, complete: false, created: false, offset }
      }
      if (isCode(error, 'malformed') || isCode(error, 'parameters-mismatch')) await staging.drop(tenant, digest)
      throw error
    }
  }

  return {
    async state(tenant, digest) {
      requireDigest(digest)
      const found = await rules.find(tenant, digest)
      if (found) return { complete: true, bytes: found.bytes }
      const staged = await staging.look(tenant, digest)
      const offset = Math.max(0, ...[...staged.totals.keys()].map((total) => resumesAt(staged, total)))
      return offset > 0 ? { complete: false, offset } : undefined
    },

    async append(tenant, digest, { offset, total, body, signal }) {
      requireDigest(digest)
      if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(total) || total < 1 || offset >= total)
        throw new GloveboxError(
          'malformed',
          `a part of ${what} expected an offset from 0 to below its length, got ${offset} of ${total}`,
        )
      if (total > maxBytes) throw tooLarge(total, maxBytes)
      const found = await rules.find(tenant, digest)
      if (found) return { fits: true, complete: true, created: false, offset: found.bytes }
      const staged = await staging.look(tenant, digest)
      const at = resumesAt(staged, total)
      if (offset !== at) return { fits: false, complete: false, created: false, offset: at }
      if (staged.tenantParts >= mostParts)
        throw new GloveboxError(
          'too-large',
          `"${tenant}" has ${staged.tenantParts} parts of unfinished uploads here, at most ${mostParts} parts are kept: send larger ones, or delete some`,
        )
      await requireRoom(tenant, staged.tenantBytes - reached(staged, total), total)
      let rest = limited(until(body, signal), Math.min(largestPart, total - offset)) as AsyncIterable<Uint8Array>
      if (offset === 0) {
        const first = await peek(rest, rules.headBytes)
        // The rest of a shorter head comes with the next parts; then it is looked at in the end.
        if (first.head.length === rules.headBytes) await rules.check(tenant, first.head)
        rest = first.body
      }
      const end = offset + (await staging.put(tenant, digest, total, offset, rest))
      if (end < total) return { fits: true, complete: false, created: false, offset: end }
      return complete(tenant, digest, total)
    },

    async put(tenant, digest, body, { total, signal } = {}) {
      requireDigest(digest)
      if (total !== undefined && total > maxBytes) throw tooLarge(total, maxBytes)
      if (await rules.find(tenant, digest)) return false
      const { tenantBytes: staged } = await staging.look(tenant, digest)
      const free = await requireRoom(tenant, staged, total ?? 1)
      const { created } = await store(tenant, digest, limited(until(body, signal), Math.min(maxBytes, free)))
      await staging.drop(tenant, digest)
      return created
    },

    drop: (tenant, digest) => staging.drop(tenant, requireDigest(digest)),

    async sweep(before, objectsInUse) {
      let dropped = await staging.sweep(before)
      const old: string[] = []
      for await (const { key, modified } of objects.list(`${area}/`)) if (modified < before) old.push(key)
      // Asked afterwards: whatever was old enough to be listed is in use by now, or never will be.
      const inUse = old.length > 0 ? await objectsInUse() : new Set<string>()
      for (const key of old) {
        if (inUse.has(key)) continue
        await objects.delete(key)
        dropped++
      }
      return dropped
    },
  }
}

/** A part is missing between others. */
class Gap extends Error {}

function isCode(error: unknown, code: GloveboxError['code']): boolean {
  return error instanceof GloveboxError && error.code === code
}
