import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSet } from '../src/database/create-set.ts'
import { openSet } from '../src/database/set.ts'
import { type Hardening, harden } from '../src/items/hardening.ts'
import { type Item, type ItemKind, itemBytes } from '../src/items/items.ts'
import { createOprfKey, type OprfKey } from '../src/oprf/key.ts'
import { evaluateInput } from '../src/oprf/sender.ts'
import { openSodiumGroup } from '../src/oprf/sodium-group.ts'
import type { OprfMode } from '../src/oprf/suite.ts'
import type { SetParamsLiteral } from '../src/params/params.ts'
import { friendlySet } from '../src/params/presets.ts'
import { createSetParams } from '../src/params/set-params.ts'
import { epochDirectory } from '../src/sender/epochs.ts'

// Folders with sets of a few items, as `glovebox breach build` leaves them.

export interface SmallSet {
  readonly items: readonly Item[]
  readonly labels?: readonly Uint8Array[]
  readonly params?: SetParamsLiteral
  readonly kind?: ItemKind
  readonly hardening?: Hardening
  readonly mode?: OprfMode
  readonly epoch?: number
}

export interface Folder extends Disposable {
  readonly path: string
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'glovebox-set-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

const none: Hardening = { algorithm: 'none' }
const group = await openSodiumGroup()

function evaluatorOf(key: OprfKey, hardening: Hardening): (items: readonly Uint8Array[]) => Promise<Uint8Array> {
  return async (items) => {
    const outputs = new Uint8Array(64 * items.length)
    for (const [i, item] of items.entries()) outputs.set(evaluateInput(key, harden(hardening, item), group), 64 * i)
    return outputs
  }
}

/** Builds an epoch in the folder. */
export async function buildEpoch(folder: string, set: SmallSet): Promise<void> {
  const { items, labels, params = friendlySet(), kind = 'passwords', hardening = none, mode = 'oprf', epoch = 1 } = set
  using key = createOprfKey({ epoch, mode })
  using made = createSet(epochDirectory(folder, epoch), {
    name: 'small',
    kind,
    hardening,
    params: createSetParams(params),
    key,
  })
  const entries = items.map((item, i) => ({ item: itemBytes(kind, item), ...(labels && { label: labels[i]! }) }))
  await made.build(entries, { evaluate: evaluatorOf(key, hardening), threads: 1 })
}

/** Inserts into, or removes from, an epoch that is there. */
export async function changeEpoch(
  folder: string,
  epoch: number,
  change: { insert?: readonly Item[]; remove?: readonly Item[] },
): Promise<void> {
  using set = openSet(epochDirectory(folder, epoch))
  using key = set.readKey()
  const evaluate = evaluatorOf(key, set.hardening)
  const bytes = (items: readonly Item[] = []): Uint8Array[] => items.map((item) => itemBytes(set.kind, item))
  if (change.insert)
    await set.insert(
      bytes(change.insert).map((item) => ({ item })),
      evaluate,
    )
  if (change.remove) await set.remove(bytes(change.remove), evaluate)
}

/** Passwords that nobody else has. */
export function passwords(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}-${randomBytes(6).toString('hex')}`)
}
