import {
  type ByteReader,
  ByteWriter,
  type Ckks,
  ciphertextBytes,
  decodeFrame,
  type EvaluationKeys,
  encodeFrame,
  frameOverhead,
  type Interrupt,
  openCkks,
  readCiphertext,
  readEvaluationKeys,
  writeReply,
} from '@glovebox/he'
import { decodeServerPart, prepare, runEncrypted, samplesPerRun } from '@glovebox/ml'

/** Samples in one query. */
const maxSamples = 2 ** 17

/** Evaluation keys read into a context. */
export type Keys = EvaluationKeys & Disposable

/** A model that is ready to compute, on a context of its own. It never holds a secret: there is none on this side. */
export interface Engine {
  /** Reads evaluation keys; throws GloveboxError `malformed`, or `parameters-mismatch` for those of another model. */
  readKeys(bytes: Uint8Array): Keys
  /** A frame of kind 'query' to one of kind 'reply'. Throws GloveboxError for what the query or the keys are to blame for. */
  answer(query: Uint8Array, keys: EvaluationKeys, options?: AnswerOptions): Uint8Array
}

export interface AnswerOptions {
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Asked before every sample and every few milliseconds within; what it throws is thrown. */
  readonly signal?: Interrupt | undefined
}

export function openEngine(serverPart: Uint8Array): Engine {
  const { program, digest: owner } = decodeServerPart(serverPart)
  const ckks = openCkks(program.params)
  const prepared = prepare(program, ckks)
  return {
    readKeys: (bytes) => readKeys(ckks, owner, bytes),
    answer(query, keys, { onProgress, signal } = {}) {
      const { body } = decodeFrame(query, 'query', { owner, ownerName: 'models', what: 'the query' })
      const count = body.u32('count')
      if (count < 1 || count > maxSamples) throw body.malformed('count', `1 to ${maxSamples}`, count)
      const most = samplesPerRun(program)
      const { tiles } = program.input.layout
      requireCiphertexts(ckks, body, Math.ceil(count / most) * tiles)
      const writer = new ByteWriter()
      writer.u32(count)
      for (let done = 0; done < count; ) {
        signal?.throwIfAborted()
        using used = new DisposableStack()
        const input = Array.from({ length: tiles }, () => used.use(readCiphertext(body, ckks.ring)))
        for (const output of runEncrypted(prepared, input, keys, { signal })) {
          used.use(output)
          writeReply(writer, output, program.output.reply)
        }
        done = Math.min(count, done + most)
        onProgress?.(done, count)
      }
      body.end()
      return encodeFrame('reply', owner, writer.done())
    },
  }
}

/** That the ciphertexts are all there, before the first is computed on. They have one form: that of the first. */
function requireCiphertexts(ckks: Ckks, body: ByteReader, count: number): void {
  const [seeded = 0, , level = 0] = body.bytes.subarray(body.offset, body.offset + 3)
  if (level > ckks.params.maxLevel) throw body.malformed('level', `at most ${ckks.params.maxLevel}`, level)
  const expected = count * (ciphertextBytes(ckks.params, level, seeded === 1) - frameOverhead)
  if (body.remaining !== expected)
    throw body.malformed('ciphertexts', `${expected} bytes for ${count} of them`, body.remaining)
}

function readKeys(ckks: Ckks, owner: Uint8Array, bytes: Uint8Array): Keys {
  const { body } = decodeFrame(bytes, 'evaluation keys of a program', {
    owner,
    ownerName: 'models',
    what: 'the evaluation keys',
  })
  const keys = readEvaluationKeys(body, ckks.ring)
  try {
    body.end()
    return keys
  } catch (error) {
    keys[Symbol.dispose]()
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
  evaluationKeys: Uint8Array,
  query: Uint8Array,
  onProgress?: (done: number, total: number) => void,
): RunResult {
  const engine = openEngine(serverPart)
  using keys = engine.readKeys(evaluationKeys)
  const started = performance.now()
  const reply = engine.answer(query, keys, { onProgress })
  return { reply, computeMs: performance.now() - started }
}
