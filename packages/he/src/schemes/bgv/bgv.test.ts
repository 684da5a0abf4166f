import { type IntegerCase, integerSuite } from '../../test-support/integer-suite.ts'
import { bfvDefault } from '../bfv/defaults.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'

const insecure = { scheme: 'bgv', security: 'INSECURE' } as const

const cases: readonly IntegerCase[] = [
  {
    backend: 'reference',
    literal: { ...insecure, ringDegree: 16, modulusBits: [40, 40], specialBits: [40], plaintextModulus: 2 },
  },
  {
    backend: 'reference',
    literal: { ...insecure, ringDegree: 16, modulusBits: [50, 45, 50], specialBits: [50], plaintextModulus: 97 },
  },
  {
    backend: 'wasm-fused',
    literal: { ...insecure, ringDegree: 32, modulusBits: [30, 30, 30], specialBits: [30], plaintextModulus: 17 },
  },
  {
    backend: 'wasm',
    literal: { ...insecure, ringDegree: 64, modulusBits: [48, 48, 48], specialBits: [48], plaintextModulus: 1000 },
  },
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
  { backend: 'wasm', literal: { scheme: 'bgv', ...bfvDefault(4096), plaintextModulus: plaintextModulus(18, 4096) } },
]

for (const subject of cases) integerSuite(subject)
