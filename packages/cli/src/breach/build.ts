import { availableParallelism } from 'node:os'
import { basename, resolve } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { createHardening, type Hardening, type ItemKind, planSet, type SetParams } from '@glovebox/psi'
import {
  type BuildProgress,
  createEvaluationPool,
  createOprfKey,
  createSet,
  epochDirectory,
  isSetName,
  openSet,
  type PsiSet,
} from '@glovebox/psi/sender'
import { readInput } from '../files.ts'
import { showCount, showMs } from '../terminal/format.ts'
import { startTimed } from '../terminal/timed.ts'
import { paddedEntries } from './entries.ts'
import { openSource, type Source } from './lines.ts'
import { type List, readList } from './list.ts'
import { readParams } from './params-file.ts'
import { leftOut } from './report.ts'
import { type Epoch, epochsOf, nextEpoch } from './set-folder.ts'
import { type Survey, surveyList } from './survey.ts'

/** Of `glovebox breach build`. */
export interface BuildOptions {
  readonly output: string
  readonly name?: string
  readonly kind: ItemKind
  readonly labels?: string
  readonly column?: string
  readonly labelBytes?: number
  /** False by --no-prefix. */
  readonly prefixBits: number
  readonly prefix: boolean
  readonly receiverItems: number
  readonly items?: number
  readonly params?: string
  readonly verifiable?: boolean
  readonly hardening: number | 'none'
  readonly threads?: number
  readonly rotate?: boolean
  readonly json?: boolean
}

/**
 * Makes a set of a list, or goes on with one that was begun, and says what came of it.
 * @throws GloveboxError `exists` beside a complete set, `unavailable` where somebody stopped it, and those of the list and the set.
 */
export async function buildFromList(path: string, options: BuildOptions): Promise<void> {
  const abort = new AbortController()
  const interrupt = (): void => abort.abort(new Interrupted(options.output))
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, interrupt)
  try {
    await buildUntil(abort.signal, path, options)
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}

async function buildUntil(signal: AbortSignal, path: string, options: BuildOptions): Promise<void> {
  const began = performance.now()
  const folder = options.output
  const epochs = await epochsOf(folder)
  const begun = epochs[0]?.complete === false ? epochs[0] : undefined
  const current = epochs.find(({ complete }) => complete)
  if (current && !begun && !options.rotate)
    throw new GloveboxError(
      'exists',
      `${folder} has a complete set (epoch ${current.number}): --rotate builds the next one under a new key, and glovebox breach insert adds to this one`,
    )
  using progress = startTimed()
  using set = begun
    ? await resumed(begun, options)
    : await started(folder, nextEpoch(epochs), path, options, progress.update)
  const say = (line: string): void => {
    if (!options.json) process.stdout.write(`${line}\n`)
  }
  signal.throwIfAborted()
  if (begun) say(`going on with epoch ${set.epoch}, which was begun before`)

  const source = await openSource(path)
  const list = readList(source, { ...listOptions(options), kind: set.kind })
  const threads = options.threads ?? Math.min(64, availableParallelism())
  const key = set.readKey()
  await using pool = createEvaluationPool({ key, hardening: set.hardening, threads })
  key[Symbol.dispose]()
  const result = await set.build(paddedEntries(list, set.params.labelBytes), {
    evaluate: (items) => pool.evaluate(items),
    threads,
    signal,
    onProgress: (at) => showProgress(at, source, list, progress.update),
  })
  progress.stop()
  report(set, { ...result, ms: performance.now() - began, list }, options)
}

/** What somebody stopped, and how it goes on. */
class Interrupted extends GloveboxError {
  constructor(folder: string) {
    super('unavailable', `stopped; what is done is kept in ${folder}: the same command goes on where it stopped`)
  }
}

async function started(
  folder: string,
  epoch: number,
  path: string,
  options: BuildOptions,
  onProgress: (stage: string, done: number, total: number) => void,
): Promise<PsiSet> {
  const name =
    options.name ??
    basename(resolve(folder))
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '-')
  if (!isSetName(name))
    throw new RangeError(
      `"--name" expected 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit, got "${name}"`,
    )
  const survey = await surveyed(path, options, (done, total) => onProgress('reading the list', done, total))
  const params = await chosenParams(survey, options)
  const { kind } = options
  using key = createOprfKey({ epoch, ...(options.verifiable && { mode: 'voprf' as const }) })
  return createSet(epochDirectory(folder, epoch), { name, kind, params, key, hardening: hardeningOf(options) })
}

async function resumed({ directory }: Epoch, options: BuildOptions): Promise<PsiSet> {
  const set = openSet(directory)
  if (set.kind === options.kind) return set
  set.close()
  throw new GloveboxError(
    'parameters-mismatch',
    `the build in ${directory} was begun with --kind ${set.kind}: go on with that, or delete this directory`,
  )
}

function listOptions({ kind, labels, column }: BuildOptions): Parameters<typeof readList>[1] {
  return { kind, ...(labels !== undefined && { labels }), ...(column !== undefined && { column }) }
}

/** Of standard input nothing is known before it was read. */
async function surveyed(
  path: string,
  options: BuildOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Survey> {
  const { items, labels, labelBytes } = options
  if (path === '-') {
    if (labels !== undefined && labelBytes === undefined)
      throw new GloveboxError('unsupported', 'a list from standard input needs --label-bytes: it is read only once')
    return { items: items ?? 1_000_000, labelBytes: labelBytes ?? 0 }
  }
  const found = await surveyList(path, listOptions(options), onProgress)
  return {
    items: items ?? found.items,
    labelBytes: labels === undefined ? 0 : (labelBytes ?? Math.max(1, found.labelBytes)),
  }
}

async function chosenParams({ items, labelBytes }: Survey, options: BuildOptions): Promise<SetParams> {
  if (options.params !== undefined) {
    return readParams(await readInput(options.params), options.params, labelBytes)
  }
  const plan = planSet({
    senderItems: items,
    receiverItems: options.receiverItems,
    labelBytes,
    prefixBits: options.prefix === false ? 0 : options.prefixBits,
    // Whoever asks once mostly asks again.
    reuseKeys: true,
  })
  return plan.params
}

function hardeningOf({ kind, hardening }: BuildOptions): Hardening {
  const guessable = kind === 'passwords' || kind === 'credentials'
  if (hardening === 'none' || (hardening === undefined && !guessable)) return { algorithm: 'none' }
  return createHardening(hardening === undefined ? {} : { N: hardening })
}

/** The first stage knows how far it is by the bytes that were read of the list, which runs ahead a little. */
function showProgress(
  { stage, done, total }: BuildProgress,
  source: Source,
  list: List,
  update: (stage: string, done: number, total: number) => void,
): void {
  if (stage === 'placing') update('making polynomials', done, total ?? 0)
  else if (source.bytes !== undefined && source.read() > 0) {
    const share = Math.min(1, source.read() / source.bytes)
    update('hashing items', done, Math.max(list.counts.items, Math.round(list.counts.items / share)))
  } else update('hashing items', done, 0)
}

interface Result {
  readonly items: number
  readonly duplicates: number
  readonly ms: number
  readonly list: List
}

function report(set: PsiSet, { items, duplicates, ms, list }: Result, { json, output }: BuildOptions): void {
  const { name, kind, epoch, params, hardening, digest } = set
  const { counts } = list
  const left = leftOut(counts)
  if (json) {
    const { lines, empty, long, wrong } = counts
    const skipped = { empty, long, wrong }
    process.stdout.write(
      `${JSON.stringify({ output, name, kind, epoch, items, duplicates, lines, skipped, hardening: hardening.algorithm, params: params.literal, digest, buildMs: Math.round(ms) })}\n`,
    )
    return
  }
  const twice = duplicates === 0 ? '' : `, and ${showCount(duplicates)} that came twice`
  process.stdout.write(
    `${output}: epoch ${epoch} of "${name}", ${showCount(items)} ${kind}${twice}, in ${showMs(ms)}\n`,
  )
  if (left) process.stdout.write(`${left}\n`)
  process.stdout.write(`next: npx glovebox breach serve ${output}\n`)
}
