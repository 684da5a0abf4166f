import { availableParallelism } from 'node:os'
import { GloveboxError } from '@glovebox/he'
import { planSet, type SetParams } from '@glovebox/psi'
import {
  type BuildProgress,
  createEvaluationPool,
  createOprfKey,
  createSet,
  epochDirectory,
  openSet,
  type PsiSet,
} from '@glovebox/psi/sender'
import { readInput } from '../files.ts'
import { showCount, showMs } from '../terminal/format.ts'
import { startTimed } from '../terminal/timed.ts'
import { atLeastOne, paddedEntries } from './entries.ts'
import { openSource, type Source } from './lines.ts'
import { type List, type ListOptions, readList } from './list.ts'
import { readParams } from './params-file.ts'
import { countOf, leftOut } from './report.ts'
import { type Epoch, epochsOf, nextEpoch } from './set-folder.ts'
import { type Survey, surveyList } from './survey.ts'
import { type BuildOptions, columnsOf, otherOption, type Wanted, wantedLike, wantedNew } from './wanted.ts'

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
    ? resumed(begun, options)
    : await started(
        folder,
        nextEpoch(epochs),
        path,
        current ? wantedAfter(current, options) : wantedNew(options),
        options,
        progress.update,
      )
  const say = (line: string): void => {
    if (!options.json) process.stdout.write(`${line}\n`)
  }
  if (current) sayChanged(current, path)
  signal.throwIfAborted()
  if (begun) say(`going on with epoch ${set.epoch}, which was begun before`)

  const source = await openSource(path)
  const list = readList(source, listOptions({ kind: set.kind, ...columnsOf(set, options) }))
  const threads = options.threads ?? Math.min(64, availableParallelism())
  const key = set.readKey()
  await using pool = createEvaluationPool({ key, hardening: set.hardening, threads })
  key[Symbol.dispose]()
  const result = await set.build(atLeastOne(paddedEntries(list, set.params.labelBytes), source.name), {
    evaluate: (items) => pool.evaluate(items),
    threads,
    signal,
    onProgress: (at) => showProgress(at, source, list, progress.update),
  })
  progress.stop()
  report(set, { ...result, ms: performance.now() - began, list, rotated: current !== undefined }, options)
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
  wanted: Wanted,
  options: BuildOptions,
  onProgress: (stage: string, done: number, total: number) => void,
): Promise<PsiSet> {
  const { name, kind, hardening, labels, column, receiverItems } = wanted
  const survey = await surveyed(path, wanted, options, (done, total) => onProgress('reading the list', done, total))
  const params = await chosenParams(survey, wanted, options)
  const origin = { receiverItems, ...(labels !== undefined && { labels }), ...(column !== undefined && { column }) }
  using key = createOprfKey({ epoch, ...(wanted.verifiable && { mode: 'voprf' as const }) })
  return createSet(epochDirectory(folder, epoch), { name, kind, params, key, hardening, origin })
}

/** What the next epoch is to be. */
function wantedAfter({ directory }: Epoch, options: BuildOptions): Wanted {
  using set = openSet(directory, { readOnly: true })
  return wantedLike(set, options)
}

/** From when the next epoch is there nothing is inserted into this one: now all changes are known. */
function sayChanged({ directory, number }: Epoch, path: string): void {
  using set = openSet(directory, { readOnly: true })
  if (set.edits > 0)
    process.stderr.write(
      `epoch ${number} was changed by insert or remove since it was built: the next one is made of ${path === '-' ? 'standard input' : path} alone, without those changes\n`,
    )
}

function resumed({ directory }: Epoch, options: BuildOptions): PsiSet {
  const set = openSet(directory)
  const begun = otherOption(set, options)
  if (begun === undefined) return set
  set.close()
  throw new GloveboxError(
    'parameters-mismatch',
    `the build in ${directory} was begun ${begun}: go on with that, or delete this directory`,
  )
}

function listOptions({ kind, labels, column }: Pick<Wanted, 'kind' | 'labels' | 'column'>): ListOptions {
  return { kind, ...(labels !== undefined && { labels }), ...(column !== undefined && { column }) }
}

/** Of standard input nothing is known before it was read. */
async function surveyed(
  path: string,
  wanted: Wanted,
  { items }: BuildOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Survey> {
  const { labelBytes } = wanted
  if (path === '-') {
    if (labelBytes === undefined)
      throw new GloveboxError('unsupported', 'a list from standard input needs --label-bytes: it is read only once')
    return { items: items ?? 1_000_000, labelBytes }
  }
  const found = await surveyList(path, listOptions(wanted), onProgress)
  if (labelBytes !== undefined && found.labelBytes > labelBytes)
    throw new GloveboxError(
      'too-large',
      `the longest label of ${path} has ${found.labelBytes} bytes, and those of the set ${labelBytes}: shorten it, or build a set in another folder with --label-bytes ${found.labelBytes}`,
    )
  return { items: items ?? found.items, labelBytes: labelBytes ?? Math.max(1, found.labelBytes) }
}

async function chosenParams({ items, labelBytes }: Survey, wanted: Wanted, options: BuildOptions): Promise<SetParams> {
  const { prefixBits, receiverItems, method } = wanted
  if (options.params !== undefined) {
    const params = readParams(await readInput(options.params), options.params, labelBytes)
    if (method === undefined || params.prefixBits === prefixBits) return params
    throw new GloveboxError(
      'parameters-mismatch',
      `${options.params} tells ${params.prefixBits} bits of an item, and the set ${prefixBits}: its next epoch is to be like it`,
    )
  }
  // Whoever asks once mostly asks again.
  const { params, candidates } = planSet({ senderItems: items, receiverItems, labelBytes, prefixBits, reuseKeys: true })
  return candidates.find((one) => one.params.method === method)?.params ?? params
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
  readonly rotated: boolean
}

function report(set: PsiSet, { items, duplicates, ms, list, rotated }: Result, { json, output }: BuildOptions): void {
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
  process.stdout.write(`${output}: epoch ${epoch} of "${name}", ${countOf(kind, items)}${twice}, in ${showMs(ms)}\n`)
  if (left) process.stdout.write(`${left}\n`)
  process.stdout.write(
    rotated
      ? `next: npx glovebox breach prune ${output}, ten minutes from now: it deletes the old epochs\n`
      : `next: npx glovebox breach serve ${output}\n`,
  )
}
