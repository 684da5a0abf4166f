import { ckksSuite, type SuiteCase } from '../../test-support/ckks-suite.ts'

// Real parameters, up to the limits of the security table.
const repeat = (bits: number, count: number): number[] => new Array<number>(count).fill(bits)

const cases: readonly SuiteCase[] = [
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] },
  },
  // At the limit of the security table: 430 bits at N = 16384.
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 16384, modulusBits: [50, ...repeat(40, 7)], specialBits: [50, 50] },
  },
  {
    backend: 'reference',
    scale: 30,
    literal: { scheme: 'ckks', ringDegree: 1024, modulusBits: [40, 30], specialBits: [40], security: 'INSECURE' },
  },
  // One special prime and digits of one: what other libraries have.
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 16384, modulusBits: [50, ...repeat(40, 6)], specialBits: [50] },
  },
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: {
      scheme: 'ckks',
      ringDegree: 16384,
      modulusBits: [50, ...repeat(40, 6)],
      specialBits: [50, 50, 40],
      digitSize: 3,
    },
  },
  {
    backend: 'wasm',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 16384, modulusBits: [50, ...repeat(40, 7)], specialBits: [50, 50] },
  },
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 32768, modulusBits: [50, ...repeat(40, 14)], specialBits: repeat(50, 5) },
  },
  // 49- and 50-bit primes at the largest degree that a table of each kind has.
  {
    backend: 'wasm-fused',
    scale: 49,
    literal: { scheme: 'ckks', ringDegree: 32768, modulusBits: [50, 49, 49, 50, 50], specialBits: [50, 50, 50] },
  },
  {
    backend: 'wasm-fused',
    scale: 45,
    literal: { scheme: 'ckks', ringDegree: 65536, modulusBits: [50, 45, 45, 45], specialBits: [50, 50] },
  },
  // The smallest primes that this degree has, and digits of one below a single special prime.
  {
    backend: 'wasm-fused',
    scale: 21,
    literal: {
      scheme: 'ckks',
      ringDegree: 32768,
      modulusBits: [28, 21, 21],
      specialBits: [28],
      digitSize: 1,
    },
  },
  {
    backend: 'wasm',
    scale: 40,
    literal: { scheme: 'ckks', ringDegree: 32768, modulusBits: [50, ...repeat(40, 6)], specialBits: [50] },
  },
  {
    backend: 'reference',
    scale: 30,
    literal: {
      scheme: 'ckks',
      ringDegree: 2048,
      modulusBits: [40, 30, 30, 30],
      specialBits: [40, 40],
      security: 'INSECURE',
    },
  },
]

for (const subject of cases) ckksSuite(subject)
