import { type IntegerCase, integerSuite } from '../../test-support/integer-suite.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'
import { bfvDefault } from './defaults.ts'

const insecure = { scheme: 'bfv', security: 'INSECURE' } as const

const cases: readonly IntegerCase[] = [
  // The smallest ring and the smallest t, every kernel on bigint.
  {
    backend: 'reference',
    literal: { ...insecure, ringDegree: 16, modulusBits: [40, 40], specialBits: [40], plaintextModulus: 2 },
  },
  {
    backend: 'reference',
    literal: { ...insecure, ringDegree: 16, modulusBits: [50, 45, 50], specialBits: [50], plaintextModulus: 97 },
  },
  // A prime without slots, and a composite.
  {
    backend: 'wasm-fused',
    literal: { ...insecure, ringDegree: 32, modulusBits: [30, 30, 30], specialBits: [30], plaintextModulus: 17 },
  },
  {
    backend: 'wasm',
    literal: { ...insecure, ringDegree: 64, modulusBits: [48, 48, 48], specialBits: [48], plaintextModulus: 1000 },
  },
  // t above the primes of the chain.
  {
    backend: 'wasm-fused',
    literal: {
      ...insecure,
      ringDegree: 64,
      modulusBits: [20, 21, 20, 21, 20, 21, 20, 21],
      specialBits: [21, 21],
      plaintextModulus: plaintextModulus(24, 64),
    },
  },
  // The largest t, even and prime.
  {
    backend: 'wasm',
    literal: {
      ...insecure,
      ringDegree: 256,
      modulusBits: [50, 50, 50, 50],
      specialBits: [50, 50],
      plaintextModulus: 2 ** 32,
    },
  },
  {
    backend: 'wasm-fused',
    literal: {
      ...insecure,
      ringDegree: 1024,
      modulusBits: [50, 49, 50, 49, 50],
      specialBits: [50, 50],
      plaintextModulus: plaintextModulus(32, 1024),
    },
  },
  // Digits of three primes, the last one short.
  {
    backend: 'wasm',
    literal: {
      ...insecure,
      ringDegree: 512,
      modulusBits: [40, 40, 40, 40, 40],
      specialBits: [45, 45, 45],
      digitSize: 3,
      plaintextModulus: plaintextModulus(17, 512),
    },
  },
  // One prime, no keys.
  {
    backend: 'wasm-fused',
    literal: { scheme: 'bfv', ringDegree: 2048, modulusBits: [50], specialBits: [], plaintextModulus: 65537 },
  },
  // SEAL's defaults, and the chain of a larger one: bfv.slow.test.ts has it in its ring.
  { backend: 'wasm', literal: { scheme: 'bfv', ...bfvDefault(4096), plaintextModulus: plaintextModulus(18, 4096) } },
  {
    backend: 'wasm-fused',
    literal: { ...bfvDefault(8192), ...insecure, ringDegree: 1024, plaintextModulus: plaintextModulus(20, 1024) },
  },
]

for (const subject of cases) integerSuite(subject)
