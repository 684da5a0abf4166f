import { type IntegerCase, integerSuite } from '../../test-support/integer-suite.ts'
import { bfvDefault } from '../bfv/defaults.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'

const cases: readonly IntegerCase[] = [
  {
    backend: 'wasm-fused',
    literal: { scheme: 'bgv', ...bfvDefault(8192), plaintextModulus: plaintextModulus(20, 8192) },
  },
  {
    backend: 'wasm',
    literal: {
      scheme: 'bgv',
      ringDegree: 16384,
      modulusBits: [50, 45, 45, 45, 45],
      specialBits: [50, 50],
      plaintextModulus: plaintextModulus(17, 16384),
    },
  },
]

for (const subject of cases) integerSuite(subject)
