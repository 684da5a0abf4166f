import type { Kernels } from '../table.ts'
import { basisCombine, basisScale } from './basis.ts'
import { dotKey, dotPlain, dotPlains } from './dot.ts'
import { combine, embedForward, embedInverse, scaleRound } from './embed.ts'
import { expandUniform } from './expand.ts'
import { nttForward, nttForwardFrom, nttForwardSubMul, nttInverse, nttInverseFrom } from './ntt.ts'
import { pack, unpack } from './pack.ts'
import {
  add,
  addScalar,
  copy,
  mul,
  mulAdd,
  mulScalar,
  negate,
  permute,
  reduce,
  sub,
  subMulScalar,
  tensor,
} from './pointwise.ts'
import { sampleBinomial, sampleTernary } from './sample.ts'
import { weightedSums } from './weighted.ts'

/** The kernel table on bigint: what the others are held against. Slow, canonical, and as close to the definitions as code gets. */
export function createReferenceKernels(memory: WebAssembly.Memory): Kernels {
  const on =
    <A extends unknown[], R>(kernel: (memory: WebAssembly.Memory, ...args: A) => R) =>
    (...args: A): R =>
      kernel(memory, ...args)
  return {
    nttForward: on(nttForward),
    nttInverse: on(nttInverse),
    nttForwardFrom: on(nttForwardFrom),
    nttInverseFrom: on(nttInverseFrom),
    nttForwardSubMul: on(nttForwardSubMul),
    permute: on(permute),
    copy: on(copy),
    reduce: on(reduce),
    add: on(add),
    sub: on(sub),
    negate: on(negate),
    mul: on(mul),
    mulAdd: on(mulAdd),
    mulScalar: on(mulScalar),
    subMulScalar: on(subMulScalar),
    addScalar: on(addScalar),
    tensor: on(tensor),
    dotKey: on(dotKey),
    dotPlain: on(dotPlain),
    dotPlains: on(dotPlains),
    weightedSums: on(weightedSums),
    basisScale: on(basisScale),
    basisCombine: on(basisCombine),
    expandUniform: on(expandUniform),
    sampleTernary: on(sampleTernary),
    sampleBinomial: on(sampleBinomial),
    embedInverse: on(embedInverse),
    embedForward: on(embedForward),
    scaleRound: on(scaleRound),
    combine: on(combine),
    pack: on(pack),
    unpack: on(unpack),
  }
}
