// The kernel table of ../table.ts for WebAssembly, compiled by scripts/build-kernels.mjs.
export { heapBase, probe } from './fma'
export { nttForward, nttForwardFrom, nttForwardSubMul } from './ntt'
export { nttInverse, nttInverseFrom } from './ntt-inverse'
export {
  add, addScalar, copy, mul, mulAdd, mulScalar, negate, permute, reduce, sub, subMulScalar, tensor,
} from './pointwise'
export { dotKey, dotPlain, dotPlains } from './dot'
export { weightedSums } from './weighted'
export { basisCombine, basisScale } from './basis'
export { expandUniform } from './expand'
export { sampleBinomial, sampleTernary } from './sample'
export { combine, embedForward, embedInverse, scaleRound } from './embed'
export { pack, unpack } from './pack'
