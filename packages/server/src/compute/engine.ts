import { createHash } from 'node:crypto'
import {
  type ByteReader,
  ByteWriter,
  type Ciphertext,
  ciphertextBytes,
  createScope,
  decodeFrame,
  type EvaluationKeys,
  encodeFrame,
  frameOverhead,
  GloveboxError,
  type Interrupt,
  type MemoryUse,
  maskWith,
  peekKind,
  readCiphertext,
  readEvaluationKeys,
  type Scope,
  toHex,
  writeReply,
} from '@glovebox/he'
import {
  decodeServerPart,
  keysNeeded,
  needsKeys,
  openContext,
  type Prepared,
  type Program,
  prepare,
  runEncrypted,
  type SchemeContext,
  samplesPerRun,
} from '@glovebox/ml'

/** Ten times as fast as that in JavaScript, which counts for keys, and for replies of small models. */
const digest = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** Samples in one query. */
const maxSamples = 2 ** 17

/** Evaluation keys read into a context. */
export interface Keys extends EvaluationKeys, Disposable {
  /** An encryption of zero that replies are masked with; of models that need no keys it comes with the query. */
  readonly mask: Ciphertext | undefined
}

/** For models that need none. */
export const noKeys: Keys = {
  relinearisation: undefined,
  galois: new Map(),
  mask: undefined,
  [Symbol.dispose]: () => undefined,
}

/** A model that is ready to compute, on a context of its own. It never holds a secret: there is none on this side. */
export interface Engine extends Disposable {
  /** Digest of the program, 64 hexadecimal digits. */
  readonly digest: string
  /** Bytes of its context, keys that were read into it among them. */
  readonly memory: MemoryUse
  /** Reads evaluation keys; throws GloveboxError `malformed`, or `parameters-mismatch` for those of another model. */
  readKeys(bytes: Uint8Array): Keys
  /**
   * A frame of kind 'query' to one of kind 'reply'; one of kind 'query for a sum' to a reply for the sum of its samples. Throws GloveboxError for what
   * the query or the keys are to blame for.
   */
  answer(query: Uint8Array, keys: Keys, options?: AnswerOptions): Uint8Array
  /** As `answer`, but stops behind a run where it is told to: with what is to be given to it to go on, on any thread. */
  answerOrPause(query: Uint8Array, keys: Keys, options: PauseOptions): Uint8Array | Part
}

/** Replies to the first samples of a query. */
export interface Part {
  /** Samples. */
  readonly done: number
  /** The first bytes of the body of the reply. */
  readonly replies: Uint8Array
}

/** What `answerOrPause` may be told. */
export interface PauseOptions extends AnswerOptions {
  /** What an earlier call came to with the same query. */
  readonly part?: Part | undefined
  /** Asked after each run but the last. */
  readonly pause?: (() => boolean) | undefined
}

/** What `answer` may be told. */
export interface AnswerOptions {
  /** Called after each run with the samples that are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Asked before every sample and every few milliseconds within; what it throws is thrown. */
  readonly signal?: Interrupt | undefined
}

/**
 * Reads the server part of a model and encodes its weights. Throws GloveboxError `malformed`, for a program of another scheme than CKKS and BFV too.
 */
export function openEngine(serverPart: Uint8Array): Engine {
  const { program, digest: owner } = decodeServerPart(serverPart)
  const context = openContext(program.params)
  const prepared = prepareOrClose(program, context)
  const withKeys = needsKeys(keysNeeded(program))
  return {
    digest: toHex(owner),
    get memory() {
      return context.memory
    },
    [Symbol.dispose]() {
      prepared[Symbol.dispose]()
      context[Symbol.dispose]()
    },
    readKeys: (bytes) => readKeys(context, owner, bytes, withKeys),
    answer: (query, keys, { onProgress, signal } = {}) =>
      answerOrPause(query, keys, { onProgress, signal }) as Uint8Array,
    answerOrPause,
  }

  function answerOrPause(
    query: Uint8Array,
    keys: Keys,
    { onProgress, signal, part, pause }: PauseOptions,
  ): Uint8Array | Part {
    const kind = peekKind(query) === 'query for a sum' ? 'query for a sum' : 'query'
    const { body } = decodeFrame(query, kind, { owner, ownerName: 'models', what: 'the query', digest })
    const count = body.u32('count')
    if (count < 1 || count > maxSamples) throw body.malformed('count', `1 to ${maxSamples}`, count)
    const most = samplesPerRun(program)
    const { tiles } = program.input.layout
    using own = withKeys ? undefined : readMask(context, body)
    const mask = own ?? keys.mask
    if (!mask) throw new GloveboxError('missing-key', `"${program.name}" needs evaluation keys, with the mask in them`)
    const each = requireCiphertexts(context, body, Math.ceil(count / most) * tiles)
    const summed = kind === 'query for a sum'
    if (summed && most > 1)
      throw new GloveboxError('unsupported', `"${program.name}" has batch packing, in which samples are not added up`)
    const replies = summed ? 1 : count
    const writer = new ByteWriter()
    if (part) {
      writer.raw(part.replies)
      body.slice((part.done / most) * tiles * each, 'ciphertexts')
    } else writer.u32(replies)
    for (let done = part?.done ?? 0; done < replies; ) {
      signal?.throwIfAborted()
      using used = createScope()
      const input = readSum(context, body, tiles, summed ? count : 1, used, signal)
      const outputs = runEncrypted(prepared, input, keys, { signal }).map((output) => used.use(output))
      for (const output of outputs) {
        // Without it, the second part of a product with weights would tell the weights.
        using masked = maskWith(context, output, mask)
        writeReply(writer, masked, program.output.reply)
      }
      done = Math.min(replies, done + most)
      onProgress?.(done, replies)
      if (done < replies && pause?.()) return { done, replies: writer.done() }
    }
    body.end()
    return encodeFrame('reply', owner, writer.done(), digest)
  }
}

function prepareOrClose(program: Program, context: SchemeContext): Prepared {
  try {
    return prepare(program, context)
  } catch (error) {
    context[Symbol.dispose]()
    throw error
  }
}

/** The sum of so many samples of `tiles` ciphertexts each; it belongs to `used`. */
function readSum(
  context: SchemeContext,
  body: ByteReader,
  tiles: number,
  count: number,
  used: Scope,
  signal: Interrupt | undefined,
): Ciphertext[] {
  const read = (owner: Scope): Ciphertext[] =>
    Array.from({ length: tiles }, () => owner.use(readCiphertext(body, context.ring)))
  let held = createScope()
  try {
    let sum = read(held)
    for (let i = 1; i < count; i++) {
      signal?.throwIfAborted()
      using _before = held
      using next = createScope()
      const terms = read(next)
      held = createScope()
      sum = sum.map((ct, tile) => held.use(context.add(ct, terms[tile]!)))
    }
    return sum
  } finally {
    used.use(held)
  }
}

/** That the ciphertexts are all there, before the first is computed on; the bytes of each. They have one form: that of the first. */
function requireCiphertexts(context: SchemeContext, body: ByteReader, count: number): number {
  const [seeded = 0, , level = 0] = body.bytes.subarray(body.offset, body.offset + 3)
  if (level > context.params.maxLevel) throw body.malformed('level', `at most ${context.params.maxLevel}`, level)
  const each = ciphertextBytes(context.params, level, seeded === 1) - frameOverhead
  if (body.remaining !== count * each)
    throw body.malformed('ciphertexts', `${count * each} bytes for ${count} of them`, body.remaining)
  return each
}

/** An encryption of zero; of a seed, so that nobody chose its second part. */
function readMask(context: SchemeContext, body: ByteReader): Ciphertext {
  const mask = readCiphertext(body, context.ring)
  const { seed, parts, level } = mask
  // A seed means two parts.
  if (seed !== undefined && level === 0) return mask
  mask[Symbol.dispose]()
  throw body.malformed(
    'mask',
    'a seeded ciphertext of two parts at level 0',
    `one ${seed === undefined ? 'without a seed ' : ''}of ${parts} parts at level ${level}`,
  )
}

function readKeys(context: SchemeContext, owner: Uint8Array, bytes: Uint8Array, withMask: boolean): Keys {
  const { body } = decodeFrame(bytes, 'evaluation keys of a program', {
    owner,
    ownerName: 'models',
    what: 'the evaluation keys',
    digest,
  })
  const made = createScope()
  try {
    const keys = made.use(readEvaluationKeys(body, context.ring))
    const mask = withMask ? made.use(readMask(context, body)) : undefined
    body.end()
    return { ...keys, mask, [Symbol.dispose]: () => made.dispose() }
  } catch (error) {
    made.dispose()
    throw error
  }
}

/** A reply frame and what it took. */
export interface RunResult {
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  /** Milliseconds of computing. */
  readonly computeMs: number
}

/** What a server does, on bytes: the reply to a query. */
export function runQuery(
  serverPart: Uint8Array,
  evaluationKeys: Uint8Array | undefined,
  query: Uint8Array,
  onProgress?: (done: number, total: number) => void,
): RunResult {
  using engine = openEngine(serverPart)
  using keys = evaluationKeys ? engine.readKeys(evaluationKeys) : noKeys
  const started = performance.now()
  const reply = engine.answer(query, keys, { onProgress })
  return { reply, computeMs: performance.now() - started }
}
