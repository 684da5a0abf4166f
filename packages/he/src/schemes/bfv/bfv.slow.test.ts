import { type IntegerCase, integerSuite } from '../../test-support/integer-suite.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'
import { bfvDefault } from './defaults.ts'

// Real parameters: SEAL's defaults and their replacements, and digits of several primes, up to the limits of the security tables.

const repeat = (bits: number, count: number): number[] => new Array<number>(count).fill(bits)

const cases: readonly IntegerCase[] = [
  { backend: 'wasm-fused', literal: { scheme: 'bfv', ...bfvDefault(1024), plaintextModulus: 12289 } },
  {
    backend: 'wasm-fused',
    literal: { scheme: 'bfv', ...bfvDefault(2048), plaintextModulus: plaintextModulus(16, 2048) },
  },
  {
    backend: 'wasm-fused',
    literal: { scheme: 'bfv', ...bfvDefault(8192), plaintextModulus: plaintextModulus(20, 8192) },
  },
  {
    backend: 'wasm',
    literal: { scheme: 'bfv', ...bfvDefault(8192), plaintextModulus: plaintextModulus(32, 8192) },
  },
  {
    backend: 'wasm-fused',
    literal: { scheme: 'bfv', ...bfvDefault(16384), plaintextModulus: plaintextModulus(20, 16384) },
  },
  {
    backend: 'wasm-fused',
    literal: {
      scheme: 'bfv',
      ringDegree: 16384,
      modulusBits: repeat(47, 6),
      specialBits: repeat(49, 3),
      plaintextModulus: plaintextModulus(32, 16384),
    },
  },
  {
    backend: 'wasm-fused',
    literal: {
      scheme: 'bfv',
      ringDegree: 32768,
      modulusBits: repeat(50, 8),
      specialBits: repeat(50, 4),
      plaintextModulus: plaintextModulus(20, 32768),
    },
  },
]

for (const subject of cases) integerSuite(subject)
