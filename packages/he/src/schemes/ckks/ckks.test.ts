import { ckksSuite, type SuiteCase } from '../../test-support/ckks-suite.ts'

const cases: readonly SuiteCase[] = [
  // The smallest that is secure: one prime, nothing but sums.
  {
    backend: 'wasm-fused',
    scale: 16,
    literal: { scheme: 'ckks', ringDegree: 1024, modulusBits: [25], specialBits: [] },
  },
  // One prime with a special one.
  { backend: 'wasm', scale: 20, literal: { scheme: 'ckks', ringDegree: 4096, modulusBits: [50], specialBits: [50] } },
  // Small primes.
  {
    backend: 'wasm-fused',
    scale: 20,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [24, 20, 20, 20],
      specialBits: [20, 20],
      digitSize: 1,
      security: 'INSECURE',
    },
  },
  // Digits of two primes over one special prime, the last digit short.
  {
    backend: 'wasm',
    scale: 20,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [28, 22, 22],
      specialBits: [50],
      digitSize: 2,
      security: 'INSECURE',
    },
  },
  // The largest primes, and a scale near them.
  {
    backend: 'wasm-fused',
    scale: 49,
    literal: { scheme: 'ckks', ringDegree: 2048, modulusBits: [50, 50, 50], specialBits: [50], security: 'INSECURE' },
  },
  {
    backend: 'wasm',
    scale: 34,
    literal: { scheme: 'ckks', ringDegree: 4096, modulusBits: [36, 34], specialBits: [36] },
  },
  // At N = 8192, where it is secure, in ckks.slow.test.ts.
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [50, 40, 40],
      specialBits: [50],
      security: 'INSECURE',
    },
  },
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: {
      scheme: 'ckks',
      ringDegree: 2048,
      modulusBits: [50, 40, 40, 40, 40],
      specialBits: [50, 50],
      security: 'INSECURE',
    },
  },
  {
    backend: 'wasm',
    scale: 45,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [50, 45, 45, 45, 45, 45, 45, 45],
      specialBits: [50, 50, 50],
      security: 'INSECURE',
    },
  },
  // The chain that is at the limit of the security table at N = 16384: ckks.slow.test.ts has it there.
  {
    backend: 'wasm-fused',
    scale: 40,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [50, 40, 40, 40, 40, 40, 40, 40],
      specialBits: [50, 50],
      security: 'INSECURE',
    },
  },
  {
    backend: 'wasm-fused',
    threads: 2,
    scale: 40,
    literal: {
      scheme: 'ckks',
      ringDegree: 4096,
      modulusBits: [50, 40, 40, 40],
      specialBits: [50, 50],
      security: 'INSECURE',
    },
  },
  {
    backend: 'wasm',
    threads: 3,
    scale: 20,
    literal: {
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [28, 22, 22],
      specialBits: [50],
      digitSize: 2,
      security: 'INSECURE',
    },
  },
  {
    backend: 'reference',
    scale: 30,
    literal: { scheme: 'ckks', ringDegree: 256, modulusBits: [40, 30], specialBits: [40], security: 'INSECURE' },
  },
]

for (const subject of cases) ckksSuite(subject)
