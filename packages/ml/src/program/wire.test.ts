import { ByteWriter, decodeFrame, digest, encodeFrame, GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { bundle, clientPartOf } from '../compile/bundle.ts'
import { compile } from '../compile/compile.ts'
import type { Graph } from '../graph/graph.ts'
import type { InputStep, OutputStep } from '../model/steps.ts'
import { type ClientPart, decodeClientPart, encodeClientPart, isUncalibrated, packInput } from './client.ts'
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
const program = compile(graph, { name: 'tiny', packing: 'slots' })
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
      step.op === 'linear' && step.map.kind === 'rotations'
        ? step.map.diagonals.blocks.flatMap(({ values }) => values.flatMap((v) => [...v]))
        : [],
    )
    const view = new DataView(client.buffer, client.byteOffset, client.length)
    const text = new TextDecoder('latin1').decode(client)
    const seen = new Set<number>()
    for (let i = 0; i + 8 <= client.length; i++) seen.add(view.getFloat64(i, true))
    expect(weights.length).toBeGreaterThan(50)
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

const affine: Graph = {
  nodes: graph.nodes.slice(0, 2),
  output: 1,
  inputShape: [3, 3],
  outputShape: [6],
  inputName: 'x',
  outputName: 'y',
}
const sparse: Graph = {
  ...affine,
  nodes: [affine.nodes[0]!, { ...affine.nodes[1]!, map: randomMap(3, 6, 9, 0.5) }],
}
const inBatch = compile(graph, { name: 'batch', packing: 'batch' })
const inCoefficients = compile(sparse, { name: 'coefficients', packing: 'coefficient' })

type Json = { [key: string]: never } & Json[]
type Change = (header: Json) => unknown

/** A part with its header changed, or the bytes behind it, and a right checksum. */
function forge(part: Uint8Array, change: Change, tail: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const kind = isServer(part) ? 'server part' : 'client part'
  const body = part.subarray(44, part.length - 16)
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + length)))
  change(header)
  const writer = new ByteWriter().text(JSON.stringify(header)).raw(tail(body.slice(4 + length)))
  return encodeFrame(kind, kind === 'server part' ? digest(writer.done()) : part.slice(8, 40), writer.done())
}

function isServer(part: Uint8Array): boolean {
  try {
    decodeFrame(part, 'server part')
    return true
  } catch {
    return false
  }
}

const parts = {
  slots: bundle(program),
  batch: bundle(inBatch),
  coefficient: bundle(inCoefficients),
}

describe('what could not be read is not written:', () => {
  const scale = (factor: number[]): InputStep => ({ op: 'scale', offset: factor.map(() => 0.1234567890123), factor })
  test.each<[string, Partial<ClientPart['input']>, RegExp]>([
    ['a factor without end', { before: [scale([Infinity])] }, /"input\.before\.0\.factor\.0"/],
    ['a name without end', { name: 'x'.repeat(5000) }, /"input\.name"/],
    ['steps of more than 4 MB', { before: [scale(new Array(300_000).fill(1))] }, /"header" expected at most 4194304/],
  ])('%s', (_, change, message) => {
    const changed = { ...program, input: { ...program.input, ...change } }
    for (const encode of [
      () => encodeServerPart(changed),
      () => encodeClientPart(clientPartOf(changed, new Uint8Array(32))),
    ])
      expect(encode).toThrow(expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(message) }))
  })
})

describe('programs of all packings', () => {
  test.each([program, inBatch, inCoefficients])('$packing: come back as they were', (compiled) => {
    const { bytes, digest } = encodeServerPart(compiled)
    expect(decodeServerPart(bytes).program).toEqual(compiled)
    expect(decodeClientPart(bundle(compiled).client)).toEqual(clientPartOf(compiled, digest))
  })

  test('are what the tests below take them for', () => {
    expect([program.packing, inBatch.packing, inCoefficients.packing]).toEqual(['slots', 'batch', 'coefficient'])
    expect([inBatch.relinearise, inBatch.encoding, inBatch.input.layout.tiles]).toEqual(['sums', 'slots', 9])
    const [step] = inCoefficients.steps
    expect(step).toMatchObject({ map: { kind: 'polynomials', matrix: { rows: 6, columns: 9 } } })
    expect((step as never as { map: { matrix: { value: Float64Array } } }).map.matrix.value.length).toBeLessThan(54)
  })

  test('say what the client does before and after, which survives', () => {
    const before: InputStep[] = [
      {
        op: 'columns',
        columns: [
          { name: 'age' },
          { name: 'sex', values: ['f', 'm'], open: true },
          { name: 'note', text: true, unused: true },
        ],
      },
      { op: 'impute', values: [40, 'f', ''], missing: 'NA' },
      {
        op: 'branches',
        branches: [
          {
            from: [0, 1],
            steps: [
              {
                op: 'encode',
                columns: [
                  { kind: 'bins', from: 0, edges: [1.5, 2], missing: true },
                  { kind: 'one-hot', from: 1, values: ['f', null], silent: ['m'], strict: true },
                  { kind: 'ordinal', from: 1, values: ['f', 'm'], codes: [1, 0.1], otherwise: -1 },
                  { kind: 'number', from: 0 },
                ],
              },
              { op: 'scale', offset: [0.1, 0, 0, 0, 0, 0, 0, 0], factor: [1e-3, 1, 1, 1, 1, 1, 1, 1] },
              { op: 'products', terms: [[], [0], [0, 0]] },
              { op: 'normalise', norm: 'l2' },
            ],
          },
          {
            from: [2],
            steps: [
              {
                op: 'hash-text',
                size: 6,
                ngrams: [1, 2],
                norm: 'l1',
                keepCase: true,
                shortest: 1,
                unsigned: true,
                binary: true,
              },
            ],
          },
        ],
      },
    ]
    const after: OutputStep[] = [
      { op: 'total', names: ['a', 'b', 'c'], bias: 0.1 },
      { op: 'apply', activation: { kind: 'LeakyRelu', alpha: 0.01 } },
      { op: 'scale', factor: 2, offset: 1 / 3 },
      { op: 'clip', low: -1, high: 1 },
      { op: 'sigmoid' },
      { op: 'exp' },
      { op: 'share' },
      { op: 'softmax', log: true },
      { op: 'argmax', last: true },
      { op: 'names', names: ['a', 'b', 'c'] },
      { op: 'labels', names: ['a', 'b', 'c'], threshold: 0.25 },
    ]
    for (const compiled of [program, inBatch, inCoefficients]) {
      const full = { ...compiled, input: { ...compiled.input, before }, output: { ...compiled.output, after } }
      const { client, server } = bundle(full)
      expect(decodeServerPart(server).program).toEqual(full)
      const part = decodeClientPart(client)
      expect([part.input.before, part.output.after]).toEqual([before, after])
      const wrong: [string, Change][] = [
        ['a step that there is not', (h) => Object.assign(h.input, { before: [{ op: 'eval', text: '1' }] })],
        ['a field that there is not', (h) => Object.assign(h.output, { after: [{ op: 'sigmoid', more: 1 }] })],
        [
          'a hash without end',
          (h) => Object.assign(h.input, { before: [{ op: 'hash-text', size: 2 ** 40, ngrams: [1, 1], norm: 'l1' }] }),
        ],
        ['no steps', (h) => Object.assign(h.output, { after: undefined })],
      ]
      for (const [what, change] of wrong) {
        const malformed = expect.objectContaining({ code: 'malformed' })
        expect(() => decodeClientPart(forge(client, change)), what).toThrow(malformed)
        expect(() => decodeServerPart(forge(server, change)), what).toThrow(malformed)
      }
    }
  })
})

describe('a frame with a right checksum and a wrong body', () => {
  const first = (h: Json): Json => h.steps[0]!
  const map = (h: Json): Json => first(h).map
  const matrix = (h: Json): Json => map(h).matrix
  const set =
    (of: (header: Json) => Json, field: string | number, value: unknown): Change =>
    (h) =>
      Object.assign(of(h), { [field]: value })
  const top = (h: Json): Json => h
  const input = (h: Json): Json => h.input
  const output = (h: Json): Json => h.output

  const common: [string, Change][] = [
    ['a register from the future', set(first, 'input', 3)],
    ['a level above its input', set(first, 'level', 9)],
    ['a scale of 0', set(input, 'scale', 0)],
    ['another output scale', set(input, 'scale', 123)],
    ['no largest input', set(input, 'largest', undefined)],
    ['a level beyond the parameters', set(input, 'level', 60)],
    ['an unknown step', set(first, 'op', 'divide')],
    ['a map of an unknown kind', set(map, 'kind', 'magic')],
    ['a shape without end', set(input, 'shape', new Array(8).fill(2 ** 24))],
    ['more tiles than the shape has', set((h) => input(h).layout, 'tiles', 65536)],
    ['no tiles', set((h) => input(h).layout, 'tiles', 0)],
    ['places without end', (h) => Object.assign(input(h).layout, { tiles: 65536, period: 131072, plain: false })],
    ['an output of more ciphertexts', set((h) => output(h).layout, 'tiles', 2)],
    ['a period that is no whole number', set((h) => input(h).layout, 'period', 2.5)],
    ['a reply beyond the ring', (h) => Object.assign(output(h).reply, { stride: 2048, count: 131072 })],
    ['an unknown packing', set(top, 'packing', 'bags')],
    ['another format', set(top, 'format', 1)],
    ['a ring that is none', set((h) => h.params, 'ringDegree', 3000)],
    ['a weight width of 2', set(first, 'width', 2)],
    ['a bias of another length', set(first, 'bias', 5)],
    ['a bias without end', set(first, 'bias', 2 ** 24)],
    ['no steps', set(top, 'steps', [])],
  ]
  const ofSlots: [string, Change][] = [
    ['a huge period', set(map, 'period', 2 ** 40)],
    ['a period of the largest ring', set(map, 'period', 131072)],
    ['a period that divides no ring', set(map, 'period', 12)],
    [
      'many diagonals',
      set(
        (h) => map(h).blocks[0]!,
        'offsets',
        Array.from({ length: 1000 }, (_, i) => i),
      ),
    ],
    ['a rotation that the plan lacks', set((h) => map(h).blocks[0]!, 'offsets', [1999])],
    ['a rotation beyond the slots', set(map, 'babies', [65535])],
    ['a level below 0', (h) => Object.assign(h.steps[1]!, { level: 0, rescale: true })],
    ['an unknown field type', set(map, 'folds', 'all')],
    ['blocks without diagonals', set((h) => map(h).blocks[0]!, 'offsets', [])],
    ['no blocks', set(map, 'blocks', [])],
    ['a block to a ciphertext that is not there', set((h) => map(h).blocks[0]!, 'to', 1)],
    ['a block from a ciphertext that is not there', set((h) => map(h).blocks[0]!, 'from', 1)],
    ['more sources than the input', set(map, 'sources', 2)],
    ['a result that no block leads to', set(map, 'targets', 2)],
    ['results without end', set(map, 'targets', 65536)],
    ['an input period beyond the slots', set((h) => input(h).layout, 'period', 131072)],
    ['the packing of others', (h) => Object.assign(h, { packing: 'coefficient', encoding: 'coefficients' })],
    ['slots as coefficients', set(top, 'encoding', 'coefficients')],
    ['a reply without half of its slots', (h) => Object.assign(output(h).reply, { count: 1 })],
  ]
  const ofMatrices: [string, Change][] = [
    ['more rows', set(matrix, 'rows', 7)],
    ['rows without end', (h) => Object.assign(matrix(h), { rows: 2 ** 24, entries: 2 ** 25 })],
    ['more columns', set(matrix, 'columns', 10)],
    ['columns without end', (h) => Object.assign(matrix(h), { columns: 2 ** 24 })],
    ['more entries', (h) => Object.assign(matrix(h), { entries: matrix(h).entries + 1 })],
    ['fewer entries', (h) => Object.assign(matrix(h), { entries: matrix(h).entries - 1 })],
    ['entries without end', (h) => Object.assign(matrix(h), { entries: 2 ** 25, dense: false })],
    ['the contrary of dense', (h) => Object.assign(matrix(h), { dense: !matrix(h).dense })],
    [
      'a dense matrix without end',
      (h) => Object.assign(matrix(h), { rows: 8192, columns: 4096, entries: 2 ** 25, dense: true }),
    ],
    ['no columns', (h) => Object.assign(matrix(h), { columns: 0, entries: 0 })],
    ['slots', set(top, 'packing', 'slots')],
    ['a shape of another size', set(input, 'shape', [2, 2])],
  ]
  const ofBatch: [string, Change][] = [
    ...ofMatrices,
    ['a period', (h) => Object.assign(input(h).layout, { period: 16, tiles: 1 })],
    ['products in coefficients', set(top, 'encoding', 'coefficients')],
    ['a reply of some samples', set((h) => output(h).reply, 'count', 1)],
    ['a polynomial', (h) => Object.assign(map(h), { kind: 'polynomials', chunk: 9, perTile: 1 })],
  ]
  const ofCoefficients: [string, Change][] = [
    ...ofMatrices,
    ['a chunk of 0', set(map, 'chunk', 0)],
    ['chunks that overlap', set(map, 'perTile', 2048)],
    ['another chunk', set(map, 'chunk', 5)],
    ['fewer outputs in a ciphertext', set(map, 'perTile', 3)],
    ['outputs elsewhere than the reply has them', set((h) => output(h).reply, 'stride', 8)],
    ['a reply of some outputs', set((h) => output(h).reply, 'count', 2)],
    [
      'a chunk of the input that the map does not have',
      (h) => Object.assign(input(h).layout, { period: 16, tiles: 1 }),
    ],
    ['scalars', (h) => Object.assign(map(h), { kind: 'scalars' })],
    ['slots as coefficients', set(top, 'encoding', 'slots')],
  ]
  const cases = Object.entries({
    slots: [...common, ...ofSlots],
    batch: [...common, ...ofBatch],
    coefficient: [...common, ...ofCoefficients],
  }).flatMap(([packing, changes]) =>
    changes.map(([what, change]) => [packing as keyof typeof parts, what, change] as const),
  )

  test.each(Object.keys(parts) as (keyof typeof parts)[])('%s: is read when nothing is changed', (packing) => {
    const { server, client } = parts[packing]
    expect(decodeServerPart(forge(server, () => {})).program).toEqual(decodeServerPart(server).program)
    expect(decodeClientPart(forge(client, () => {}))).toEqual(decodeClientPart(client))
  })
  test.each(cases)('%s: %s', (packing, _, change) => {
    const forged = forge(parts[packing].server, change)
    const { arrayBuffers } = process.memoryUsage()
    expect(() => decodeServerPart(forged)).toThrow(GloveboxError)
    // Nothing is as large as the header says before it is known to be there.
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(2 ** 23)
  })
  test('a ciphertext that no block leads to, though all else fits', () => {
    const steps = program.steps.map((step) => {
      if (step.op !== 'linear' || step.map.kind !== 'rotations') return step
      const tiles = step.input === 0 ? { targets: 2 } : { sources: 2 }
      const map = { ...step.map, diagonals: { ...step.map.diagonals, ...tiles } }
      return { ...step, map, ...(step.input === 0 && { bias: undefined }) }
    })
    expect(() => decodeServerPart(encodeServerPart({ ...program, steps }).bytes)).toThrow(
      /"first" expected blocks to all of its 2 ciphertexts, got 1/,
    )
  })
  test('parameters that are not secure', () => {
    for (const { server } of Object.values(parts)) {
      expect(() =>
        decodeServerPart(
          forge(
            server,
            set((h) => h.params, 'modulusBits', [50, 50, 50, 50, 50, 50]),
          ),
        ),
      ).toThrow(expect.objectContaining({ code: 'insecure-parameters' }))
    }
  })
  test.each(['128-classical-2018', 'INSECURE'])('a security target that only a program may choose: %s', (security) => {
    const change = set((h) => h.params, 'security', security)
    for (const part of Object.values(parts)) {
      expect(() => decodeServerPart(forge(part.server, change))).toThrow(expect.objectContaining({ code: 'malformed' }))
      expect(() => decodeClientPart(forge(part.client, change))).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })
  test('missing weights', () => {
    for (const { server } of Object.values(parts)) {
      expect(() =>
        decodeServerPart(
          forge(
            server,
            () => {},
            (bytes) => bytes.slice(0, -8),
          ),
        ),
      ).toThrow(/truncated/)
      expect(() =>
        decodeServerPart(
          forge(
            server,
            () => {},
            (bytes) => Uint8Array.of(...bytes, 0),
          ),
        ),
      ).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })
  test('any word behind the header is read, or refused as malformed', () => {
    let refused = 0
    for (const { server } of Object.values(parts)) {
      for (const value of [0, 7, 0xffffffff, 0x7ff00000]) {
        for (let at = 0; ; at += at < 200 ? 4 : 44) {
          let end = false
          const bytes = forge(
            server,
            () => {},
            (tail) => {
              end = at + 8 > tail.length
              new DataView(tail.buffer).setUint32(Math.min(at, tail.length - 4), value, true)
              return tail
            },
          )
          try {
            decodeServerPart(bytes)
          } catch (error) {
            expect(error).toMatchObject({ name: 'GloveboxError', code: 'malformed' })
            refused++
          }
          if (end) break
        }
      }
    }
    expect(refused).toBeGreaterThan(100)
  })
  test('a client part whose sizes are lies', () => {
    const lies: [string, Change][] = [
      ['more tiles', set((h) => input(h).layout, 'tiles', 65536)],
      ['a shape of more', set(input, 'shape', [2 ** 24])],
      ['a period beyond the ring', set((h) => input(h).layout, 'period', 131072)],
      ['places without end', (h) => Object.assign(input(h).layout, { tiles: 512, period: 131072, plain: false })],
      ['keys at levels that there are not', (h) => Object.assign(h, { keys: { rotations: [], relinearisation: 60 } })],
      ['rotations beyond the slots', (h) => Object.assign(h, { keys: { rotations: [{ steps: 65535, level: 0 }] } })],
    ]
    for (const { client } of Object.values(parts)) {
      for (const [what, change] of lies)
        expect(() => decodeClientPart(forge(client, change)), what).toThrow(
          expect.objectContaining({ code: 'malformed' }),
        )
    }
  })
  test('a client part of a batch whose ciphertexts are of no input, or of one without end', () => {
    const { client } = parts.batch
    const read = (shape: readonly number[], places: readonly number[]): number[] => {
      const words = new ByteWriter()
      for (const element of places) words.u32(element + 1)
      const change: Change = (h) => {
        Object.assign(input(h), { shape })
        input(h).layout.plain = false
      }
      return [...decodeClientPart(forge(client, change, () => words.done())).input.layout.elements]
    }
    const places = [8, 0, 1, 2, 3, 4, 5, 6, 7]
    expect(read([9], places)).toEqual(places)
    expect(() => read([2 ** 24, 2], places)).toThrow(/at most 2\^24 elements/)
    expect(() => read([9], [-1, ...places.slice(1)])).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

test('an input of another size or with NaN is refused by name', () => {
  const part = decodeClientPart(client)
  expect(() => packInput(part, [new Float64Array(8)])).toThrow('"x" expected 9 numbers (3x3), got 8')
  expect(() => packInput(part, [new Float64Array(9).fill(Number.NaN)])).toThrow(
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
  packInput(part, [sample])
  sample[7] = 77.125
  const limit = Number(largest.toPrecision(4))
  expect(() => packInput(part, [sample])).toThrow(
    new RangeError(
      `"x[7]" expected a number from ${-limit} to ${limit}, the most that this program can hold; compile it with samples of the real range`,
    ),
  )
})

test('bytes, for a model that scales bytes, are told from numbers that are out of range', () => {
  const part = decodeClientPart(client)
  const scaled = { ...part, input: { ...part.input, pixels: { scale: 1 / 255, offset: 0 } } }
  const bytes = new Float64Array(9).fill(200)
  expect(() => packInput(scaled, [bytes])).toThrow(/\{ pixels: true \}\), or --pixels of the command$/)
  expect(() => packInput(scaled, [bytes.with(3, 200.5)])).toThrow(/compile it with samples of the real range$/)
  const plain = { ...part, input: { ...part.input, pixels: { scale: 1, offset: 0 } } }
  expect(() => packInput(plain, [bytes])).toThrow(/compile it with samples of the real range$/)
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
