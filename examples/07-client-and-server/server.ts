// The server of example 07, a process of its own. It has the weights, and from the client evaluation keys and ciphertexts. It has no
// secret: nothing here imports `@glovebox/he/secret`. main.ts tells the story.

import {
  ByteWriter,
  decodeCiphertext,
  decodeEvaluationKeys,
  type EvaluationKeys,
  encodeFrame,
  fromHex,
  GloveboxError,
  openCkks,
  writeReply,
} from '@glovebox/he'
import { features, literal, type Request, type Response, rotations } from './contract.ts'

const ckks = openCkks(literal)
const { params } = ckks

// score = w · x + b, the server's secret recipe. Encoded once, not per request, and repeated to fill all slots.
const weights = Float64Array.from({ length: params.slots }, (_, i) => Math.sin(1 + (i % features)) / 8)
const bias = 0.25
// At a scale of exactly q_1: rescaling divides by q_1, so the product is back at the scale of the query, to the last bit.
const encodedWeights = ckks.encode(weights, { scale: params.primes[1]! })

let keys: (EvaluationKeys & Disposable) | undefined

// Limits come before everything else: whatever is longer than an honest client's message is not even looked at.
const maxBytes = { keys: 1_000_000, query: 40_000 }

function score(query: Uint8Array): Uint8Array {
  if (keys === undefined) throw new GloveboxError('missing-key', 'evaluation keys come first')
  using x = decodeCiphertext(ckks, query, { maxBytes: maxBytes.query, what: 'the query' })
  using product = ckks.multiplyPlain(x, encodedWeights)
  let sum = ckks.rescale(product)
  for (const steps of rotations) {
    using before = sum
    using turned = ckks.rotate(before, steps, keys)
    sum = ckks.add(before, turned)
  }
  using total = sum
  using reply = ckks.addConstant(total, bias)
  // All slots are the same number now, so the message is a constant polynomial: of c_0 only every N/2-th coefficient is sent, and all
  // coefficients are rounded to 24 bits. docs/wire-format.md has the error that this adds.
  const writer = new ByteWriter()
  writeReply(writer, reply, { bits: 24, stride: params.ringDegree / 2 })
  return encodeFrame('reply', fromHex(params.digest), writer.done())
}

function answer({ kind, bytes }: Request): Response {
  try {
    if (kind === 'query') return { bytes: score(bytes) }
    const fresh = decodeEvaluationKeys(ckks, bytes, { maxBytes: maxBytes.keys, what: 'the keys' })
    keys?.[Symbol.dispose]()
    keys = fresh
    return { bytes: new Uint8Array() }
  } catch (error) {
    // A wrong message is the client's mistake and is told as such. Anything else is ours and must be heard of.
    if (error instanceof GloveboxError) return { code: error.code, message: error.message }
    throw error
  }
}

process.on('message', (request: Request) => process.send!(answer(request)))
