import { statSync } from 'node:fs'
import { join } from 'node:path'
import { GloveboxError, toHex } from '@glovebox/he'
import { files, type PsiSet } from '../database/set.ts'
import type { Hardening } from '../items/hardening.ts'
import type { ItemKind } from '../items/items.ts'
import { createEvaluationPool, type EvaluationPool } from '../oprf/pool.ts'
import type { EvaluatedBatch } from '../oprf/sender.ts'
import type { OprfMode } from '../oprf/suite.ts'
import type { SetParams } from '../params/set-params.ts'
import { type Line, type LineOptions, openLine } from './line.ts'

/** One epoch that is answered for. */
export interface ServedEpoch {
  readonly epoch: number
  readonly kind: ItemKind
  readonly params: SetParams
  readonly hardening: Hardening
  readonly mode: OprfMode
  readonly publicKey: string
  /** Of what is in memory. */
  readonly items: number
  readonly line: Line
  /** Its directory has another set by now. */
  readonly replaced: boolean
  /** Takes in what was inserted and removed, where something was. */
  refresh(): Promise<boolean>
  /** On a thread; rejects with GloveboxError `unavailable` where too much waits. */
  evaluate(blinded: Uint8Array): Promise<EvaluatedBatch>
  close(): Promise<void>
}

export interface ServeEpochOptions extends Omit<LineOptions, 'data'> {
  readonly threads: number | 'auto'
  readonly keyMemory: number
  /** Gives up what is being read. */
  readonly signal: AbortSignal
}

/** Of the file of a set; undefined where there is none. */
function inodeOf({ directory }: PsiSet): bigint | undefined {
  return statSync(join(directory, files.set), { bigint: true, throwIfNoEntry: false })?.ino
}

/** Elements that wait for the OPRF: some seconds of work. */
const maxElements = 2 ** 15

/** Reads a set into a thread, and its OPRF key into another. It owns `set` from here on. */
export async function serveEpoch(set: PsiSet, options: ServeEpochOptions): Promise<ServedEpoch> {
  const { directory, epoch, kind, params, hardening } = set
  const { threads, keyMemory, signal, ...rest } = options
  const line = openLine({ ...rest, data: { directory, threads, keyMemory } })
  let pool: EvaluationPool | undefined
  let waiting = 0
  let closed = false

  const openPool = (): { pool: EvaluationPool; mode: OprfMode; publicKey: string } => {
    using key = set.readKey()
    const { mode, publicKey } = key
    return { pool: createEvaluationPool({ key, threads: 1 }), mode, publicKey: toHex(publicKey) }
  }
  const close = async (): Promise<void> => {
    closed = true
    await Promise.all([line.close(), pool?.dispose()])
    set.close()
  }

  const file = inodeOf(set)
  const giveUp = (): void => void close()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    signal.throwIfAborted()
    const opened = openPool()
    pool = opened.pool
    let loaded = await line.load()
    signal.removeEventListener('abort', giveUp)
    return {
      epoch,
      kind,
      params,
      hardening,
      mode: opened.mode,
      publicKey: opened.publicKey,
      line,
      get items() {
        return loaded.items
      },
      get replaced() {
        const now = inodeOf(set)
        return now !== undefined && now !== file
      },
      async refresh() {
        if (closed || set.digest === loaded.digest) return false
        loaded = await line.load()
        return true
      },
      async evaluate(blinded) {
        if (closed) throw new GloveboxError('unavailable', 'the set is being closed: try again in a moment')
        const elements = blinded.length / 32
        if (waiting > 0 && waiting + elements > maxElements)
          throw new GloveboxError('unavailable', `${waiting} elements wait for the OPRF already: try again in a moment`)
        waiting += elements
        const using_ = pool!
        try {
          return await using_.evaluateBlinded(blinded)
        } catch (error) {
          // Fewer wait than it takes, so it is its thread that died.
          const dead = error instanceof GloveboxError && (error.code === 'unavailable' || error.code === 'disposed')
          if (dead && pool === using_ && !closed) {
            options.onTrouble('the thread of the OPRF died and is started again', error)
            void using_.dispose()
            pool = openPool().pool
          }
          throw error
        } finally {
          waiting -= elements
        }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
