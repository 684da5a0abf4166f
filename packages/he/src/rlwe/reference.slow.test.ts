import { definitionSuite } from '../test-support/definition-suite.ts'

const insecure = { scheme: 'ckks', ringDegree: 1024, security: 'INSECURE' } as const
definitionSuite('wasm-fused', { ...insecure, modulusBits: [50, 40, 49], specialBits: [50] })
definitionSuite('wasm-fused', { ...insecure, modulusBits: [40, 36, 36, 36], specialBits: [40, 40] })
definitionSuite('wasm', { ...insecure, ringDegree: 2048, modulusBits: [50, 49], specialBits: [50] })
definitionSuite('reference', { ...insecure, modulusBits: [30, 20], specialBits: [30] })
definitionSuite('wasm-fused', { ...insecure, ringDegree: 256, modulusBits: [50, 40, 49, 40], specialBits: [50, 50] }, 2)
