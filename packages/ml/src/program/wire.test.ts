import { ByteWriter, digest, encodeFrame, GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { bundle, clientPartOf } from '../compile/bundle.ts'
import { compile } from '../compile/compile.ts'
import type { Graph } from '../graph/graph.ts'
import { decodeClientPart, isUncalibrated, packInput } from './client.ts'
import { keysNeeded } from './program.ts'
import { decodeServerPart, encodeServerPart } from './server.ts'

const graph: Graph = {
  nodes: [
    { op: 'input', inputs: [], size: 9, name: 'x' },
    { op: 'affine', inputs: [0], size: 6, name: 'first', map: randomMap(1, 6, 9) },
    { op: 'multiply', inputs: [1, 1], size: 6, name: 'square' },
    { op: 'affine', inputs: [2], size: 3, name: 'second', map: randomMap(2, 3, 6) },
  ],
  output: 3,
  inputShape: [3, 3],
  outputShape: [3],
  inputName: 'x',
  outputName: 'y',
}
const program = compile(graph, { name: 'tiny' })
const { client, server } = bundle(program)

describe('a bundle', () => {
  test('comes back as it was', () => {
    const decoded = decodeServerPart(server)
    expect(decoded.program).toEqual(program)
    expect(decodeClientPart(client)).toEqual(clientPartOf(program, decoded.digest))
    expect(decodeClientPart(client).keys).toEqual(keysNeeded(program))
    expect(decodeClientPart(client).digest).toEqual(encodeServerPart(program).digest)
  })

  test('has no weights in its public part', () => {
    const weights = program.steps.flatMap((step) =>
      step.op === 'linear' ? step.diagonals.values.flatMap((v) => [...v]) : [],
    )
    const view = new DataView(client.buffer, client.byteOffset, client.length)
    const text = new TextDecoder('latin1').decode(client)
    const seen = new Set<number>()
    for (let i = 0; i + 8 <= client.length; i++) seen.add(view.getFloat64(i, true))
    for (const w of weights.filter((w) => w !== 0)) {
      expect(text).not.toContain(String(w))
      expect(seen.has(w)).toBe(false)
    }
    expect(client.length).toBeLessThan(6000)
  })

  test.each([
    ['client', client, decodeClientPart],
    ['server', server, decodeServerPart],
  ] as const)('refuses a truncated or damaged %s part', (_, bytes, decode) => {
    const known = expect.objectContaining({ name: 'GloveboxError', code: 'malformed' })
    for (let length = 0; length < bytes.length; length += 1 + (length >> 4))
      expect(() => decode(bytes.subarray(0, length))).toThrow(known)
    for (let i = 0; i < bytes.length; i += 1 + (i >> 5)) {
      const damaged = bytes.slice()
      damaged[i]! ^= 1 << (i % 8)
      expect(() => decode(damaged)).toThrow(known)
    }
    expect(() => decode(Uint8Array.of(...bytes, 0))).toThrow(known)
  })

  test('tells the two parts apart', () => {
    expect(() => decodeClientPart(server)).toThrow(/expected a frame of kind "client part", got "server part"/)
  })
})

describe('a frame with a right checksum and a wrong body', () => {
  /** The server part with its header changed. */
  function forge(change: (header: { [key: string]: never }) => void, cut = 0): Uint8Array {
    const body = server.subarray(44, server.length - 16)
    const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + length)))
    change(header)
    const writer = new ByteWriter().text(JSON.stringify(header)).raw(body.subarray(4 + length, body.length - cut))
    return encodeFrame('server part', digest(writer.done()), writer.done())
  }
  type Header = {
    steps: { [key: string]: unknown }[]
    input: { [key: string]: unknown }
    params: { [key: string]: unknown }
  }
  const forgeries: [string, (header: Header) => void][] = [
    [
      'a huge period',
      (h) => {
        h.steps[0]!.period = 2 ** 40
      },
    ],
    [
      'a period of the largest ring',
      (h) => {
        h.steps[0]!.period = 65536
      },
    ],
    [
      'many diagonals',
      (h) => {
        h.steps[0]!.offsets = Array.from({ length: 1000 }, (_, i) => i)
      },
    ],
    [
      'a rotation that the plan lacks',
      (h) => {
        h.steps[0]!.offsets = [1999]
      },
    ],
    [
      'a register from the future',
      (h) => {
        h.steps[0]!.input = 3
      },
    ],
    [
      'a level below 0',
      (h) => {
        h.steps[1]!.level = 0
      },
    ],
    [
      'a level above its input',
      (h) => {
        h.steps[0]!.level = 9
      },
    ],
    [
      'a scale of 0',
      (h) => {
        h.input.scale = 0
      },
    ],
    [
      'another output scale',
      (h) => {
        h.input.scale = 123
      },
    ],
    [
      'no largest input',
      (h) => {
        h.input.largest = undefined
      },
    ],
    [
      'a level beyond the parameters',
      (h) => {
        h.input.level = 60
      },
    ],
    [
      'an unknown step',
      (h) => {
        h.steps[0]!.op = 'divide'
      },
    ],
    [
      'an unknown field type',
      (h) => {
        h.steps[0]!.folds = 'all'
      },
    ],
    [
      'a shape of another size',
      (h) => {
        h.input.shape = [2, 2]
      },
    ],
    [
      'a newer format',
      (h) => {
        ;(h as never as { format: number }).format = 2
      },
    ],
  ]
  test('is read when nothing is changed', () => {
    expect(decodeServerPart(forge(() => {})).program).toEqual(program)
  })
  test.each(forgeries)('%s', (_, change) => {
    expect(() => decodeServerPart(forge(change as never))).toThrow(GloveboxError)
  })
  test('parameters that are not secure', () => {
    expect(() =>
      decodeServerPart(
        forge((h) => {
          ;(h as never as Header).params.modulusBits = [50, 50, 50, 50, 50]
        }),
      ),
    ).toThrow(expect.objectContaining({ code: 'insecure-parameters' }))
  })
  test.each(['128-classical-2018', 'INSECURE'])('a security target that only a program may choose: %s', (security) => {
    const change = (h: object): void => {
      ;(h as Header).params.security = security
    }
    expect(() => decodeServerPart(forge(change as never))).toThrow(expect.objectContaining({ code: 'malformed' }))
    const length = new DataView(client.buffer, client.byteOffset + 44).getUint32(0, true)
    const body = client.subarray(44, client.length - 16)
    const header = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + length))) as Header
    const forged = (): Uint8Array => {
      const writer = new ByteWriter().text(JSON.stringify(header)).raw(body.subarray(4 + length))
      return encodeFrame('client part', client.slice(8, 40), writer.done())
    }
    expect(decodeClientPart(forged())).toEqual(decodeClientPart(client))
    change(header)
    expect(() => decodeClientPart(forged())).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
  test('missing weights', () => {
    expect(() => decodeServerPart(forge(() => {}, 8))).toThrow(/truncated/)
  })
})

test('an input of another size or with NaN is refused by name', () => {
  const part = decodeClientPart(client)
  expect(() => packInput(part, new Float64Array(8))).toThrow('"x" expected 9 numbers (3x3), got 8')
  expect(() => packInput(part, new Float64Array(9).fill(Number.NaN))).toThrow(
    '"x[0]" expected a finite number, got NaN',
  )
})

test('an input beyond the range is refused without telling its value', () => {
  const part = decodeClientPart(client)
  const { largest } = part.input
  // Synthetic samples are nearly 1 at most; a square grows by the headroom of 4 where the input grows by 2.
  expect(largest).toBeGreaterThan(1.9)
  expect(largest).toBeLessThan(4)
  const sample = new Float64Array(9).fill(-largest)
  packInput(part, sample)
  sample[7] = 77.125
  const limit = Number(largest.toPrecision(4))
  expect(() => packInput(part, sample)).toThrow(
    new RangeError(
      `"x[7]" expected a number from ${-limit} to ${limit}, the most that this program can hold; compile it with samples of the real range`,
    ),
  )
})

test('a sample that leaves the calibrated range is known', () => {
  const part = decodeClientPart(client)
  expect(part.input.calibrated).toEqual({ low: 0, high: 1 })
  const sample = new Float64Array(9).fill(1)
  expect(isUncalibrated(part, sample)).toBe(false)
  sample[4] = 1.5
  expect(isUncalibrated(part, sample)).toBe(true)
  sample[4] = -0.5
  expect(isUncalibrated(part, sample)).toBe(true)
})
