import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format, inspect } from 'node:util'
import createDebug from 'debug'
import { describe, expect, test } from 'vitest'
import { createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { smallLiteral, smallScale } from '../test-support/small.ts'
import { openBfv } from './bfv/bfv.ts'
import { openCkks } from './ckks/ckks.ts'
import { traced } from './trace.ts'

/** Numbers that are nowhere but in the data, so that they show if data do. */
const marks = [0.7361529, 0.2918437, 0.5528191]
const integerMarks = [31337, 27182, 16180]

/** Runs a script against the sources in a process of its own, as a user would. */
function run(script: string, debug: string): { lines: string[]; report: Record<string, string[]> } {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-trace-'))
  const file = join(folder, 'probe.mjs')
  const here = pathToFileURL(import.meta.dirname).href
  writeFileSync(file, script.replaceAll(/from '(\.\.?\/)/g, `from '${here}/$1`))
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@glovebox/source', file], {
      encoding: 'utf8',
      env: { ...process.env, DEBUG: debug, DEBUG_COLORS: '0' },
      maxBuffer: 2 ** 26,
    })
    if (status !== 0) throw new Error(stderr.slice(-2000))
    return { lines: stderr.split('\n').filter((line) => line.includes('glovebox:')), report: JSON.parse(stdout) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Everything secret or private of the run, as text in the forms in which it could show. */
const confess = `
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const forms = (bytes) => [hex(bytes), Buffer.from(bytes).toString('base64'), [...bytes].join(','), [...bytes].join(', ')]
function secrets(context, secret, seeds) {
  const { ring } = context
  const coefficients = encodeSecretKey(secret).subarray(44, 44 + ring.n / 4)
  const limb = ring.heap.f64(secret.slab.ptr, ring.n)
  // Pieces long enough that they are nowhere by chance: 24 bytes of the packed key, residues of its NTT form.
  return [
    ...[0, 100, 200].flatMap((at) => forms(coefficients.subarray(at, at + 24))),
    ...[...limb.subarray(0, 64)].filter((x) => Math.abs(x) > 1e4).map((x) => String(Math.abs(x))),
    ...seeds.flatMap((seed) => [...forms(seed), ...forms(seed.subarray(0, 16))]),
  ]
}`

describe('DEBUG=glovebox:*', () => {
  test('prints a line for every operation of CKKS, and nothing secret', () => {
    const { lines, report } = run(
      `
import { openCkks } from './ckks/ckks.ts'
import * as he from '../secret.ts'
import { applyLinear, applyMatrix, encodeLinear, encodeMatrix, planLinear } from '../index.ts'
const { createSecretKey, createPublicKey, createRelinearisationKey, createGaloisKeys, encryptSymmetric, decrypt, encodeSecretKey } = he
${confess}
const ckks = openCkks({ scheme: 'ckks', ringDegree: 4096, modulusBits: [36, 30], specialBits: [36] })
const scale = 2 ** 30
const secret = createSecretKey(ckks)
const publicKey = createPublicKey(ckks, secret)
const relinearisation = createRelinearisationKey(ckks, secret)
const galois = createGaloisKeys(ckks, secret, [{ steps: 1 }, { steps: 'conjugate' }])
const keys = { relinearisation, galois }
const values = ${JSON.stringify(marks)}
const p = ckks.encode(values, { scale })
const low = ckks.encode({ re: values, im: values }, { scale, level: 0 })
const q = ckks.encodeCoefficients(values, { scale })
const a = encryptSymmetric(ckks, secret, p)
const b = ckks.encrypt(publicKey, p)
const small = ckks.encrypt(publicKey, ckks.encode(values, { scale: 2 ** 14 }))
const half = ckks.encode(values, { scale: 2 ** 14 })
const hoisted = ckks.hoist(a)
const calls = {
  add: [a, b], subtract: [a, b], negate: [a], addPlain: [a, p], subtractPlain: [a, p], addConstant: [a, values[0]],
  multiplyPlain: [a, half], multiplyConstant: [a, values[1], 2 ** 10], multiply: [small, small], square: [small],
  relinearise: [ckks.multiply(a, small), keys], rescale: [ckks.multiplyPlain(a, q)], dropLevel: [a, 0],
  rotate: [a, 1, keys], conjugate: [a, keys], rotateHoisted: [hoisted, 1, keys],
}
for (const [name, operands] of Object.entries(calls)) ckks[name](...operands)
try { ckks.rotate(a, 5, keys) } catch {}
try { ckks.rescale(ckks.dropLevel(a, 0)) } catch {}
const weights = new Float64Array(ckks.params.slots).fill(values[2])
applyLinear(ckks, a, encodeLinear(ckks, new Map([[1, weights]]), planLinear([1], ckks.params.slots), { level: 1, scale: 2 ** 14 }), keys)
applyMatrix(ckks, [a], encodeMatrix(ckks, [[values[2], 0], [0, values[2]]], { level: 1, scale: 2 ** 14 }), keys)
const opened = decrypt(ckks, secret, a)
ckks.decode(opened)
ckks.decodeComplex(opened)
ckks.decodeCoefficients(opened)
console.log(JSON.stringify({
  methods: Object.keys(ckks).filter((name) => typeof ckks[name] === 'function'),
  called: [...Object.keys(calls), 'encode', 'encodeCoefficients', 'encrypt', 'hoist', 'decode', 'decodeComplex', 'decodeCoefficients'],
  secrets: secrets(ckks, secret, [a.seed, publicKey.seed, relinearisation.seed, ...[...galois.values()].map((key) => key.seed)]),
  decoded: [...ckks.decode(opened).slice(0, 64)].map(String),
}))
`,
      'glovebox:*',
    )
    const text = lines.join('\n')
    // Methods that others add later print by themselves; the ones known here are held to their lines.
    for (const name of report.called!) {
      expect(report.methods, name).toContain(name)
      expect(text).toMatch(new RegExp(`glovebox:ckks ${name}\\(.*\\d ms$`, 'm'))
    }
    for (const line of [
      'encode(scale 2^30) → plaintext level 1 scale 2^30',
      'encode(level 0 scale 2^30) → plaintext level 0 scale 2^30',
      'add(ciphertext level 1 scale 2^30, ciphertext level 1 scale 2^30) → ciphertext level 1 scale 2^30',
      'multiply(ciphertext level 1 scale 2^14, ciphertext level 1 scale 2^14) → ciphertext of 3 parts level 1 scale 2^28',
      'relinearise(ciphertext of 3 parts level 1 scale 2^44, 2 Galois keys) → ciphertext level 1 scale 2^44',
      'rotate(ciphertext level 1 scale 2^30, by 1, 2 Galois keys) → ciphertext level 1 scale 2^30',
      'rotateHoisted(hoisted ciphertext level 1 scale 2^30, by 1, 2 Galois keys) → ',
      'rotate(ciphertext level 1 scale 2^30, by 5, 2 Galois keys) ✗ missing-key',
      'rescale(ciphertext level 0 scale 2^30) ✗ level-exhausted',
      'dropLevel(ciphertext level 1 scale 2^30) → ciphertext level 0',
      'multiplyConstant(ciphertext level 1 scale 2^30) → ciphertext level 1 scale 2^40',
    ])
      expect(text).toContain(`glovebox:ckks ${line}`)
    for (const line of [
      'secret createSecretKey → secret-key',
      'secret createPublicKey → public-key',
      'secret createRelinearisationKey → switching-key level 1',
      'secret createGaloisKeys',
      'secret encryptSymmetric → ciphertext level 1 scale 2^30',
      'secret decrypt → plaintext level 1 scale 2^30',
      'circuits encodeLinear(level 1 scale 2^14) → level 1 scale 2^14',
      'circuits applyLinear(ciphertext level 1 scale 2^30, level 1 scale 2^14, 2 Galois keys) → ciphertext level 1 scale 2^44',
      'circuits encodeMatrix(level 1 scale 2^14) → level 1 scale 2^14',
      'circuits applyMatrix(1 × ciphertext level 1 scale 2^30, level 1 scale 2^14, 2 Galois keys) → 1 × ciphertext level 1 scale 2^44',
    ]) {
      const found = lines.find((printed) => printed.includes(`glovebox:${line}`))
      expect(found, line).toMatch(/[\d.]+ ms$/)
    }
    expect(report.secrets!.length).toBeGreaterThan(50)
    for (const secret of [...report.secrets!, ...report.decoded!, ...marks.map((mark) => String(mark).slice(2, 7))])
      expect(text.includes(secret), secret.slice(0, 8)).toBe(false)
  })

  test('prints a line for every operation of BFV, and nothing secret', () => {
    const { lines, report } = run(
      `
import { openBfv } from './bfv/bfv.ts'
import * as he from '../secret.ts'
const { createSecretKey, createRelinearisationKey, createPublicKey, createGaloisKeys, encryptSymmetric, decrypt, encodeSecretKey } = he
${confess}
const bfv = openBfv({ scheme: 'bfv', ringDegree: 4096, modulusBits: [36, 34], specialBits: [36], digitSize: 1, plaintextModulus: 40961, security: '128-classical' })
const secret = createSecretKey(bfv)
const publicKey = createPublicKey(bfv, secret)
const relinearisation = createRelinearisationKey(bfv, secret)
const galois = createGaloisKeys(bfv, secret, [{ steps: 1 }, { steps: 'conjugate' }])
const keys = { relinearisation, galois }
const values = ${JSON.stringify(integerMarks)}
const p = bfv.encode(values)
const a = bfv.encrypt(publicKey, p)
const hoisted = bfv.hoist(a)
const calls = {
  encodeCoefficients: [values], add: [a, a], subtract: [a, a], negate: [a], addPlain: [a, p], subtractPlain: [a, p], multiplyPlain: [a, p],
  addConstant: [a, values[0]], multiplyConstant: [a, values[1]], dotPlain: [[a, a], [p, p]], multiply: [a, a], square: [a],
  relinearise: [bfv.square(a), keys], multiplyMany: [[a, a], keys], exponentiate: [a, 2, keys], evaluatePolynomial: [a, values, keys],
  switchModulus: [a], rotateRows: [a, 1, keys], rotateColumns: [a, keys], rotateRowsHoisted: [hoisted, 1, keys],
}
for (const [name, operands] of Object.entries(calls)) bfv[name](...operands)
const opened = decrypt(bfv, secret, a)
bfv.decode(opened)
bfv.decodeCoefficients(opened)
console.log(JSON.stringify({
  methods: Object.keys(bfv).filter((name) => typeof bfv[name] === 'function'),
  called: [...Object.keys(calls), 'encode', 'encrypt', 'hoist', 'decode', 'decodeCoefficients'],
  secrets: secrets(bfv, secret, [publicKey.seed, relinearisation.seed]),
}))
`,
      'glovebox:*',
    )
    const text = lines.join('\n')
    for (const name of report.called!) {
      expect(report.methods, name).toContain(name)
      expect(text).toMatch(new RegExp(`glovebox:bfv ${name}\\(.*\\d ms$`, 'm'))
    }
    expect(text).toContain('multiplyMany(2 × ciphertext level 1, 2 Galois keys) → ciphertext level 1')
    expect(text).toContain('rotateRows(ciphertext level 1, by 1, 2 Galois keys) → ciphertext level 1')
    for (const secret of [...report.secrets!, ...integerMarks.map(String)])
      expect(text.includes(secret), secret.slice(0, 8)).toBe(false)
  })

  test('prints nothing where it is off, or for another name', () => {
    const script = (then: string): string => `
import { openCkks } from './ckks/ckks.ts'
import { createSecretKey } from '../secret.ts'
const ckks = openCkks(${JSON.stringify(smallLiteral)})
createSecretKey(ckks)
ckks.encode([1], { scale: ${smallScale} })
${then}
console.log('{}')
`
    expect(run(script(''), '').lines).toEqual([])
    expect(run(script(''), 'somebody:*').lines).toEqual([])
    const secretOnly = run(script(''), 'glovebox:secret').lines
    expect(secretOnly).toHaveLength(1)
    expect(secretOnly[0]).toContain('createSecretKey')
  })

  test('every function of an object prints, whatever it is called; data, getters and symbols stay', () => {
    const printed: string[] = []
    const log = createDebug.log
    createDebug.log = (...parts: unknown[]) => void printed.push(format(...parts))
    createDebug.enable('glovebox:fake')
    try {
      let closed = false
      const api = {
        ring: 7,
        get memory() {
          return 11
        },
        later: (value: number) => value + 1,
        fails: () => {
          throw new RangeError('the value 0.123456 is too large')
        },
        [Symbol.dispose]: () => {
          closed = true
        },
      }
      const wrapped = traced('fake', api)
      expect(wrapped).not.toBe(api)
      expect([wrapped.later(41), wrapped.ring, wrapped.memory]).toEqual([42, 7, 11])
      expect(() => wrapped.fails()).toThrow('0.123456')
      wrapped[Symbol.dispose]()
      expect(closed).toBe(true)
    } finally {
      createDebug.disable()
      createDebug.log = log
    }
    expect(printed.map((line) => line.replace(/.*glovebox:fake |[\d.]+ ms.*$/g, ''))).toEqual([
      'later() ',
      'fails() ✗ RangeError ',
    ])
  })

  test('the wrapper is not even there where it is off', () => {
    const api = { add: (a: number, b: number) => a + b }
    expect(traced('nothing', api)).toBe(api)
  })
})

describe('inspection', () => {
  test('shows what values are, not their memory', () => {
    const ckks = openCkks(smallLiteral)
    using secret = createSecretKey(ckks)
    using publicKey = createPublicKey(ckks, secret)
    using key = createRelinearisationKey(ckks, secret, { level: 0 })
    using plaintext = ckks.encode([1], { scale: smallScale })
    using ct = ckks.encrypt(publicKey, plaintext)
    expect(inspect(plaintext)).toBe('Plaintext { level: 1, scale: 2^14, ringDegree: 2048 }')
    expect(inspect(ct)).toBe('Ciphertext { level: 1, scale: 2^14, parts: 2, ringDegree: 2048, seeded: false }')
    expect(inspect({ deep: [ct] }, { depth: 9, breakLength: Infinity })).toContain('[ Ciphertext { level: 1')
    expect(inspect(publicKey)).toBe(`PublicKey { level: 1, ringDegree: 2048, bytes: ${publicKey.slab.bytes} }`)
    expect(inspect(key)).toBe(`SwitchingKey { level: 0, digits: 1, ringDegree: 2048, bytes: ${key.slab.bytes} }`)
    expect(inspect(ckks)).toMatch(
      /^Ckks \{ ringDegree: 2048, maxLevel: 1, logQ: 34\.\d, logQP: 52\.\d, security: 128-classical, backend: [\w-]+ \}$/,
    )
    expect(inspect(ckks.ring)).toMatch(/^Ring \{ n: 2048, primes: 3, backend: [\w-]+ \}$/)
    expect(inspect(secret)).toMatch(
      /^\{\s+kind: 'secret-key',\s+Symbol\(Symbol\.dispose\): \[Function: \[Symbol\.dispose\]\]\s+\}$/,
    )
  })

  test('a value that was disposed of still says what it was', () => {
    const ckks = openCkks(smallLiteral)
    const plaintext = ckks.encode([1], { scale: smallScale })
    plaintext[Symbol.dispose]()
    expect(inspect(plaintext)).toBe('Plaintext { level: 1, scale: 2^14, ringDegree: 2048 }')
  })

  test('BFV contexts show their plaintext modulus', () => {
    const bfv = openBfv({
      scheme: 'bfv',
      ringDegree: 2048,
      modulusBits: [27],
      specialBits: [26],
      plaintextModulus: 12289,
      security: 'INSECURE',
    })
    expect(inspect(bfv)).toMatch(/^Bfv \{ .*plaintextModulus: 12289, security: INSECURE/)
  })
})
