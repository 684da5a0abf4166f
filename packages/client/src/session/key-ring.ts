import { digest, GloveboxError, toHex } from '@glovebox/he'
import type { SecretKey } from '@glovebox/he/secret'
import { needsKeys } from '@glovebox/ml'
import type { Clock } from '../http/retry.ts'
import { type ClientKeys, createKeysInTurns, decodeSecretKey, encodeSecretKey } from '../keys.ts'
import type { ClientModel } from '../model.ts'
import type { KeyRecord, KeyStorage } from '../storage/storage.ts'
import type { CallContext } from './progress.ts'
import { createShared } from './shared.ts'

/** Keys that are in use. */
export interface HeldKeys {
  readonly secret: SecretKey
  /** Of the evaluation keys; undefined for a model that needs none. */
  readonly digest: string | undefined
  /** Milliseconds since 1970. */
  readonly created: number
}

/** The keys of one model at one service: made where there are none, found again, replaced when they are old. */
export interface KeyRing {
  /** The keys to use now. */
  current(context: CallContext): Promise<HeldKeys>
  /** What the server is to get. Throws GloveboxError `missing-key` where it was not kept: the keys are of no use then, and `replace` makes others. */
  evaluation(held: HeldKeys): Promise<Uint8Array<ArrayBuffer>>
  /** Has new keys made in place of `held`. */
  replace(held: HeldKeys): void
  /** The evaluation keys are with the server: they need not be in memory. */
  uploaded(held: HeldKeys): void
  /** Those that there are, without making any. */
  peek(): Promise<{ readonly digest: string | undefined; readonly created: number } | undefined>
  /** Deletes them, here and in the storage. */
  forget(): Promise<void>
  /** Milliseconds that the making of keys took since this was asked last. */
  takeKeygenMs(): number
}

export interface KeyRingOptions {
  readonly model: ClientModel
  readonly storage: KeyStorage
  /** Of the service. */
  readonly url: string
  readonly clock: Clock
  /** Older keys are replaced. */
  readonly maxAgeMs: number
}

export function openKeyRing({ model, storage, url, clock, maxAgeMs }: KeyRingOptions): KeyRing {
  const id = toHex(digest(new TextEncoder().encode(`${url}\n${toHex(model.part.digest)}`)))
  const withKeys = needsKeys(model.part.keys)
  let held: HeldKeys | undefined
  /** Until they are with the server or can be had from the storage. */
  let fresh: { readonly digest: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined
  /** The digest of keys that are to be replaced. */
  let replaces: string | undefined
  let keygenMs = 0

  // By a clock that was ahead they would be young for as long.
  const isOld = ({ created }: { readonly created: number }): boolean => Math.abs(clock.now() - created) > maxAgeMs

  const take = (record: KeyRecord): HeldKeys => {
    const secret = decodeSecretKey(model, record.secret)
    record.secret.fill(0)
    return { secret, digest: record.digest, created: record.created }
  }

  const make = async (context: CallContext): Promise<ClientKeys> => {
    const started = performance.now()
    const onProgress = (done: number, total: number): void => context.onProgress?.({ stage: 'keys', done, total })
    const keys = await createKeysInTurns(model, { onProgress, signal: context.signal })
    keygenMs += performance.now() - started
    return keys
  }

  const find = createShared<HeldKeys>(async (context) => {
    if (!withKeys) {
      // A secret key of this session: the server cannot tell that two queries are of one client.
      const { secret } = await make(context)
      return keepHeld({ secret, digest: undefined, created: clock.now() })
    }
    const kept = await storage.load(id)
    if (kept && !isOld(kept) && kept.digest !== replaces) {
      try {
        return keepHeld(take(kept))
      } catch {
        // Of another program, or damaged: of no use.
      }
    }
    const keys = await make(context)
    const created = clock.now()
    const record = { digest: keys.digest, created, secret: encodeSecretKey(keys) }
    const winner = await storage.keep(id, record, keys.evaluation, kept?.digest)
    if (winner.digest !== record.digest) {
      record.secret.fill(0)
      keys[Symbol.dispose]()
      return keepHeld(take(winner))
    }
    record.secret.fill(0)
    fresh = { digest: keys.digest, bytes: keys.evaluation }
    return keepHeld({ secret: keys.secret, digest: keys.digest, created })
  })

  const keepHeld = (found: HeldKeys): HeldKeys => {
    replaces = undefined
    held = found
    return found
  }

  return {
    async current(context) {
      if (held && !isOld(held)) return held
      return await find(context)
    },
    async evaluation({ digest }) {
      if (fresh && fresh.digest === digest) return fresh.bytes
      const bytes = digest === undefined ? undefined : await storage.evaluation(id, digest)
      if (bytes) return bytes
      throw new GloveboxError('missing-key', 'the evaluation keys were not kept here')
    },
    replace(old) {
      if (held && held.digest === old.digest) held = undefined
      replaces = old.digest
    },
    uploaded(of) {
      if (fresh && fresh.digest === of.digest) fresh = undefined
    },
    async peek() {
      if (held) return held
      const kept = withKeys ? await storage.load(id) : undefined
      kept?.secret.fill(0)
      return kept && { digest: kept.digest, created: kept.created }
    },
    async forget() {
      held = undefined
      fresh = undefined
      if (withKeys) await storage.delete(id)
    },
    takeKeygenMs() {
      const ms = keygenMs
      keygenMs = 0
      return ms
    },
  }
}
