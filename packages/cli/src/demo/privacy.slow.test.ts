import { type ClientKeys, encodeSecretKey } from '@glovebox/client'
import { decodeFrame } from '@glovebox/he'
import { packInput } from '@glovebox/ml'
import { beforeAll, describe, expect, test } from 'vitest'
import { findLeaks } from '../../test/leaks.ts'
import { type Recorder, record } from '../../test/recorder.ts'
import { demo } from './digits.ts'
import { readDigits } from './mnist.ts'
import { runDemo } from './run.ts'

// The demo itself, with everything that its client sends recorded on the way. Neither the secret key nor a digit is in it, in any form
// that the code holds them in, nor in forms that a careless change might send.

const images = 3
let sent: Buffer
/** Form → the bytes of the secret in it. */
const secrets = new Map<string, Buffer>()
const pictures = new Map<string, Buffer>()

beforeAll(async () => {
  let recorder: Recorder | undefined
  const { outcome, model } = await runDemo(demo, {
    samples: images,
    threads: 1,
    data: undefined,
    onStage: () => undefined,
    through: async (url) => {
      recorder = await record(url)
      return recorder.url
    },
    onKeys: keepSecrets,
  })
  expect(outcome.outputs).toHaveLength(images)
  sent = recorder!.bytes()
  recorder!.close()

  for (const [i, image] of (await readDigits('test', images)).images.entries()) {
    const scaled = Float64Array.from(image, (pixel) => pixel / 255)
    pictures.set(`pixels of ${i}`, Buffer.from(image))
    pictures.set(`f64 pixels of ${i}`, bytesOf(Float64Array.from(image)))
    pictures.set(`f32 pixels of ${i}`, bytesOf(Float32Array.from(image)))
    pictures.set(`scaled pixels of ${i}`, bytesOf(scaled))
    pictures.set(`scaled f32 pixels of ${i}`, bytesOf(Float32Array.from(scaled)))
    pictures.set(`slots of ${i}`, bytesOf(packInput(model.part, [scaled])[0]!))
    pictures.set(`JSON of ${i}`, Buffer.from([...image].join(',')))
    pictures.set(`scaled JSON of ${i}`, Buffer.from([...scaled].join(',')))
  }
})

/** The forms of the secret key; the demo forgets it when it is over. */
function keepSecrets(keys: ClientKeys): void {
  const packed = Buffer.from(decodeFrame(encodeSecretKey(keys), 'secret key of a program').body.bytes.slice(32))
  const ternary = Int8Array.from(
    { length: 4 * packed.length },
    (_, i) => [0, 1, -1][(packed[i >> 2]! >> (2 * (i & 3))) & 3]!,
  )
  const { ring, slab } = keys.secret
  secrets.set('packed', packed)
  secrets.set('signed bytes', Buffer.from(ternary.buffer))
  secrets.set('bytes 0, 1 and 2', Buffer.from(ternary.map((s) => (s + 3) % 3).buffer))
  secrets.set('f64', bytesOf(Float64Array.from(ternary)))
  secrets.set('f32', bytesOf(Float32Array.from(ternary)))
  secrets.set('i32', bytesOf(Int32Array.from(ternary)))
  secrets.set('transformed', bytesOf(ring.heap.f64(slab.ptr, ring.moduli.length * ring.n).slice()))
  secrets.set('hexadecimal', Buffer.from(packed.toString('hex')))
  secrets.set('base64', Buffer.from(packed.toString('base64')))
}

function bytesOf(array: Float64Array | Float32Array | Int32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

test('the recording is the whole conversation', () => {
  const text = sent.toString('latin1')
  for (const request of [
    'GET /v2/models/digits/client',
    'HEAD /v2/keys/',
    'PATCH /v2/keys/',
    'POST /v2/models/digits/infer',
  ])
    expect(text).toContain(request)
  expect(sent.length).toBeGreaterThan(10_000_000)
})

describe.each([
  ['the secret key', secrets],
  ['a digit', pictures],
])('%s', (_, forms) => {
  test('is not in what leaves the client, in any form', () => {
    const { found, looked } = findLeaks(sent, forms)
    expect(found).toEqual([])
    expect([...looked.keys()]).toEqual([...forms.keys()])
    for (const [form, count] of looked) expect(count, form).toBeGreaterThanOrEqual(2)
  })

  test('would be found if it were, even a piece of it at any offset', () => {
    for (const [form, bytes] of forms) {
      const piece = bytes.subarray(Math.floor(0.1 * bytes.length) + 3, Math.floor(0.9 * bytes.length))
      const planted = Buffer.concat([sent.subarray(0, 1001), piece, sent.subarray(1001, 5000)])
      expect(findLeaks(planted, forms).found, form).toContain(form)
    }
  })
})
